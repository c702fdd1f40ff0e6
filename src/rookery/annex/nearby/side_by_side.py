"""Objects that are brought one after the other; small ones several at once where the file system lets them wait.

A large one keeps both cores busy by itself (`placing`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from itertools import groupby
from typing import TypeVar

from rookery.annex.keys import size_of
from rookery.annex.outcome import Item
from rookery.core.many import each_in_order

Result = TypeVar("Result")

# Up to here an object is copied and compared in one piece, and nobody is told of its progress.
SMALL = 1 << 20

# So many keys, and at least this part of all, are written down together.
TOLD_TOGETHER, PARTS = 10_000, 8


def at_a_time(number: int) -> int:
    """Give how many keys are to be written down together, of so many: a killed process leaves no more untold.

    Each time git-annex's branch is listed and its index written: a number of times that grew with the keys would
    take time that grows with their square.
    """
    return max(TOLD_TOGETHER, -(-number // PARTS))


def side_by_side(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    did: Callable[[Item, Result], None] | None = None,
) -> Generator[tuple[Item, Result], None, None]:
    """Yield each item with what became of it, in order; closed early, what is under way comes to its end.

    `did` is called with everything that was done, see `each_in_order`, which has
    conditions for `work` too.
    """
    for small, group in groupby(items, _is_small):
        run = list(group)
        if small:
            yield from zip(run, each_in_order(work, run, did=did), strict=True)
            continue
        for item in run:
            result = work(item)
            if did is not None:
                did(item, result)
            yield item, result


def noted_in(came: list[str]) -> Callable[[Item, str | None], None]:
    """Make a `did` that lists the keys of which something can be said: they are where they should be."""

    def note(item: Item, said: str | None) -> None:
        if said is not None:
            came.append(item.key)

    return note


def _is_small(item: Item) -> bool:
    size = size_of(item.key)
    return size is not None and size <= SMALL
