"""Several small contents in one request: what a Rookery hub understands beside git-annex's protocol over HTTP.

    POST /git-annex/UUID/v4/several/get    keys, one on a line; the answer has the contents of those that are there
    POST /git-annex/UUID/v4/several/put    contents; the answer has the keys, one on a line, that are stored now

A content is its size, its key, a line break and its bytes: `5 MD5-s5--5d41402abc4b2a76b9719d911017c592`, `hello`.
What an answer leaves out was not done, for whatever reason: the client asks for it alone, and hears why.
A server that understands this says so by the header `OFFER` of its answers to `checkpresent`, with which a client of
ours begins; no other server gets such a request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rookery.annex.p2p.messages import LONGEST_LINE, BadMessage
from rookery.core.process import decode, encode

OFFER, OFFERED = "X-Rookery-Several", "1"

GET, PUT = "several/get", "several/put"

# What is larger goes alone; so much goes together.  Either side has all of it in memory.
LARGEST = 256 << 10
MOST, MOST_BYTES = 256, 2 << 20

# The longest request or answer: its contents, and for each a line.
LONGEST = MOST_BYTES + MOST * 512

# More digits than the size of any content has.
_DIGITS = 18

Thing = TypeVar("Thing")


def groups(things: Iterable[Thing], size: Callable[[Thing], int | None]) -> Iterator[list[Thing]]:
    """Put together what may go together, in its order; what is large, or of a size that nobody knows, is alone."""
    group: list[Thing] = []
    total = 0
    for thing in things:
        more = size(thing)
        if more is None or more > LARGEST:
            yield [thing]
            continue
        if len(group) == MOST or total + more > MOST_BYTES:
            yield group
            group, total = [], 0
        group.append(thing)
        total += more
    if group:
        yield group


def listed(keys: Iterable[str]) -> bytes:
    """Write keys, which have no line break in them."""
    return b"\n".join(map(encode, keys))


def keys_of(data: bytes) -> list[str]:
    """Read keys."""
    return [decode(line) for line in data.split(b"\n") if line]


def packed(contents: Iterable[tuple[str, bytes]]) -> bytes:
    """Write contents with their keys."""
    return b"".join(part for key, data in contents for part in (b"%d %s\n" % (len(data), encode(key)), data))


def unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Read contents with their keys.  Raises BadMessage where it makes no sense, behind what did."""
    at = 0
    while at < len(data):
        end = data.find(b"\n", at, at + LONGEST_LINE)
        number, space, key = data[at:end].partition(b" ")
        if end < 0 or not space or not key or not number.isdigit() or len(number) > _DIGITS:
            raise BadMessage(f"{data[at : at + 80]!r} does not begin a content")
        at = end + 1 + int(number)
        if at > len(data):
            raise BadMessage("the last content is cut off")
        yield decode(key), data[end + 1 : at]
