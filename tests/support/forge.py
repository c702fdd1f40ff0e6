"""A server that answers as Gogs, Gitea and GIN do when repositories are made; it remembers what it heard.

Real ones are out of a test's reach; the answers are those that DataLad's commands are made for.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Heard(NamedTuple):
    """One request."""

    method: str
    path: str
    body: Any
    authorization: str


class MockForge:
    """The server; `taken` names exist already, `broken` is a status and body for everything that is made."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.heard: list[Heard] = []
        self.taken: set[str] = set()
        self.broken: tuple[int, bytes] | None = None
        self.url = ""

    def answer(self, asked: Heard) -> tuple[int, Any]:
        """Answer as such a server would."""
        if asked.authorization != "token s3cret":
            return 403 if self.kind == "gogs" else 401, {"message": "invalid token"}
        if asked.path == "/api/v1/user":
            return 200, {"login": "ada", "id": 1}
        if asked.method == "POST":
            if self.broken is not None:
                return self.broken[0], self.broken[1]
            name = asked.body["name"]
            if name in self.taken:
                return 409 if self.kind == "gitea" else 422, {"message": "repository already exists"}
            owner = asked.path.split("/")[4] if "/org/" in asked.path else "ada"
            return 201, self.repository(owner, name, asked.body["private"])
        owner, name = asked.path.split("/")[-2:]
        return 200, self.repository(owner, name, True)

    def repository(self, owner: str, name: str, private: bool) -> dict[str, Any]:
        """Tell of a repository; GIN calls its SSH address `clone_url`."""
        ssh, page = f"git@forge.example.org:/{owner}/{name}.git", f"{self.url}/{owner}/{name}"
        clone = ssh if self.kind == "gin" else f"{page}.git"
        return {"name": name, "private": private, "clone_url": clone, "ssh_url": ssh, "html_url": page}

    @contextmanager
    def running(self) -> Iterator[MockForge]:
        """Serve on loopback for the length of the block."""
        forge = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                body = json.loads(raw) if raw else None
                asked = Heard(self.command, self.path, body, self.headers.get("Authorization", ""))
                forge.heard.append(asked)
                status, told = forge.answer(asked)
                text = told if isinstance(told, bytes) else json.dumps(told).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def do_POST(self) -> None:
                self.do_GET()

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()
