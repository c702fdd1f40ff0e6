"""Connections to web servers that are kept open from one request through urllib to the next.

urllib itself asks servers to hang up after each answer: five hundred small files cost five hundred greetings.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

Connect = Callable[[bool, str, int], http.client.HTTPConnection]
"""Makes a connection: with TLS or not, to a host and port.  Raises OSError."""

# What a connection fails with that the server has closed since the last answer.
_STALE = (ConnectionError, http.client.BadStatusLine)


class _Line(NamedTuple):
    """A connection, and the last answer that came on it."""

    connection: http.client.HTTPConnection
    answer: http.client.HTTPResponse

    @property
    def free(self) -> bool:
        """Whether the answer was read to its end, and nothing but the next one can come."""
        return self.answer.isclosed() and self.answer.length == 0 and not self.answer.will_close


class KeepAlive(urllib.request.AbstractHTTPHandler):
    """Opens http and https URLs, not through proxies; each thread has connections of its own."""

    def __init__(self, patience: float, connect: Connect | None = None) -> None:
        """Make the handler; `patience` is in seconds."""
        super().__init__()
        self._patience = patience
        self._connect = connect or self._usual
        self._tls: ssl.SSLContext | None = None
        self._mine = threading.local()
        self._all: set[http.client.HTTPConnection] = set()
        self._lock = threading.Lock()
        self.stopped = False

    def http_request(self, request: urllib.request.Request) -> urllib.request.Request:
        """Give a request the headers that every one has."""
        return self.do_request_(request)

    https_request = http_request

    def http_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """Send a request."""
        return self._open(request, secure=False)

    def https_open(self, request: urllib.request.Request) -> http.client.HTTPResponse:
        """Send a request over TLS."""
        return self._open(request, secure=True)

    def stop(self) -> None:
        """Let what is under way in any thread fail at once, and begin nothing anew."""
        with self._lock:
            self.stopped = True
            for connection in self._all:
                with suppress(OSError, AttributeError):  # no socket any more: it has ended
                    connection.sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up everywhere; no thread may be at work."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()

    def _open(self, request: urllib.request.Request, *, secure: bool) -> http.client.HTTPResponse:
        try:
            return self._answer(request, secure=secure)
        except OSError as e:
            raise urllib.error.URLError(e) from e

    def _answer(self, request: urllib.request.Request, *, secure: bool) -> http.client.HTTPResponse:
        lines: dict[tuple[bool, str], _Line] = self._mine.__dict__.setdefault("lines", {})
        place = (secure, request.host)
        old = lines.pop(place, None)
        if old is not None and old.free:
            with suppress(*_STALE):
                return self._exchange(old.connection, request, lines, place)
        if old is not None:
            self._drop(old.connection)
        host, _, port = request.host.rpartition(":")
        if not port.isdigit() or host.endswith(":"):
            host, port = request.host, "443" if secure else "80"
        connection = self._connect(secure, host.strip("[]"), int(port))
        with self._lock:
            self._all.add(connection)
        return self._exchange(connection, request, lines, place)

    def _exchange(
        self,
        connection: http.client.HTTPConnection,
        request: urllib.request.Request,
        lines: dict[tuple[bool, str], _Line],
        place: tuple[bool, str],
    ) -> http.client.HTTPResponse:
        headers = {k.title(): v for k, v in (*request.unredirected_hdrs.items(), *request.headers.items())}
        if self.stopped:
            raise ConnectionAbortedError("the command ends")
        try:
            connection.request(request.get_method(), request.selector, request.data, headers)
            answer = connection.getresponse()
        except BaseException:
            self._drop(connection)
            raise
        lines[place] = _Line(connection, answer)
        answer.url = request.full_url  # urllib reads it, and this as the reason
        answer.msg = answer.reason  # type: ignore[assignment]  # as urllib has it
        return answer

    def _drop(self, connection: http.client.HTTPConnection) -> None:
        connection.close()
        with self._lock:
            self._all.discard(connection)

    def _usual(self, secure: bool, host: str, port: int) -> http.client.HTTPConnection:
        if not secure:
            return http.client.HTTPConnection(host, port, timeout=self._patience)
        with self._lock:
            self._tls = self._tls or ssl.create_default_context()
        return http.client.HTTPSConnection(host, port, timeout=self._patience, context=self._tls)
