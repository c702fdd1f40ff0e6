"""Short work on many files shared with copies of this process, each with an interpreter to itself.

Nothing depends on them: what a process has not reported when it ends, whatever
ended it, is done by the caller.  None of them outlives the caller by more than
the file that it is at.
"""

from __future__ import annotations

import io
import mmap
import os
import pickle
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import IO, Any, TypeVar, cast

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")
Tell = Callable[[Item, Outcome], None]

# A copy of a process of this size takes some 20 ms in all, as long as 200 small files.
FEWEST = 1024

# As many as do good where each waits for the disk; where none does, one for each other core at most.
MOST = 3

# Rows that each of them does while the caller, who passes on the results, does one.
SHARE = 2


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
    at, and `tell` hears what they have done.  An exception of `work` comes out at
    its place, since the caller does again what failed.
    """
    crew: list[_Other] = []
    whose = [None, *(number for number in range(others) for _ in range(SHARE))]
    stop = mmap.mmap(-1, 1)  # seen by all
    try:
        with _uninterrupted():
            for number in range(others):
                mine = [row for at, row in enumerate(rows) if whose[at % len(whose)] == number]
                crew.append(_Other(work, mine, stop, at_end))
        for at, row in enumerate(rows):
            done: list[Outcome] = []
            if (doer := whose[at % len(whose)]) is not None:
                done = crew[doer].next_row()
                for item, outcome in zip(row, done, strict=False):
                    tell(item, outcome)
            done += worked(work, row[len(done) :], tell)
            yield from done
    finally:
        stop[0] = 1
        for other in crew:
            other.end(tell)
        stop.close()


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
            other = _Other(lambda _: work(), [[None]], stop, None)

        def outcome() -> Outcome:
            done = other.next_row()
            return cast(Outcome, done[0]) if done else work()

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


class _Other:
    """A copy of this process that works on rows of its own and reports each."""

    def __init__(
        self,
        work: Callable[[Any], Any],
        rows: Sequence[Sequence[Any]],
        stop: mmap.mmap,
        at_end: Callable[[], None] | None,
    ) -> None:
        self._rows = rows
        self._heard = 0
        self._reports: IO[bytes] = io.BytesIO()
        self._pid: int | None = None
        with suppress(OSError):  # of files or processes there can be no more: the caller does all
            self._begin(work, stop, at_end)

    def _begin(self, work: Callable[[Any], Any], stop: mmap.mmap, at_end: Callable[[], None] | None) -> None:
        ours, theirs = os.pipe()
        self._reports = os.fdopen(ours, "rb")
        parent = os.getpid()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # of threads: `helpful` has looked
                self._pid = os.fork()
            if self._pid == 0:
                _labour(work, self._rows, theirs, lambda: bool(stop[0]) or os.getppid() != parent, at_end)
        finally:
            os.close(theirs)

    def next_row(self) -> list[Any]:
        """Give what was done of the next row: less than all of it, or nothing, if the process could not."""
        self._heard += 1
        with suppress(EOFError, pickle.UnpicklingError):
            done: list[Any] = pickle.load(self._reports)
            return done
        return []

    def kill(self) -> None:
        """End it now."""
        if self._pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        self._rows = []
        self.end(lambda *_: None)

    def end(self, tell: Callable[[Any, Any], None]) -> None:
        """Wait for its end, and tell of what was done and not read."""
        for row in self._rows[self._heard :]:
            for item, outcome in zip(row, self.next_row(), strict=False):
                tell(item, outcome)
        self._reports.close()
        if self._pid is not None:
            with suppress(ChildProcessError):  # somebody else waits for all children
                os.waitpid(self._pid, 0)


def _labour(
    work: Callable[[Any], Any],
    rows: Sequence[Sequence[Any]],
    reports: int,
    stopped: Callable[[], bool],
    at_end: Callable[[], None] | None,
) -> None:
    """Do the work in the copy, which ends here whatever happens: what the caller has begun is not ended twice."""
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # Whoever waits for the end of a pipe that the caller closes shall not wait for us.
        os.closerange(3, reports)
        os.closerange(reports + 1, os.sysconf("SC_OPEN_MAX"))
        with os.fdopen(reports, "wb") as out:
            for row in rows:
                done: list[Any] = []
                try:
                    for item in row:
                        if stopped():
                            break
                        done.append(work(item))
                finally:
                    pickle.dump(done, out)
                    out.flush()
                if len(done) < len(row):
                    break
        code = 0
    except BaseException:  # noqa: BLE001 - the caller does what was not reported, and fails in its own words
        pass
    finally:
        try:
            if at_end is not None:
                at_end()
        finally:
            os._exit(code)
