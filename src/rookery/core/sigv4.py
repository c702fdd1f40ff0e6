"""Signatures of requests to S3 and its kin (AWS Signature Version 4), with the standard library alone.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
UNRESERVED = "-_.~"


class Signer(NamedTuple):
    """Who signs, and for which region; nothing of the secret is ever shown."""

    key_id: str
    secret: str
    region: str = "us-east-1"
    token: str | None = None
    service: str = "s3"

    def __repr__(self) -> str:
        return f"Signer({self.key_id!r}, ..., {self.region!r})"


def signed(
    signer: Signer, method: str, url: str, *, headers: Mapping[str, str], body: bytes, now: float
) -> dict[str, str]:
    """Give all headers of a request, with its signature; `now` is in seconds since 1970."""
    parts = urlsplit(url)
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    content = hashlib.sha256(body).hexdigest()
    own = {"host": parts.netloc.rpartition("@")[2], "x-amz-content-sha256": content, "x-amz-date": stamp}
    if signer.token:
        own["x-amz-security-token"] = signer.token
    sent = {**{name.lower(): value for name, value in headers.items()}, **own}
    names = ";".join(sorted(sent))
    canonical = "\n".join(
        [
            method,
            quote(unquote(parts.path) or "/", safe="/" + UNRESERVED),
            _query(parts.query),
            *(f"{name}:{' '.join(sent[name].split())}" for name in sorted(sent)),
            "",
            names,
            content,
        ]
    )
    scope = f"{stamp[:8]}/{signer.region}/{signer.service}/aws4_request"
    text = "\n".join([ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    signature = hmac.new(_key(signer, stamp[:8]), text.encode(), hashlib.sha256).hexdigest()
    sent["authorization"] = (
        f"{ALGORITHM} Credential={signer.key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return sent


def _query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    encoded = sorted((quote(key, safe=UNRESERVED), quote(value, safe=UNRESERVED)) for key, value in pairs)
    return "&".join(f"{key}={value}" for key, value in encoded)


def _key(signer: Signer, day: str) -> bytes:
    key = f"AWS4{signer.secret}".encode()
    for part in (day, signer.region, signer.service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
