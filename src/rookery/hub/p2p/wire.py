"""Lines and bytes of one connection, for the side that waits for requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rookery.annex.p2p.messages import LONGEST_LINE, BadMessage, Message, build


class Lost(Exception):
    """The connection ended in the middle of something."""


class Wire:
    """`read` waits for bytes, and gives none at the end; `write` takes some, and raises OSError at the end.

    `complain` is for people's eyes, beside the protocol.
    """

    def __init__(
        self,
        read: Callable[[], bytes],
        write: Callable[[bytes], None],
        complain: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        self.complain = complain
        self._read = read
        self._write = write
        self._rest = b""

    def line(self) -> bytes | None:
        """Give the next line without its break; None at the end.  Raises BadMessage if it is far too long."""
        parts: list[bytes] = []
        size = 0
        while (end := self._rest.find(b"\n")) < 0:
            parts.append(self._rest)
            size += len(self._rest)
            if size > LONGEST_LINE:
                raise BadMessage("there is no end to this line")
            self._rest = self._read()
            if not self._rest:
                return None
        parts.append(self._rest[:end])
        self._rest = self._rest[end + 1 :]
        return b"".join(parts)

    def pieces(self, size: int) -> Iterator[bytes]:
        """Yield the next `size` bytes as they come.  Raises Lost if they do not."""
        while size > 0:
            piece = self._rest or self._read()
            if not piece:
                raise Lost
            piece, self._rest = piece[:size], piece[size:]
            size -= len(piece)
            yield piece

    def send(self, message: Message) -> None:
        """Send a message."""
        self._write(build(message))

    def send_raw(self, data: bytes) -> None:
        """Send bytes."""
        self._write(data)
