"""Objects that are brought one after the other if they are large, and several at once if they are small.

A large one keeps both cores busy by itself (`placing`).  Small ones are brought
by several threads, since the file system lets each wait, and very many by
several processes (`forks`).  What is said of one must be what these can say.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from itertools import groupby
from typing import Any, TypeVar

from rookery.annex.keys import size_of
from rookery.annex.outcome import Item
from rookery.core import forks
from rookery.core.pool import in_order, workers

Thing = TypeVar("Thing")

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
    work: Callable[[Item], str | None], items: Iterable[Item]
) -> Generator[tuple[Item, str | None], None, None]:
    """Yield each item with what became of it, in order; closed early, what is under way comes to its end.

    Whatever `work` changes besides the disk may be lost: it may be done by another process.  Raises WorkerLost.
    """
    for small, group in groupby(items, _is_small):
        if not small:
            yield from ((item, work(item)) for item in group)
            continue
        run = list(group)
        with closing(each(work, run)) as results:
            yield from zip(run, results, strict=True)


def each(
    work: Callable[[Thing], Any],
    things: Sequence[Thing],
    *,
    finish: Callable[[], None] = lambda: None,
    alone: bool = False,
) -> Generator[Any, None, None]:
    """Yield what becomes of each of many small things, in order.

    In several processes if there are very many, unless `alone`: then, as always if there are few, in several threads.
    """
    parts = [things[start : start + TOGETHER] for start in range(0, len(things), TOGETHER)]
    if alone or len(things) < forks.WORTHWHILE or not forks.available():
        yield from in_order(lambda part: map(work, part), parts, at_once=workers(None))
    else:
        yield from forks.shared_out(lambda part: map(work, part), parts, at_once=workers(None), finish=finish)


def _is_small(item: Item) -> bool:
    size = size_of(item.key)
    return size is not None and size <= SMALL
