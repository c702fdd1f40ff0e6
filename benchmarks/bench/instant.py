"""A server of git-annex's protocol over HTTP that does nothing: what a client takes with it is the client's own time.

It keeps what it is sent in memory, without looking at it or writing it down, and gives it from there.
`python -m bench.instant` prints its URL, and goes on until it is ended.
"""

from __future__ import annotations

import re
import socket
import threading
from contextlib import suppress
from io import BufferedIOBase
from urllib.parse import parse_qs, unquote, urlsplit

UUID = "00000000-0000-4000-8000-000000000001"

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
JSON, BYTES = b"application/json", b"application/octet-stream"
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.I)
ANSWERS = {
    "checkpresent": b'{"present":false}',
    "putoffset": b'{"offset":0}',
    "put": b'{"stored":true,"plusuuids":[]}',
}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n"
SMALL = 1 << 16  # in one piece with its head

contents: dict[str, bytes] = {}


def body_of(head: bytes, stream: BufferedIOBase) -> bytes:
    """Read the body of a request."""
    if not CHUNKED.search(head):
        found = LENGTH.search(head)
        return stream.read(int(found[1])) if found else b""
    pieces = []
    while size := int(stream.readline().partition(b";")[0], 16):
        pieces.append(stream.read(size))
        stream.readline()
    stream.readline()
    return b"".join(pieces)


def answer(target: str, body: bytes) -> tuple[bytes, bytes]:
    """Give the head of an answer, and what follows it."""
    parts = urlsplit(target)
    action = parts.path.rpartition("/")[2]
    if "/key/" in parts.path:
        data = contents[unquote(action)]
        return HEAD % (BYTES, len(data), b"X-git-annex-data-length: %d\r\n" % len(data)), data
    if action == "put":
        contents[parse_qs(parts.query)["key"][0]] = body
    told = ANSWERS[action]
    return HEAD % (JSON, len(told), b""), told


def talk(line: socket.socket) -> None:
    """Answer all requests of one connection."""
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with suppress(OSError), line, line.makefile("rb") as stream:
        while first := stream.readline():
            head = b""
            while (more := stream.readline()) not in (b"\r\n", b""):
                head += b"\r\n" + more.rstrip()
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)  # head and body come apart
            begin, rest = answer(first.split()[1].decode(), body_of(head, stream))
            if len(rest) < SMALL:
                line.sendall(begin + rest)
            else:
                line.sendall(begin)
                line.sendall(rest)


def main() -> None:
    """Serve until the end."""
    server = socket.create_server(("127.0.0.1", 0), backlog=64)
    print(f"http://127.0.0.1:{server.getsockname()[1]}", flush=True)
    while True:
        line, _ = server.accept()
        threading.Thread(target=talk, args=(line,), daemon=True).start()


if __name__ == "__main__":
    main()
