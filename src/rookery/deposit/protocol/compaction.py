"""When parts are put together, and which: total upload stays in proportion to the history.  Functions of values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from rookery.annex.keys import size_of
from rookery.deposit.protocol.packs import PART_SIZE
from rookery.deposit.protocol.records import Record

MOST_PARTS = 32
# Fewer are not worth their requests, however small the base is.
FEWEST_PARTS = 8

# What nobody names any more stays this long: somebody may be in the middle of reading it.
GRACE = 14 * 24 * 3600


def due(parts: Sequence[str], *, part_size: int = PART_SIZE) -> frozenset[str]:
    """Choose the parts that are to become one; none: all is well.

    A part of half the full size is never touched again.  Of the others all are
    taken once those beside the largest exceed half of it; else, if there are too
    many, the smaller half and as many more as are not twice as large as all
    before them.  So what is sent again has doubled since it was sent last.
    """
    sizes = sorted((size_of(name) or 0, name) for name in set(parts))
    small = [pair for pair in sizes if pair[0] < part_size // 2]
    if len(small) < FEWEST_PARTS:
        return frozenset()
    rest = sum(size for size, _ in small[:-1])
    if rest > small[-1][0] / 2:
        return frozenset(name for _, name in small)
    if len(small) <= MOST_PARTS:
        return frozenset()
    count = len(small) // 2
    total = sum(size for size, _ in small[:count])
    while count < len(small) and small[count][0] < 2 * total:
        total += small[count][0]
        count += 1
    return frozenset(name for _, name in small[:count])


class Found(NamedTuple):
    """A record that the search has met, and when it was superseded (None: a register names it)."""

    record: Record
    until: int | None


def garbage(found: Mapping[str, Found], heads: Iterable[str], *, now: int, grace: int = GRACE) -> list[str]:
    """Choose the objects that no live record names, and none has named within the grace time."""
    live = {part for name in heads for part in found[name].record.parts}
    live |= {name for name, item in found.items() if item.until is None}
    last: dict[str, int] = {}
    for name, (record, until) in found.items():
        for thing in (name, *record.parts):
            last[thing] = max(last.get(thing, 0), record.time if until is None else until)
    return sorted(thing for thing, when in last.items() if thing not in live and when < now - grace)
