"""Many objects put into a repository as one pack, by `git index-pack`, which computes their names again.

The form is that of gitformat-pack(5): a head with the number of objects; for
each its kind and size, seven bits a byte after the first four, and its content
as a zlib stream; the SHA-1 of all that.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator

from rookery.core.errors import CommandError
from rookery.git.objects import gathered
from rookery.git.repo import Repo

TREE = 2

# A zlib stream (RFC 1950) of one block that is stored as it is (RFC 1951, 3.2.4) begins with these, and holds so much.
_STORED = b"\x78\x01\x01"
_MOST_STORED = 0xFFFF


def store(repo: Repo, count: int, objects: Iterable[tuple[int, bytes]]) -> None:
    """Store so many objects, given as kind and content, not compressed.  Raises CommandError; none is stored then.

    `objects` are gone through in another thread; what is raised there is raised
    here.  Nothing refers to them yet: `git gc` leaves them alone for two weeks.
    """
    failed: list[Exception] = []

    def told() -> Iterator[bytes]:
        try:
            yield from gathered(_stream(count, objects))
        except Exception as e:  # noqa: BLE001 - raised again below, when the program has seen that its input ended early
            failed.append(e)

    try:
        with repo.stream("index-pack", "--stdin", stdin=told()) as out:
            for _ in out.chunks():
                pass
    except CommandError:
        if failed:
            raise failed[0] from None
        raise


def _stream(count: int, objects: Iterable[tuple[int, bytes]]) -> Iterator[bytes]:
    import hashlib  # start-up

    head = b"PACK" + struct.pack(">II", 2, count)
    summed = hashlib.sha1(head, usedforsecurity=False)
    yield head
    for kind, content in objects:
        packed = packed_object(kind, content)
        summed.update(packed)
        yield packed
    yield summed.digest()


def packed_object(kind: int, content: bytes) -> bytes:
    """Give an object as it stands in a pack."""
    size = len(content)
    head = [kind << 4 | size & 0x0F]
    rest = size >> 4
    while rest:
        head[-1] |= 0x80
        head.append(rest & 0x7F)
        rest >>= 7
    if size > _MOST_STORED:
        return bytes(head) + zlib.compress(content, 0)
    # By hand: `zlib.compress` takes 39 us for each, however short, and this 0.6.
    lengths = struct.pack("<HH", size, size ^ 0xFFFF)
    return bytes(head) + _STORED + lengths + content + struct.pack(">I", zlib.adler32(content))
