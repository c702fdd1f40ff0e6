"""Several slashes in an address are one: an annexurl that ends in a slash makes git-annex ask for `//git-annex/...`."""

from __future__ import annotations

import re
from urllib.parse import unquote

from starlette.types import ASGIApp, Receive, Scope, Send

_SEVERAL = re.compile(rb"/{2,}")


class OneSlash:
    """Rewrites addresses on their way in; what stands behind `/key/` is a key, and left alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        raw: bytes = scope.get("raw_path") or b""
        before, mark, key = raw.partition(b"/key/")
        if b"//" in before:
            raw = _SEVERAL.sub(b"/", before) + mark + key
            scope = {**scope, "raw_path": raw, "path": unquote(raw.decode("ascii", "replace"))}
        await self._app(scope, receive, send)
