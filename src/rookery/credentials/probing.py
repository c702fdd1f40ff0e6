"""Asking servers whom they want to know, and whether they take a credential."""

from __future__ import annotations

from collections.abc import Mapping

from rookery.core import s3address
from rookery.core.context import Context
from rookery.core.errors import AccessFailedError
from rookery.core.sigv4 import Signer, signed
from rookery.core.webrequest import Answer, basic, send, shown
from rookery.credentials.credential import Credential
from rookery.credentials.realm import Challenge, challenges

REFUSED = frozenset({401, 403})
# What S3 answers to somebody it does not know; "AccessDenied" is for those it knows, about one request.
UNKNOWN_KEYS = (b"InvalidAccessKeyId", b"SignatureDoesNotMatch", b"InvalidToken", b"ExpiredToken")
UNSURE = frozenset({407, 408, 425, 429, *range(500, 600)})


def ask(ctx: Context, method: str, url: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Send a request without a body.  Raises AccessFailedError when there is no answer to go by."""
    said = send(ctx.env, method, url, headers=headers)
    if said.status in UNSURE:
        raise AccessFailedError(
            f"{shown(url)} answered {said.status}, so nothing can be said about the login",
            hints=["try again later"],
        )
    return said


def wanted_by(ctx: Context, url: str) -> list[Challenge]:
    """Ask a web server whom it wants to know."""
    return challenges(ask(ctx, "HEAD", url).headers.get_all("WWW-Authenticate") or [])


def _login(credential: Credential) -> str:
    return basic(credential.user or "", credential.secret)


def webdav_takes(ctx: Context, url: str, credential: Credential) -> bool:
    """Say whether a WebDAV server lets this credential look."""
    answer = ask(ctx, "PROPFIND", url, {"Authorization": _login(credential), "Depth": "0"})
    return answer.status not in REFUSED


def webdav_is_open(ctx: Context, url: str) -> bool:
    """Say whether a WebDAV server lets everybody look."""
    return ask(ctx, "PROPFIND", url, {"Depth": "0"}).status not in REFUSED


def web_takes(ctx: Context, url: str, credential: Credential) -> bool:
    """Say whether a web server lets this credential look."""
    return ask(ctx, "HEAD", url, {"Authorization": _login(credential)}).status not in REFUSED


def s3_takes(ctx: Context, parameters: Mapping[str, str], credential: Credential) -> bool:
    """Say whether an S3 server knows this credential, asking for the bucket (which may not exist yet)."""
    signer = Signer(
        credential.user or "",
        credential.secret,
        s3address.region(parameters),
        ctx.env.get("AWS_SESSION_TOKEN"),
    )
    url = f"{s3address.bucket(parameters)}?max-keys=1"
    headers = signed(signer, "GET", url, headers={}, body=b"", now=ctx.clock())
    answer = ask(ctx, "GET", url, headers)
    return answer.status != 401 and not any(code in answer.body for code in UNKNOWN_KEYS)


def moment(clock: float) -> str:
    """Spell a time as DataLad does in `last-used`: ISO 8601, local."""
    from datetime import datetime  # start-up: when something is stored

    return datetime.fromtimestamp(clock).isoformat()
