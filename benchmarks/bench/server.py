"""Serve a folder on loopback: `python -m bench.server FOLDER` prints its URL and goes on until it is ended."""

from __future__ import annotations

import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class Handler(SimpleHTTPRequestHandler):
    """Answer without a word; connections stay open, and small answers go at once."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and content in one packet: two would wait for each other (Nagle, delayed ACK)

    def log_message(self, format: str, *args: object) -> None:
        """Keep silent."""


class Server(ThreadingHTTPServer):
    """Take as many connections at once as come."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """Let clients hang up in the middle, as several do after a look at the head; say the rest."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type] # whatever came, goes on


if __name__ == "__main__":
    with Server(("127.0.0.1", 0), partial(Handler, directory=sys.argv[1])) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()
