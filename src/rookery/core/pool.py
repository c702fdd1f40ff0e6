"""Several things at once, a bounded number of them, with their results in order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

# Programs that wait for a disk or another machine: a few at once help on a small machine too, many never do.
FEWEST, MOST = 4, 16


def workers(jobs: int | str | None) -> int:
    """Give the number of things to do at once: what was asked for, else what suits the machine."""
    if jobs is not None and str(jobs).isdigit():
        return max(1, int(jobs))
    return min(MOST, max(FEWEST, os.cpu_count() or 1))


def in_order(
    work: Callable[[Item], Iterable[Outcome]], items: Iterable[Item], *, at_once: int
) -> Iterator[Outcome]:
    """Yield the results of `work` on each item, all of the first item's before the second's.

    The work on up to `at_once` items is done at the same time, in threads; the
    items are taken no faster than that.  A single item is worked on in the
    caller's thread, and so are all with `at_once` of 1: their results stream.
    An exception comes out at its item's place, after which nothing is begun
    anew and what is under way is waited for.
    """
    if at_once <= 1:
        for item in items:
            yield from work(item)
        return
    rest = iter(items)
    head = next(rest, None)
    if head is None:
        return
    second = next(rest, None)
    if second is None:
        yield from work(head)
        return
    yield from _threaded(work, _chained(head, second, rest), at_once)


def _chained(head: Item, second: Item, rest: Iterator[Item]) -> Iterator[Item]:
    yield head
    yield second
    yield from rest


def _threaded(
    work: Callable[[Item], Iterable[Outcome]], items: Iterator[Item], at_once: int
) -> Iterator[Outcome]:
    from collections import deque  # start-up: only recursion comes here
    from concurrent.futures import Future, ThreadPoolExecutor

    with ThreadPoolExecutor(at_once) as pool:
        under_way: deque[Future[list[Outcome]]] = deque()
        try:
            for item in items:
                under_way.append(pool.submit(lambda one=item: list(work(one))))  # type: ignore[misc]  # mypy cannot type a default
                if len(under_way) >= at_once:
                    yield from under_way.popleft().result()
            while under_way:
                yield from under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()
