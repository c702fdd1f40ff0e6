"""The header Host as a client sent it: an address, or the request is refused.

Answers hold addresses that are made of it (`asking.site_of`), unless the site
has set its own; what is no address would break them.
"""

from __future__ import annotations

import re

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_HOST = re.compile(rb"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?")
_LARGEST_PORT = 65535


def is_host(value: bytes) -> bool:
    """Say whether it is a name or an address, with a port perhaps (RFC 9110, 7.2)."""
    found = _HOST.fullmatch(value)
    return found is not None and int(found[1] or 0) <= _LARGEST_PORT


class PlainHosts:
    """Lets through what has one header Host that is an address, or none (HTTP 1.0)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "http":
            hosts = [value for name, value in scope["headers"] if name == b"host"]
            if len(hosts) > 1 or not all(map(is_host, hosts)):
                await PlainTextResponse("the header Host is no address\n", 400)(scope, receive, send)
                return
        await self._app(scope, receive, send)
