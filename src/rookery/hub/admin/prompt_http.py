"""HTTP as uvicorn speaks it, with headers acknowledged at once, and reasons that git-annex shows.

git-annex 10.20261026 sends the headers of an upload and its body in two pieces,
and its system holds the second one back until the first is acknowledged
(Nagle).  Ours would put that off for 40 milliseconds: for each small file.

Of a refusal git-annex shows the status line and nothing else: "413 Request
Entity Too Large".  So the reason goes there, where a face has put it into the
header `REASON` (RFC 9112, 4: a reason phrase is any text).
"""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from rookery.hub.p2p.asked import REASON

_NOW = getattr(socket, "TCP_QUICKACK", None)  # Linux has it; others put it off for less long


class PromptHttp(HttpToolsProtocol):
    """One connection."""

    def on_headers_complete(self) -> None:
        """Let the system acknowledge what came, and go on."""
        if _NOW is not None and self.parser.get_method() == b"POST":
            there = self.transport.get_extra_info("socket")
            if there is not None and there.family in (socket.AF_INET, socket.AF_INET6):
                # uvloop's socket has no setsockopt: a second object for the same one, which does not close it
                same = socket.socket(there.family, there.type, there.proto, fileno=there.fileno())
                try:
                    same.setsockopt(socket.IPPROTO_TCP, _NOW, 1)
                finally:
                    same.detach()
        super().on_headers_complete()
        if b"/git-annex/" in self.url[:100]:
            self.cycle.transport = _Reasoned(self.transport)  # type: ignore[assignment]  # all that is used of one


class _Reasoned:
    """A connection whose next answer begins with the reason that its headers give."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._begun = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send; the first bytes are the head of the answer."""
        if not self._begun:
            self._begun, data = True, with_reason(data)
        self._transport.write(data)


def with_reason(head: bytes) -> bytes:
    """Move the reason from the header into the status line; a head without one stays as it is."""
    before, mark, after = head.partition(f"\r\n{REASON.lower()}: ".encode())
    if not mark:
        return head
    reason, _, rest = after.partition(b"\r\n")
    status, _, others = before.partition(b"\r\n")
    code = b" ".join(status.split(b" ")[:2])
    return b"%s %s\r\n%s" % (code, reason, b"\r\n".join(filter(None, (others, rest))))
