"""Objects that are brought one after the other if they are large, and several at once if they are small.

A large one keeps both cores busy by itself (`placing`).  Of small ones the
file system takes most of the time, in which the interpreter lets others run.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from itertools import groupby
from typing import TypeVar

from rookery.annex.keys import size_of
from rookery.annex.outcome import Item
from rookery.core.pool import in_order, workers

Result = TypeVar("Result")

# Up to here an object is copied and compared in one piece, and nobody is told of its progress.
SMALL = 1 << 20

# Items that a thread takes at once: what it costs to hand them over is shared by so many.
TOGETHER = 32

# So many keys, and at least this part of all, are written down together.
TOLD_TOGETHER, PARTS = 10_000, 8


def at_a_time(number: int) -> int:
    """Give how many keys are to be written down together, of so many: a killed process leaves no more untold.

    Each time git-annex's branch is listed and its index written: a number of times that grew with the keys would
    take time that grows with their square.
    """
    return max(TOLD_TOGETHER, -(-number // PARTS))


def side_by_side(
    work: Callable[[Item], Result], items: Iterable[Item]
) -> Generator[tuple[Item, Result], None, None]:
    """Yield each item with what became of it, in order; closed early, what is under way comes to its end."""
    for small, group in groupby(items, _is_small):
        if not small:
            yield from ((item, work(item)) for item in group)
            continue
        run = list(group)
        parts = [run[start : start + TOGETHER] for start in range(0, len(run), TOGETHER)]
        yield from in_order(lambda part: [(item, work(item)) for item in part], parts, at_once=workers(None))


def _is_small(item: Item) -> bool:
    size = size_of(item.key)
    return size is not None and size <= SMALL
