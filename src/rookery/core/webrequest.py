"""One small request to a web server: for questions and answers that fit in memory, with any method."""

from __future__ import annotations

import base64
import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from rookery import __version__
from rookery.core.errors import AccessFailedError
from rookery.core.proxies import Proxies

PATIENCE = 30.0
LARGEST = 1 << 20


class Login(NamedTuple):
    """A name and password; neither is ever shown."""

    user: str
    password: str

    def __repr__(self) -> str:
        return "Login(...)"


class Answer(NamedTuple):
    """What a server said at the end of all redirects, whatever it was; `body` is no longer than LARGEST."""

    status: int
    url: str
    headers: Message
    body: bytes


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects with the same method, of requests without a body; a login stays with its server."""

    def redirect_request(self, req: urllib.request.Request, *seen: Any) -> urllib.request.Request | None:
        newurl = str(seen[-1])
        if req.data is not None or urlsplit(newurl).scheme not in ("http", "https"):
            return None
        again = urllib.request.Request(newurl, headers=dict(req.headers), method=req.get_method())
        if urlsplit(newurl)[:2] == urlsplit(req.full_url)[:2]:
            again.unredirected_hdrs.update(req.unredirected_hdrs)
        return again


def send(
    env: Mapping[str, str],
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    ca: str | None = None,
) -> Answer:
    """Send a request and give the answer, of any status; `env` names the proxies.

    `ca` is a file of certificates that are believed instead of the machine's.

    What `headers` hold is not sent to another server than the one of `url`.
    Raises AccessFailedError when there is no answer at all.
    """
    opener = urllib.request.OpenerDirector()
    for handler in (
        Proxies(env),
        _Redirects(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=_believing(ca)),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    request = urllib.request.Request(url, body, {"User-Agent": f"rookery/{__version__}"}, method=method)
    if body is not None:
        request.add_header("Content-Type", "application/octet-stream")
    for name, value in (headers or {}).items():
        request.add_unredirected_header(name, value)
    try:
        with opener.open(request, timeout=PATIENCE) as answer:
            return Answer(answer.status, answer.url, answer.headers, answer.read(LARGEST))
    except urllib.error.HTTPError as e:
        with e:
            return Answer(e.code, e.url, e.headers, e.read(LARGEST))
    except (OSError, http.client.HTTPException) as e:
        raise AccessFailedError(
            f"{shown(url)} could not be reached: {getattr(e, 'reason', e)}",
            hints=["check the address, the network and the proxy settings"],
        ) from e


def _believing(ca: str | None) -> ssl.SSLContext | None:
    """Give what checks certificates; None for the usual.  Raises AccessFailedError if the file is no such thing."""
    if ca is None:
        return None
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as e:
        raise AccessFailedError(f"{ca} holds no certificates that can be read: {e}", again=False) from e


def shown(url: str) -> str:
    """Spell an address for a person: without a login, and without a query that may hold one."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def basic(user: str, password: str) -> str:
    """Give the value of an Authorization header."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
