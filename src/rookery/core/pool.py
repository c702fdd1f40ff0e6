"""Several things at once, a bounded number of them, with their results in order or as they come."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, TypeVar

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


# Results that wait for their reader, so that what is fast is not held up by it, nor memory filled.
MOST_WAITING = 64


def as_they_come(
    work: Callable[[Item], Generator[Outcome, None, None]],
    items: Iterable[Item],
    *,
    at_once: int,
    stop: Callable[[], None],
) -> Iterator[Outcome]:
    """Yield each result of `work` on the items when it is there, those of up to `at_once` items mixed.

    After an exception nothing is begun anew; what is under way comes to its end,
    and then the exception comes out.  A caller that leaves early has `stop`
    called, which must make the work under way fail soon, and waits for that.
    """
    todo = list(items)
    if at_once <= 1 or len(todo) <= 1:
        for item in todo:
            yield from work(item)
        return
    crew = _Crew(work, todo, at_once)
    try:
        yield from crew.results()
    finally:
        if crew.working:
            crew.leave(stop)
    if crew.failures:
        raise crew.failures[0]


class _Crew:
    """Threads that take one item after the other and pass on each result; an empty tuple when one of them ends."""

    def __init__(
        self, work: Callable[[Any], Generator[Any, None, None]], todo: list[Any], at_once: int
    ) -> None:
        from queue import Queue  # start-up: only recursion comes here

        self.failures: list[BaseException] = []
        self._work = work
        self._todo = todo[::-1]
        self._left = False
        self._answers: Queue[tuple[Any, ...]] = Queue(MOST_WAITING)
        self.working = min(at_once, len(todo))
        for _ in range(self.working):
            threading.Thread(target=self._labour).start()

    def results(self) -> Iterator[Any]:
        """Yield what comes until all have ended."""
        while self.working:
            answer = self._answers.get()
            if answer:
                yield answer[0]
            else:
                self.working -= 1

    def leave(self, stop: Callable[[], None]) -> None:
        """End early: begin nothing, stop what is under way, and wait for its end."""
        self._left = True
        self._todo.clear()
        stop()
        for _ in self.results():
            pass

    def _labour(self) -> None:
        try:
            while True:
                try:
                    item = self._todo.pop()
                except IndexError:
                    break
                if self._left:
                    break
                self._pass_on(self._work(item))
        except BaseException as e:  # noqa: BLE001 - it comes out in the caller's thread
            self.failures.append(e)
            self._todo.clear()
        finally:
            self._answers.put(())

    def _pass_on(self, results: Generator[Any, None, None]) -> None:
        try:
            for outcome in results:
                self._answers.put((outcome,))
                if self._left:
                    break
        finally:
            results.close()
