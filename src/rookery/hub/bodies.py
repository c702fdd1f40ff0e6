"""Bodies of requests: unpacked if they are packed, never more than was allowed."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

from starlette.requests import Request

from rookery.hub.domain.errors import BadName, TooMuch

# One piece of a packed body gives at most so much at a time, however well it was packed.
PIECE = 1 << 18
_GZIP = zlib.MAX_WBITS | 16


async def pieces(request: Request, *, most: int) -> AsyncIterator[bytes]:
    """Yield the body in pieces.  Raises TooMuch beyond `most` bytes (unpacked), BadName if it cannot be unpacked."""
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip"):
        raise BadName(f"the body is packed in a way that is not known here: {encoding[:20]}")
    total = 0
    async for piece in _unpacked(request) if encoding.endswith("gzip") else request.stream():
        total += len(piece)
        if total > most:
            raise TooMuch(f"the request is larger than {most} bytes")
        if piece:
            yield piece


async def _unpacked(request: Request) -> AsyncIterator[bytes]:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        async for packed in request.stream():
            rest = packed
            while rest and not unpacker.eof:
                yield unpacker.decompress(rest, PIECE)
                rest = unpacker.unconsumed_tail
    except zlib.error as e:
        raise BadName("the packed body is damaged") from e
    if not unpacker.eof:
        raise BadName("the packed body is cut off")


async def whole(request: Request, *, most: int) -> bytes:
    """Read all of a body.  Raises as `pieces` does."""
    return b"".join([piece async for piece in pieces(request, most=most)])
