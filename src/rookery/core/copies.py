"""A copy of this process that does some work and says what came of it."""

from __future__ import annotations

import fcntl
import gc
import mmap
import os
import pickle
import signal
import struct
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import IO, Any, NamedTuple, NoReturn

from rookery.core.turns import Turns

# The number of a row, and the length of what is said of it.
_REPORT = struct.Struct("=II")

# What fits into a pipe while the caller is busy with something else (Linux gives no more to everybody), and how much
# of it is heard at a time.
_PIPE, _HEARD = 1 << 20, 1 << 16


class Copy:
    """A copy of this process that works on the rows whose numbers it gets, and reports each.

    `turns`, if there are any, are where it gets them from.  No descriptor but `reports` and theirs stays open in it.
    """

    def __init__(
        self,
        work: Callable[[Any], Any],
        rows: Sequence[Sequence[Any]],
        numbers: Iterator[int],
        turns: Turns | None,
        stop: mmap.mmap,
        at_end: Callable[[], None] | None,
    ) -> None:
        self.reports = -1
        self.listening = False
        self._said = bytearray()
        self._pid: int | None = None
        with suppress(OSError):  # of files or processes there can be no more: the caller does all
            self._begin(_Labour(work, rows, numbers, stop, os.getpid(), at_end), turns)

    def _begin(self, labour: _Labour, turns: Turns | None) -> None:
        ours, theirs = os.pipe()
        self.reports, self.listening = ours, True
        with suppress(AttributeError, OSError):
            fcntl.fcntl(ours, fcntl.F_SETPIPE_SZ, _PIPE)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # of threads: `helpful` has looked
                self._pid = os.fork()
            if self._pid == 0:
                labour.do(theirs, {theirs} if turns is None else {theirs, turns.outlet})
        except OSError:
            self._deaf()
            raise
        finally:
            os.close(theirs)

    def hear(self) -> Iterator[tuple[int, list[Any]]]:
        """Wait until it says something or ends, and yield the rows that it has told of: their numbers, what was done.

        Less than all of a row was done, or nothing, if it could not do more.
        """
        said = os.read(self.reports, _HEARD)
        self._said += said
        while len(self._said) >= _REPORT.size:
            number, length = _REPORT.unpack_from(self._said)
            end = _REPORT.size + length
            if len(self._said) < end:
                break
            done = pickle.loads(self._said[_REPORT.size : end])
            del self._said[:end]
            yield number, done
        if not said:
            self._deaf()

    def kill(self) -> None:
        """End it now."""
        if self._pid is not None:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        if self.listening:
            self._deaf()
        self.wait()

    def wait(self) -> None:
        """Wait for its end."""
        if self._pid is not None:
            with suppress(ChildProcessError):  # somebody else waits for all children
                os.waitpid(self._pid, 0)

    def _deaf(self) -> None:
        self.listening = False
        os.close(self.reports)


class _Labour(NamedTuple):
    """What a copy does: it ends in it whatever happens, for what the caller has begun is not ended twice."""

    work: Callable[[Any], Any]
    rows: Sequence[Sequence[Any]]
    numbers: Iterator[int]
    stop: mmap.mmap
    parent: int
    at_end: Callable[[], None] | None

    def do(self, reports: int, kept: set[int]) -> NoReturn:
        """Do it, report, and end the process."""
        code = 1
        try:
            gc.freeze()  # to look at all that the caller has would be to have it twice
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            # Whoever waits for the end of a pipe that the caller closes shall not wait for us.
            for below, above in pairwise([2, *sorted(kept), os.sysconf("SC_OPEN_MAX")]):
                os.closerange(below + 1, above)
            with os.fdopen(reports, "wb") as out:
                for number in self.numbers:
                    if self._row(number, out) < len(self.rows[number]):
                        break
            code = 0
        except BaseException:  # noqa: BLE001 - the caller does what was not reported, and fails in its own words
            pass
        finally:
            try:
                if self.at_end is not None:
                    self.at_end()
            finally:
                os._exit(code)

    def _row(self, number: int, out: IO[bytes]) -> int:
        """Work on a row, and report it; gives how far it came."""
        done: list[Any] = []
        try:
            for item in self.rows[number]:
                if self.stop[0] or os.getppid() != self.parent:
                    break
                done.append(self.work(item))
        finally:
            said = pickle.dumps(done)
            out.write(_REPORT.pack(number, len(said)) + said)
            out.flush()
        return len(done)
