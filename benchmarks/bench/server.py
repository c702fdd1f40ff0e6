"""Serve a folder on loopback: `python -m bench.server FOLDER [SECONDS]` prints its URL and goes on until it is ended.

Each answer waits for so many seconds first, as if the server were so far away.
"""

from __future__ import annotations

import sys
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer


class Handler(SimpleHTTPRequestHandler):
    """Answer without a word; connections stay open, and small answers go at once."""

    protocol_version = "HTTP/1.1"
    delay = 0.0
    wbufsize = -1  # head and content in one packet: two would wait for each other (Nagle, delayed ACK)

    def do_GET(self) -> None:
        """Answer as a server far away does."""
        time.sleep(self.delay)
        super().do_GET()

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
    Handler.delay = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
    with Server(("127.0.0.1", 0), partial(Handler, directory=sys.argv[1])) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()
