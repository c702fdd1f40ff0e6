"""New entries put among those of an index: the old ones are copied as they are, as bytes."""

from __future__ import annotations

import stat as statmode
from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from rookery.git.index_stat import NO_STAT, Where

_EXTENDED = 0x4000


class Raw(NamedTuple):
    """An entry as it is stored: its path, 40 bytes of stat data with the mode, the name's 20 bytes, flags."""

    path: bytes
    stat: bytes
    sha: bytes
    flags: int
    more: int

    @property
    def stage(self) -> int:
        """The side of a conflict, 0 if settled."""
        return self.flags >> 12 & 3

    @property
    def mode(self) -> int:
        """Git's mode bits."""
        return int.from_bytes(self.stat[24:28], "big")

    @property
    def regular(self) -> bool:
        """Say whether it is a file, and no link or repository."""
        return statmode.S_ISREG(self.mode)

    @property
    def fresh(self) -> bool:
        """Say whether the stat data tells anything."""
        return self.stat[:24] != NO_STAT[:24]


def raw_at(data: bytes, place: Where) -> Raw:
    """Take an entry out of the file."""
    path, at, more, _ = place
    flags = int.from_bytes(data[at + 60 : at + 62], "big")
    return Raw(path, data[at : at + 40], data[at + 40 : at + 60], flags, more)


class _Splicing:
    """The parts of the new file, as far as the old entries have been gone through."""

    def __init__(self, data: bytes, places: list[Where]) -> None:
        self._data = data
        self._places = places
        self._version = data[7]
        self._at = 0  # so many old ones are behind us
        self._before = b""  # the path of the last one in the new file
        self._torn = False  # it is not what was before the next old one
        self._count = 0
        self._parts: list[bytes] = [b""]

    def first(self, path: bytes) -> int:
        """Find where the entries from this path on begin, among those to come."""
        return bisect_left(self._places, (path,), self._at)

    def keep(self, until: int) -> None:
        """Copy the old entries up to this one."""
        if until <= self._at:
            return
        place = self._places[self._at]
        start = place[1]
        if self._torn and self._version == 4:
            # What it has in common with the one before is another length now.
            self._parts.append(_encoded(raw_at(self._data, place), self._version, self._before))
            start = place[3]
        last = self._places[until - 1]
        self._parts.append(self._data[start : last[3]])
        self._count += until - self._at
        self._at, self._before, self._torn = until, last[0], False

    def drop(self, until: int) -> None:
        """Leave the old entries up to this one out."""
        if until > self._at:
            self._at, self._torn = until, True

    def put(self, new: Raw) -> None:
        """Add a new entry."""
        self._parts.append(_encoded(new, self._version, self._before))
        self._count += 1
        self._before, self._torn = new.path, True

    def done(self) -> list[bytes]:
        """Copy the rest, and give all parts."""
        self.keep(len(self._places))
        self._parts[0] = b"DIRC" + self._version.to_bytes(4, "big") + self._count.to_bytes(4, "big")
        return self._parts


def spliced(
    data: bytes,
    places: list[Where],
    paths: Sequence[bytes],
    new: Callable[[bytes], Raw],
    *,
    gone: Collection[bytes] = (),
) -> list[bytes]:
    """Put new entries in place of old ones of the same paths; gives the parts of the new file.

    `places` are all old entries, `paths` those that change, both in Git's order.
    `new` gives the entry of each, but for those that are `gone`, and none is
    kept beside its part.  What is in the way goes: files where folders come, and
    the reverse.
    """
    blocking = _blocking(places, [path for path in paths if path not in gone])
    splicing = _Splicing(data, places)
    for path in paths:
        first = splicing.first(path)
        while blocking and blocking[-1][0] < first:
            _left_out(splicing, *blocking.pop())
        splicing.keep(first)
        if path not in gone:
            splicing.put(new(path))
        splicing.drop(splicing.first(path + b"\0"))
    while blocking:
        _left_out(splicing, *blocking.pop())
    return splicing.done()


def _left_out(splicing: _Splicing, first: int, end: int) -> None:
    splicing.keep(first)
    splicing.drop(end)


def _blocking(places: list[Where], added: Collection[bytes]) -> list[tuple[int, int]]:
    """Find the old entries that are folders of new ones now, or below them; from the last to the first."""
    found = []
    for folder in {parent for path in added for parent in parents(path)}:
        first = bisect_left(places, (folder,))
        if first < len(places) and places[first][0] == folder:
            found.append((first, bisect_left(places, (folder + b"\0",), first)))
    for path in added:
        first = bisect_left(places, (path + b"/",))
        if first < len(places) and places[first][0].startswith(path + b"/"):
            found.append((first, bisect_left(places, (path + b"0",), first)))  # "0" comes after "/"
    return sorted(found, reverse=True)


def _encoded(raw: Raw, version: int, before: bytes) -> bytes:
    head = raw.stat + raw.sha + raw.flags.to_bytes(2, "big")
    head += raw.more.to_bytes(2, "big") if raw.flags & _EXTENDED else b""
    if version == 4:
        common = _common(before, raw.path)
        return head + _offset(len(before) - common) + raw.path[common:] + b"\0"
    size = len(head) + len(raw.path)
    return head + raw.path + bytes(8 - size % 8)


def parents(path: bytes) -> Iterator[bytes]:
    """Yield the folders of a path, the innermost first."""
    cut = path.rfind(b"/")
    while cut > 0:
        yield path[:cut]
        cut = path.rfind(b"/", 0, cut)


def _common(one: bytes, other: bytes) -> int:
    """Count the bytes that two paths begin with alike."""
    shorter = min(len(one), len(other))
    if one[:shorter] == other[:shorter]:
        return shorter
    return next(n for n in range(shorter) if one[n] != other[n])


def _offset(number: int) -> bytes:
    """Write Git's offset encoding, see `index._varint`."""
    out = [number & 0x7F]
    while number := number >> 7:
        number -= 1
        out.append(0x80 | number & 0x7F)
    return bytes(reversed(out))
