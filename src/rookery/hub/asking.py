"""What all HTTP faces have to know of a request: who asks, by which address they came, and how to refuse."""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from rookery.hub.domain.access import Actor
from rookery.hub.domain.errors import (
    BadName,
    BadOffset,
    Conflict,
    Forbidden,
    Hidden,
    HubError,
    InUse,
    NeedsSignIn,
    NotFound,
    TooMuch,
    TooOften,
    Unavailable,
)
from rookery.hub.domain.names import RepositoryPath
from rookery.hub.services.hub import Hub
from rookery.hub.settings import Settings

CHALLENGE = {"WWW-Authenticate": 'Basic realm="Rookery hub", charset="UTF-8"'}

# What a refusal is in HTTP; the first that fits counts.
_STATUS: tuple[tuple[type[HubError], int], ...] = (
    (Hidden, 404),
    (NotFound, 404),
    (NeedsSignIn, 401),
    (Forbidden, 403),
    (Conflict, 409),
    (BadName, 422),
    (TooMuch, 413),
    (TooOften, 429),
    (BadOffset, 400),
    (InUse, 409),
    (Unavailable, 503),
)


def hub_of(request: Request) -> Hub:
    """Give the services of the app that a request came to."""
    found: Hub = request.app.state.hub
    return found


def settings_of(request: Request) -> Settings:
    """Give the settings of the app that a request came to."""
    found: Settings = request.app.state.settings
    return found


def address_of(request: Request) -> str:
    """Give the network address that a request came from."""
    return request.client.host if request.client else ""


def actor_of(request: Request) -> Actor:
    """Say who asks, by the header Authorization; a stranger if there is none.  Waits for the database.

    Raises NeedsSignIn if what it holds is not good, TooOften.
    """
    identity, address = hub_of(request).identity, address_of(request)
    kind, _, rest = request.headers.get("authorization", "").partition(" ")
    rest = rest.strip()
    if not kind:
        return identity.stranger(address)
    if kind.lower() in ("token", "bearer"):
        return identity.by_token(rest, address)
    if kind.lower() == "basic":
        try:
            name, _, password = base64.b64decode(rest, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError) as e:
            raise NeedsSignIn("the header Authorization cannot be read") from e
        return identity.by_basic(name, password, address)
    raise NeedsSignIn(f"there is no way to sign in called {kind[:20]!r}")


class Site(NamedTuple):
    """The hub as seen from where a request came: the beginnings of addresses."""

    http: str  # http://host:port
    ssh: str | None  # ssh://git@host:port

    @property
    def annex(self) -> str:
        """The address of git-annex's protocol, with its port, since git-annex has a default of its own."""
        parts = urlsplit(self.http)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return f"annex+{parts.scheme}://{host}:{port}"

    def page(self, path: RepositoryPath) -> str:
        """The address of a repository for browsers; clients take it too."""
        return f"{self.http}/{path}"

    def clone(self, path: RepositoryPath) -> str:
        """The address of a repository for Git over HTTP."""
        return f"{self.http}/{path}.git"

    def clone_ssh(self, path: RepositoryPath) -> str | None:
        """The address of a repository for Git over SSH; None without SSH."""
        return None if self.ssh is None else f"{self.ssh}/{path}.git"


def site_of(request: Request) -> Site:
    """Say under which address the hub was asked: the configured one, else the one that the client used."""
    settings = settings_of(request)
    http = settings.url or f"{request.url.scheme}://{request.headers.get('host') or settings.http}"
    host = urlsplit(http).hostname or settings.http.host
    named = f"[{host}]" if ":" in host else host
    return Site(http, f"ssh://git@{named}:{settings.ssh.port}" if settings.ssh else None)


def status_of(error: HubError) -> int:
    """Give the HTTP status of a refusal."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 400)


def headers_of(error: HubError) -> dict[str, str]:
    """Give the headers that belong to a refusal."""
    if isinstance(error, NeedsSignIn | Hidden):
        return dict(CHALLENGE)
    return {"Retry-After": str(error.after)} if isinstance(error, TooOften) else {}


def refused(error: HubError) -> Response:
    """Refuse as Git and git-annex want it: what strangers may not know of is 401, so that they say who they are."""
    status = 401 if isinstance(error, Hidden) else 404 if isinstance(error, BadName) else status_of(error)
    text = "\n".join([error.message, *error.hints, ""])
    return PlainTextResponse(text, status, headers_of(error) | {"Cache-Control": "no-store"})
