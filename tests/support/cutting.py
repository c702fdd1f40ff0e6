"""Stand between clients and a server on loopback, and do something when so many bytes have passed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress


class Cutting:
    """Hands on what comes to its port; all connections are counted together, and cut at the limit."""

    def __init__(self, server: int, at_limit: Callable[[], None]) -> None:
        self.passed = 0
        self.requests = 0  # of HTTP, which begin at the clients' side
        self._server = server
        self._limit: int | None = None
        self._at_limit = at_limit
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def after(self, count: int) -> None:
        """Cut when so many more bytes have passed."""
        with self._lock:
            self._limit = self.passed + count

    def close(self) -> None:
        """Stand there no longer."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        self._cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._talk, args=(near,), daemon=True).start()

    def _talk(self, near: socket.socket) -> None:
        with self._lock:
            try:
                far = socket.create_connection(("127.0.0.1", self._server))
            except OSError:
                near.close()
                return
            self._open |= {near, far}
        back = threading.Thread(target=self._pump, args=(far, near), daemon=True)
        back.start()
        self._pump(near, far, asking=True)
        back.join()
        near.close()
        far.close()

    def _pump(self, source: socket.socket, target: socket.socket, *, asking: bool = False) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 14):
                with self._lock:
                    before, self.passed = self.passed, self.passed + len(data)
                    self.requests += asking and data.count(b" HTTP/1.1\r\n")
                    if self._limit is not None and before < self._limit <= self.passed:
                        with suppress(OSError):
                            target.sendall(data[: self._limit - before])
                        self._cut()
                        self._at_limit()
                        return
                target.sendall(data)
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def _cut(self) -> None:
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        self._open.clear()
