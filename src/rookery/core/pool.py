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

_END = object()


class _Failure:
    def __init__(self, error: BaseException) -> None:
        self.error = error


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
    from queue import Queue  # start-up: only recursion comes here

    answers: Queue[Any] = Queue(MOST_WAITING)
    halted = threading.Event()
    rest = iter(todo)
    turn = threading.Lock()

    def labour() -> None:
        try:
            while not halted.is_set():
                with turn:
                    item = next(rest, _END)
                if item is _END:
                    break
                _pass_on(work(item), answers.put, halted)  # type: ignore[arg-type]  # mypy takes it for the end mark
        except BaseException as e:
            answers.put(_Failure(e))
        finally:
            answers.put(_END)

    threads = [threading.Thread(target=labour) for _ in range(min(at_once, len(todo)))]
    for thread in threads:
        thread.start()
    yield from _collected(answers, threads, halted, stop)


def _pass_on(
    results: Generator[Any, None, None], put: Callable[[Any], None], halted: threading.Event
) -> None:
    try:
        for outcome in results:
            put((outcome,))
            if halted.is_set():
                break
    finally:
        results.close()


def _collected(
    answers: Any, threads: list[threading.Thread], halted: threading.Event, stop: Callable[[], None]
) -> Iterator[Any]:
    failure: BaseException | None = None
    working = len(threads)
    finished = False
    try:
        while working:
            answer = answers.get()
            if answer is _END:
                working -= 1
            elif isinstance(answer, _Failure):
                failure = failure or answer.error
                # nothing new: those under way see it when their item is done
                _exhaust(threads, halted)
            else:
                yield answer[0]
        finished = True
    finally:
        if not finished:
            halted.set()
            stop()
            while working:
                working -= answers.get() is _END
        for thread in threads:
            thread.join()
    if failure is not None:
        raise failure
