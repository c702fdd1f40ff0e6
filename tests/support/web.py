"""A web server on loopback that serves a folder and can be told to misbehave."""

from __future__ import annotations

import base64
import contextlib
import email.utils
import hashlib
import mimetypes
import threading
from collections import deque
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit


class Request(NamedTuple):
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]

    @property
    def range(self) -> str | None:
        """The part of the file that was asked for, if not all of it."""
        return self.headers.get("range")


class Gate:
    """Where an answer waits in its middle until the test says `open`; `reached` is set when one waits."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self._open = threading.Event()

    def open(self) -> None:
        """Let the answer go on."""
        self._open.set()

    def wait(self) -> None:
        """Stand here, as the server does, until the gate is open."""
        self.reached.set()
        self._open.wait(60)


class Behaviour(NamedTuple):
    """How one answer differs from the right one."""

    status: int | None = None
    location: str | None = None
    cut_after: int | None = None
    corrupt: bool = False
    gate: Gate | None = None
    gate_after: int = 0


class WebServer:
    """Serves `root` at `url`, remembers `requests`, and misbehaves as told.

    What is told for a path holds for `times` answers (None: for ever); several
    are used up in order.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.requests: list[Request] = []
        self.ranges = True
        self.validators = True  # ETag and Last-Modified
        self.headers: dict[str, str] = {}
        self._told: dict[str, deque[tuple[Behaviour, int | None]]] = {}
        self._users: dict[str, str] = {}
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._http.daemon_threads = True

    @property
    def url(self) -> str:
        """The address of the root, without a slash at the end."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def put(self, name: str, content: bytes | str) -> str:
        """Write a file and give its address."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return f"{self.url}/{name}"

    def fail(self, path: str, status: int = 503, times: int | None = None) -> None:
        """Answer with an error status."""
        self._tell(path, Behaviour(status=status), times)

    def redirect(self, path: str, to: str, status: int = 302, times: int | None = None) -> None:
        """Send the client elsewhere."""
        self._tell(path, Behaviour(status=status, location=to), times)

    def truncate(self, path: str, after: int, times: int | None = 1) -> None:
        """Promise the whole file, close the connection after some bytes."""
        self._tell(path, Behaviour(cut_after=after), times)

    def corrupt(self, path: str, times: int | None = 1) -> None:
        """Flip the bits of the last byte."""
        self._tell(path, Behaviour(corrupt=True), times)

    def hold(self, path: str, after: int = 0, times: int | None = 1) -> Gate:
        """Stop after some bytes until the gate that this gives is opened: slowness without a clock."""
        gate = Gate()
        self._tell(path, Behaviour(gate=gate, gate_after=after), times)
        return gate

    def protect(self, path: str, user: str, password: str) -> None:
        """Ask for a name and password (HTTP Basic) below this path."""
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._users[path] = f"Basic {token}"

    def asked(self, path: str, method: str = "GET") -> list[Request]:
        """Give the requests for one path so far."""
        return [r for r in self.requests if r.path == path and r.method == method]

    def _tell(self, path: str, behaviour: Behaviour, times: int | None) -> None:
        with self._lock:
            self._told.setdefault(path, deque()).append((behaviour, times))

    def note(self, request: Request) -> Behaviour:
        """Remember a request and say how to answer it."""
        with self._lock:
            self.requests.append(request)
            told = self._told.get(request.path)
            if not told:
                return Behaviour()
            behaviour, times = told[0]
            if times is not None:
                told.popleft()
                if times > 1:
                    told.appendleft((behaviour, times - 1))
            return behaviour

    def admits(self, request: Request) -> bool:
        """Say whether a request carries what its path asks for."""
        given = request.headers.get("authorization")
        return all(given == wanted for path, wanted in self._users.items() if request.path.startswith(path))

    @contextlib.contextmanager
    def running(self) -> Iterator[WebServer]:
        """Serve while the block runs."""
        thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join(10)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: WebServer

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: requests are in the owner's list."""

    def _answer(self, *, with_body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, path, headers)
        told = self.owner.note(request)
        if told.status is not None:
            more = {"Location": told.location} if told.location else {}
            self._short(told.status, more)
        elif not self.owner.admits(request):
            self._short(401, {"WWW-Authenticate": 'Basic realm="test"'})
        else:
            file = self.owner.root / path.lstrip("/")
            if file.is_file() and file.resolve().is_relative_to(self.owner.root.resolve()):
                self._file(file, request, told, with_body=with_body)
            else:
                self._short(404, {})

    def _short(self, status: int, headers: dict[str, str]) -> None:
        body = f"{status}\n".encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _file(self, file: Path, request: Request, told: Behaviour, *, with_body: bool) -> None:
        content = file.read_bytes()
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        if told.corrupt and content:
            content = content[:-1] + bytes([content[-1] ^ 0xFF])
        start, end = self._part(request, len(content), etag)
        if start > 0 and start >= len(content):
            self._short(416, {"Content-Range": f"bytes */{len(content)}"})
            return
        body = content[start:end]
        partial = request.range is not None and self.owner.ranges and (start, end) != (0, len(content))
        self.send_response(206 if partial else 200)
        if partial:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", mimetypes.guess_type(file.name)[0] or "application/octet-stream")
        if self.owner.ranges:
            self.send_header("Accept-Ranges", "bytes")
        if self.owner.validators:
            self.send_header("ETag", etag)
            self.send_header("Last-Modified", email.utils.formatdate(file.stat().st_mtime, usegmt=True))
        for name, value in self.owner.headers.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self._body(body, told)

    def _part(self, request: Request, size: int, etag: str) -> tuple[int, int]:
        """Give the range to send; all of it if none was asked for, or the file has changed since (If-Range)."""
        wanted = request.range
        changed = request.headers.get("if-range", etag) != etag
        if wanted is None or not self.owner.ranges or changed or not wanted.startswith("bytes="):
            return 0, size
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        if not first:
            return max(size - int(last), 0), size
        return int(first), min(int(last) + 1, size) if last else size

    def _body(self, body: bytes, told: Behaviour) -> None:
        if told.cut_after is not None:
            self.wfile.write(body[: told.cut_after])
            self.close_connection = True
            return
        try:
            if told.gate is not None:
                self.wfile.write(body[: told.gate_after])
                self.wfile.flush()
                told.gate.wait()
                body = body[told.gate_after :]
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # the client went away, as some tests make it do
