"""Short work on many files shared with copies of this process, each with an interpreter to itself.

Nothing depends on them: what a process has not reported when it ends, whatever
ended it, is done by the caller.  None of them outlives the caller by more than
the file that it is at.
"""

from __future__ import annotations

import mmap
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from typing import Generic, TypeVar, cast

from rookery.core.copies import Copy
from rookery.core.turns import Turns

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")
Tell = Callable[[Item, Outcome], None]

# A copy of a process of this size takes some 20 ms in all, as long as 200 small files.
FEWEST = 1024

# As many as do good where each waits for the disk; where none does, one for each other core at most.
MOST = 3

# Rows that each of them is dealt; all others are for whoever is free.
DEALT = 2


def helpful(items: int, *, waiting: bool) -> int:
    """Give how many processes would make the work on so many items quicker; none where a copy might not be whole.

    `waiting`: the work has to wait for the disk, and the processor is free meanwhile.

    A process is copied with the one thread that asks for it: what another one
    holds at that moment stays locked in the copy for ever.
    """
    if items < FEWEST or sys.platform != "linux" or not all(map(_harmless, threading.enumerate())):
        return 0
    return MOST if waiting else min(len(os.sched_getaffinity(0)) - 1, MOST)


def worked(work: Callable[[Item], Outcome], row: Sequence[Item], tell: Tell[Item, Outcome]) -> list[Outcome]:
    """Work on some items one after the other, and tell of each at once."""
    done = []
    for item in row:
        done.append(work(item))
        tell(item, done[-1])
    return done


def shared(
    work: Callable[[Item], Outcome],
    rows: Sequence[Sequence[Item]],
    tell: Tell[Item, Outcome],
    *,
    others: int,
    at_end: Callable[[], None] | None = None,
) -> Generator[Outcome, None, None]:
    """Yield what `work` gives for each item of the rows, in order, done by the caller and `others`.

    Closed early, or after an exception, those end after the item that they are
    at, and `tell` hears what they have done; it hears of rows in any order.  An
    exception of `work` comes out at its place, since the caller does again what
    failed.
    """
    sharing = _Sharing(work, rows, tell)
    try:
        sharing.begin(others, at_end)
        for at in range(len(rows)):
            yield from sharing.row(at)
    finally:
        sharing.end()


@contextmanager
def beside(work: Callable[[], Outcome], *, items: int) -> Iterator[Callable[[], Outcome]]:
    """Have a copy of this process look at something meanwhile; the block calls what it gets for the outcome.

    `work`, which is as long as some short work on so many `items`, must change
    nothing: the copy is killed if nobody asks.  Where there can be none, or it
    comes to nothing, the caller does the work when it asks.
    """
    if not helpful(items, waiting=True):
        yield work
        return
    with mmap.mmap(-1, 1) as stop:
        with _uninterrupted():
            other = Copy(lambda _: work(), [[None]], iter([0]), None, stop, None)

        def outcome() -> Outcome:
            while other.listening:
                for _, done in other.hear():
                    if done:
                        return cast(Outcome, done[0])
            return work()

        try:
            yield outcome
        finally:
            other.kill()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let an interrupt wait until the block has ended; who is made in it never sees one: it is for the caller."""
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _harmless(thread: threading.Thread) -> bool:
    """Say whether a thread holds nothing that a copy would need: ourselves, and the one that draws the bars."""
    return thread is threading.current_thread() or type(thread).__module__.startswith("rich.")


class _Sharing(Generic[Item, Outcome]):
    """Rows that the caller and its copies work on, each on what is next whenever it is free."""

    def __init__(
        self, work: Callable[[Item], Outcome], rows: Sequence[Sequence[Item]], tell: Tell[Item, Outcome]
    ) -> None:
        self._work = work
        self._rows = rows
        self._tell = tell
        self._done: dict[int, list[Outcome]] = {}  # rows that are done, or as far as they could be
        self._crew: list[Copy] = []
        self._turns: Turns | None = None
        self._stop = mmap.mmap(-1, 1)  # seen by all

    def begin(self, others: int, at_end: Callable[[], None] | None) -> None:
        """Let the others begin."""
        dealt = min(others * DEALT, len(self._rows))
        with suppress(OSError):  # of files there can be no more: the caller does all
            self._turns = turns = Turns(range(dealt, len(self._rows)))
            with _uninterrupted():
                for number in range(others):
                    mine = chain(range(number, dealt, others), turns)
                    self._crew.append(Copy(self._work, self._rows, mine, turns, self._stop, at_end))

    def row(self, at: int) -> list[Outcome]:
        """Give what came of a row; as long as it is another's, go on with the next ones."""
        while self._listen(wait=False) and at not in self._done:
            number = self._turns.take() if self._turns is not None else None
            if number == at:
                break
            if number is not None:
                self._work_ahead(number)
            elif at not in self._done:
                self._listen(wait=True)
        done = self._done.pop(at, [])
        rest = self._rows[at][len(done) :]
        return [*done, *worked(self._work, rest, self._tell)] if rest else done

    def end(self) -> None:
        """Let all come to their ends, and hear what they have done till then."""
        self._stop[0] = 1
        if self._turns is not None:
            self._turns.close()
        while self._listen(wait=True):
            pass
        for other in self._crew:
            other.wait()
        self._stop.close()

    def _work_ahead(self, number: int) -> None:
        """Do a row before its turn; what fails fails again when its turn has come."""
        done = self._done[number] = []
        try:
            for item in self._rows[number]:
                done.append(self._work(item))
                self._tell(item, done[-1])
        except Exception:  # noqa: BLE001 - it comes out at its place
            self._stop[0] = 1

    def _listen(self, *, wait: bool) -> bool:
        """Hear what the others say that have something to say; False if none is left that could."""
        listening = {other.reports: other for other in self._crew if other.listening}
        if not listening:
            return False
        asked = select.poll()
        for reports in listening:
            asked.register(reports, select.POLLIN)
        for reports, _ in asked.poll(None if wait else 0):
            for number, done in listening[reports].hear():
                self._done[number] = done
                for item, outcome in zip(self._rows[number], done, strict=False):
                    self._tell(item, outcome)
        return True
