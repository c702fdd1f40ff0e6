"""Calling a web application in this process, without a server: one request at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from starlette.datastructures import Headers
from starlette.types import ASGIApp


class Answer(NamedTuple):
    """What an application answered."""

    status: int
    headers: Headers
    body: bytes


class Caller:
    """Calls an application on an event loop of its own; `close` it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._runner = asyncio.Runner()

    def close(self) -> None:
        """End the loop."""
        self._runner.close()

    def __call__(
        self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Make a request."""
        return self._runner.run(self._ask(method, url, body, headers or {}))

    async def _ask(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        path, _, query = url.partition("?")
        told = {"host": "hub.test", "content-length": str(len(body)), **headers}
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in told.items()],
            "client": ("127.0.0.1", 1),
            "server": ("hub.test", 80),
        }
        waiting = [{"type": "http.request", "body": body, "more_body": False}]
        heard: list[Any] = []

        async def receive() -> Any:
            if not waiting:
                await asyncio.Event().wait()  # nobody hangs up
            return waiting.pop()

        async def send(message: Any) -> None:
            heard.append(message)

        await self._app(scope, receive, send)
        start = next(m for m in heard if m["type"] == "http.response.start")
        whole = b"".join(m.get("body", b"") for m in heard if m["type"] == "http.response.body")
        return Answer(start["status"], Headers(raw=start["headers"]), whole)
