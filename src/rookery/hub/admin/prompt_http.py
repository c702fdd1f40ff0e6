"""HTTP as uvicorn speaks it, with headers acknowledged at once.

git-annex 10.20261026 sends the headers of an upload and its body in two pieces,
and its system holds the second one back until the first is acknowledged
(Nagle).  Ours would put that off for 40 milliseconds: for each small file.
"""

from __future__ import annotations

import socket

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

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
