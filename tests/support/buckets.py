"""An S3 server on loopback, as much of one as git-annex asks: buckets by path, whole objects, no signatures checked."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


class Buckets:
    """The buckets and their objects; every request is remembered as (method, path)."""

    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, bytes]] = {}
        self.requests: list[tuple[str, str]] = []
        handler = type("Handler", (_Handler,), {"owner": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True

    @property
    def port(self) -> int:
        """Where the server listens."""
        return int(self._http.server_address[1])

    @contextlib.contextmanager
    def running(self) -> Iterator[Buckets]:
        """Serve for the length of the block."""
        thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    owner: Buckets
    protocol_version = "HTTP/1.1"

    def _place(self) -> tuple[str, str]:
        bucket, _, name = unquote(urlsplit(self.path).path).lstrip("/").partition("/")
        self.owner.requests.append((self.command, f"{bucket}/{name}"))
        return bucket, name

    def _reply(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(body)

    def _missing(self, code: str) -> None:
        self._reply(404, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

    def _get(self) -> None:
        bucket, name = self._place()
        if bucket not in self.owner.buckets:
            self._missing("NoSuchBucket")
        elif not name and "location" in parse_qs(urlsplit(self.path).query, keep_blank_values=True):
            self._reply(200, b"<LocationConstraint/>")
        elif not name:
            self._reply(200, b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>")
        elif name not in self.owner.buckets[bucket]:
            self._missing("NoSuchKey")
        else:
            body = self.owner.buckets[bucket][name]
            stamp = {"ETag": f'"{hashlib.md5(body).hexdigest()}"', "Last-Modified": self.date_time_string(0)}
            self._reply(200, body, stamp)

    def do_GET(self) -> None:
        self._get()

    def do_HEAD(self) -> None:
        self._get()

    def do_PUT(self) -> None:
        bucket, name = self._place()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not name:
            self.owner.buckets.setdefault(bucket, {})
        elif bucket not in self.owner.buckets:
            self._missing("NoSuchBucket")
            return
        else:
            self.owner.buckets[bucket][name] = body
        self._reply(200, headers={"ETag": f'"{hashlib.md5(body).hexdigest()}"'})

    def do_DELETE(self) -> None:
        bucket, name = self._place()
        self.owner.buckets.get(bucket, {}).pop(name, None)
        self._reply(204)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
