"""Stand before a server of the P2P protocol over HTTP as one that knows its former versions only."""

from __future__ import annotations

import contextlib
import http.client
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# The headers that mean something here; the others are about the connection.
CARRIED = ("Content-Type", "X-git-annex-data-length", "Authorization")


class Former(ThreadingHTTPServer):
    """Answers 404 to what is newer than `newest`, as a server does that has never heard of it; hands on the rest."""

    daemon_threads = True

    def __init__(self, upstream: int, newest: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.newest = newest
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Former
    protocol_version = "HTTP/1.1"

    def _hand_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        version = re.match(r"/git-annex/[^/]+/v(\d+)/([^?]+)", self.path)
        assert version is not None, self.path
        if int(version[1]) > self.server.newest:
            self._answer(404, {}, b"")
            return
        self.server.asked.append(f"v{version[1]} {version[2].partition('/')[0]}")
        wire = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=60)
        headers = {name: self.headers[name] for name in CARRIED if name in self.headers}
        wire.request(self.command, self.path, body, headers)
        told = wire.getresponse()
        carried = {name: told.headers[name] for name in CARRIED if name in told.headers}
        self._answer(told.status, carried, told.read())
        wire.close()

    def do_GET(self) -> None:
        self._hand_on()

    def do_POST(self) -> None:
        self._hand_on()

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def former(upstream: int, newest: int) -> Iterator[Former]:
    """Let it stand there, before what listens on a port of this machine."""
    server = Former(upstream, newest)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
