"""Asking servers whom they want to know, and whether they take a credential."""

from __future__ import annotations

import base64
import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from rookery import __version__
from rookery.core.context import Context
from rookery.core.errors import AccessFailedError
from rookery.core.proxies import Proxies
from rookery.core.sigv4 import Signer, signed
from rookery.credentials.credential import Credential
from rookery.credentials.realm import Challenge, challenges

PATIENCE = 30.0
REFUSED = frozenset({401, 403})
# What S3 answers to somebody it does not know; "AccessDenied" is for those it knows, about one request.
UNKNOWN_KEYS = (b"InvalidAccessKeyId", b"SignatureDoesNotMatch", b"InvalidToken", b"ExpiredToken")
BEGINNING = 4096
UNSURE = frozenset({407, 408, 425, 429, *range(500, 600)})


class Answer(NamedTuple):
    """What a server said at the end of all redirects; `body` is no more than its beginning."""

    status: int
    url: str
    headers: Message
    body: bytes


class _Elsewhere(urllib.request.HTTPRedirectHandler):
    """Follows redirects that keep the method; a credential stays with the server that it was meant for."""

    def redirect_request(self, req: urllib.request.Request, *seen: Any) -> urllib.request.Request | None:
        newurl = str(seen[-1])
        if urlsplit(newurl).scheme not in ("http", "https"):
            return None
        kept = {k: v for k, v in req.headers.items() if k.lower() != "authorization"}
        return urllib.request.Request(newurl, headers=kept, method=req.get_method())


def ask(ctx: Context, method: str, url: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Send a request without a body.  Raises AccessFailedError when there is no answer to go by."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        Proxies(ctx.env),
        _Elsewhere(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    request = urllib.request.Request(url, method=method, headers={"User-Agent": f"rookery/{__version__}"})
    for name, value in (headers or {}).items():
        request.add_unredirected_header(name, value)
    try:
        with opener.open(request, timeout=PATIENCE) as answer:
            said = Answer(answer.status, answer.url, answer.headers, answer.read(BEGINNING))
    except urllib.error.HTTPError as e:
        with e:
            said = Answer(e.code, e.url, e.headers, e.read(BEGINNING))
    except (OSError, http.client.HTTPException) as e:
        reason = getattr(e, "reason", e)
        raise AccessFailedError(
            f"{_shown(url)} could not be reached: {reason}",
            hints=["check the address, the network and the proxy settings"],
        ) from e
    if said.status in UNSURE:
        raise AccessFailedError(
            f"{_shown(url)} answered {said.status}, so nothing can be said about the login",
            hints=["try again later"],
        )
    return said


def _shown(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def wanted_by(ctx: Context, url: str) -> tuple[str, list[Challenge]]:
    """Ask a web server whom it wants to know; give the address after redirects, and its challenges."""
    answer = ask(ctx, "HEAD", url)
    return answer.url, challenges(answer.headers.get_all("WWW-Authenticate") or [])


def basic(credential: Credential) -> str:
    """Give the value of an Authorization header."""
    token = base64.b64encode(f"{credential.user or ''}:{credential.secret}".encode()).decode()
    return f"Basic {token}"


def webdav_takes(ctx: Context, url: str, credential: Credential) -> bool:
    """Say whether a WebDAV server lets this credential look."""
    answer = ask(ctx, "PROPFIND", url, {"Authorization": basic(credential), "Depth": "0"})
    return answer.status not in REFUSED


def webdav_is_open(ctx: Context, url: str) -> bool:
    """Say whether a WebDAV server lets everybody look."""
    return ask(ctx, "PROPFIND", url, {"Depth": "0"}).status not in REFUSED


def web_takes(ctx: Context, url: str, credential: Credential) -> bool:
    """Say whether a web server lets this credential look."""
    return ask(ctx, "HEAD", url, {"Authorization": basic(credential)}).status not in REFUSED


def s3_takes(ctx: Context, parameters: Mapping[str, str], credential: Credential) -> bool:
    """Say whether an S3 server knows this credential, asking for the bucket (which may not exist yet)."""
    signer = Signer(
        credential.user or "", credential.secret, s3_region(parameters), ctx.env.get("AWS_SESSION_TOKEN")
    )
    url = f"{s3_endpoint(parameters)}/{quote(parameters.get('bucket', ''))}?max-keys=1"
    headers = signed(signer, "GET", url, headers={}, body=b"", now=ctx.clock())
    answer = ask(ctx, "GET", url, headers)
    return answer.status != 401 and not any(code in answer.body for code in UNKNOWN_KEYS)


def s3_endpoint(parameters: Mapping[str, str]) -> str:
    """Give the address of the server in a special remote's parameters, as git-annex reads them."""
    port = parameters.get("port")
    plain = parameters.get("protocol", "http" if port and port != "443" else "https") == "http"
    usual = "80" if plain else "443"
    place = parameters.get("host") or "s3.amazonaws.com"
    return f"{'http' if plain else 'https'}://{place}{f':{port}' if port and port != usual else ''}"


def s3_region(parameters: Mapping[str, str]) -> str:
    """Give the region that requests are signed for."""
    named = parameters.get("region") or parameters.get("datacenter") or ""
    return named if named not in ("", "US") else "us-east-1"


def moment(clock: float) -> str:
    """Spell a time as DataLad does in `last-used`: ISO 8601, local."""
    from datetime import datetime  # start-up: when something is stored

    return datetime.fromtimestamp(clock).isoformat()
