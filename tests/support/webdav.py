"""A WebDAV server on loopback (wsgidav on cheroot): logins, a log of what was asked, faults on demand."""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

USER, PASSWORD = "robin", "pass word+&%"

Start = Callable[..., Any]


class DavRequest(NamedTuple):
    """One request: what came in, what went out."""

    method: str
    path: str
    sent: int
    status: int
    headers: dict[str, str]


class Fault(NamedTuple):
    """A request with this method (None: with any) to a path that matches ends with a status."""

    method: str | None
    pattern: re.Pattern[str]
    status: int


class WebDav:
    """Serves `root` at `url`.

    `anonymous` lets everybody in, `readonly` nobody write.  `blind` makes it one
    of the servers that take everything: they do not look at If-Match and
    If-None-Match, and let a collection be made twice.
    """

    def __init__(
        self,
        root: Path,
        *,
        anonymous: bool = False,
        readonly: bool = False,
        blind: bool = False,
    ) -> None:
        self.root = root
        self.blind = blind
        self.requests: list[DavRequest] = []
        self.users: dict[str, str] = {USER: PASSWORD}
        self._faults: list[tuple[int, Fault]] = []
        self._lock = threading.Lock()
        self._server = self._build(anonymous=anonymous, readonly=readonly)

    def _build(self, *, anonymous: bool, readonly: bool) -> Any:
        from cheroot.wsgi import Server
        from wsgidav.wsgidav_app import WsgiDAVApp

        login = {name: {"password": word} for name, word in self.users.items()}
        self.root.mkdir(parents=True, exist_ok=True)
        app = WsgiDAVApp(
            {
                "provider_mapping": {"/": {"root": str(self.root), "readonly": readonly}},
                "simple_dc": {"user_mapping": {"*": True if anonymous else login}},
                "http_authenticator": {
                    "accept_basic": True,
                    "accept_digest": False,
                    "default_to_digest": False,
                },
                "lock_storage": None,
                "property_manager": None,
                "dir_browser": {"enable": False},
                "logging": {"enable": False},
                "verbose": 0,
                "server": "cheroot",
            }
        )
        logging.getLogger("wsgidav").setLevel(logging.CRITICAL)
        return Server(("127.0.0.1", 0), self._watched(app), numthreads=8)

    @property
    def url(self) -> str:
        """The address of the root, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.bind_addr[1]}"

    def fail(self, method: str | None, path: str, *, nth: int = 1, status: int = 503) -> None:
        """End the nth request from now with this method (None: any), to a path in which the pattern `path` is found."""
        with self._lock:
            self._faults.append((nth, Fault(method, re.compile(path), status)))

    def asked(self, method: str, path: str = "") -> list[DavRequest]:
        """Give the requests so far with this method and `path` (a pattern) in their path."""
        return [r for r in list(self.requests) if r.method == method and re.search(path, r.path)]

    def forget_faults(self) -> None:
        """Forget the faults that have not come up."""
        with self._lock:
            self._faults = []

    def _fault(self, method: str, path: str) -> int | None:
        """Count down the faults that this request fits; give the status of one that is due."""
        with self._lock:
            due = None
            left = []
            for nth, fault in self._faults:
                if fault.method in (None, method) and fault.pattern.search(path):
                    nth -= 1
                    if nth == 0 and due is None:
                        due = fault.status
                        continue
                left.append((nth, fault))
            self._faults = left
            return due

    def _watched(self, app: Any) -> Callable[[dict[str, Any], Start], Iterable[bytes]]:
        def serve(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
            method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
            headers = {k[5:].lower().replace("_", "-"): v for k, v in environ.items() if k[:5] == "HTTP_"}
            size = int(environ.get("CONTENT_LENGTH") or 0)

            def note(status: str, *rest: Any) -> Any:
                self.requests.append(
                    DavRequest(method, path, size, int(status.split(maxsplit=1)[0]), headers)
                )
                return start(status, *rest)

            if (status := self._fault(method, path)) is not None:
                environ["wsgi.input"].read(size)  # else the next request begins in the middle of this one
                note(f"{status} Told to fail", [("Content-Length", "0")])
                return [b""]
            if self.blind:
                for name in ("HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"):
                    environ.pop(name, None)
                if method == "MKCOL" and (self.root / path.strip("/")).is_dir():
                    note("201 Created", [("Content-Length", "0")])
                    return [b""]
            answer: Iterable[bytes] = app(environ, note)
            return answer

        return serve

    @contextlib.contextmanager
    def running(self) -> Iterator[WebDav]:
        """Serve while the block runs."""
        self._server.prepare()
        thread = threading.Thread(target=self._server.serve, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.stop()
            thread.join(10)
