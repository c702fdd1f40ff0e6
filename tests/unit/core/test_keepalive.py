"""Connections are kept open between requests, made anew when the server has closed them, and hung up in the end."""

from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from rookery.core.keepalive import KeepAlive


class Server:
    """Answers so many requests on each connection, and then closes it without a word."""

    def __init__(self, answers: int) -> None:
        self._answers = answers
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.connections = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            with line:
                for _ in range(self._answers):
                    asked = b""
                    while b"\r\n\r\n" not in asked and (piece := line.recv(1000)):
                        asked += piece
                    if not asked:
                        break
                    line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def kept() -> Iterator[KeepAlive]:
    handler = KeepAlive(10.0)
    yield handler
    handler.close()


def opener(handler: KeepAlive) -> urllib.request.OpenerDirector:
    made = urllib.request.OpenerDirector()
    made.add_handler(handler)
    return made


@pytest.mark.parametrize(("answers", "connections"), [(100, 1), (1, 5), (3, 2)])
def test_a_connection_serves_until_it_is_closed(kept: KeepAlive, answers: int, connections: int) -> None:
    server = Server(answers)
    for _ in range(5):
        with opener(kept).open(f"{server.url}/x") as answer:
            assert answer.read() == b"hello"
    assert server.connections == connections
    kept.close()
    server.close()


def test_what_was_not_read_to_its_end_is_not_taken_for_the_next_answer(kept: KeepAlive) -> None:
    server = Server(100)
    with opener(kept).open(f"{server.url}/x") as answer:
        assert answer.read(2) == b"he"
    with opener(kept).open(f"{server.url}/x") as answer:
        assert answer.read() == b"hello"
    assert server.connections == 2
    kept.close()
    server.close()


def test_after_a_stop_nothing_is_begun(kept: KeepAlive) -> None:
    server = Server(100)
    kept.stop()
    with pytest.raises(urllib.error.URLError):
        opener(kept).open(f"{server.url}/x")
    server.close()
