"""Many small things shared out to processes: threads of Python's have to wait for each other at each call of the kernel.

Measured with 20,000 objects of 1 KiB that are copied and compared: four threads spend half of their processor time on
handing Python's lock to each other, and are no quicker than one.

A worker is a fork: it has all that we have, our open files and with them our locks on those (of open files and
`flock`, not of processes) as long as it lives.  It ends after the part that it is at when it has lost us, when we have
lost interest, and never by a signal that was meant for us: what is under way comes to its end.
"""

from __future__ import annotations

import contextlib
import gc
import marshal
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Sequence
from typing import Any, BinaryIO, NoReturn, TypeVar
from weakref import WeakSet

from rookery.core.errors import RookeryError

Part = TypeVar("Part")

# With fewer things the forks cost more than they spare (3 to 10 ms each).
WORTHWHILE = 1_000

_MEANT_FOR_US = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_bystanders: WeakSet[threading.Thread] = WeakSet()


class WorkerLost(RookeryError):
    """A process that worked for us ended before its work: killed, or by an error in it."""


def bystander(thread: threading.Thread) -> None:
    """Say of a thread that it holds no file and no lock that a fork could miss or need."""
    _bystanders.add(thread)


def available() -> bool:
    """Say whether this process may be forked: from its main thread, and with no other at work."""
    if not hasattr(os, "fork") or threading.current_thread() is not threading.main_thread():
        return False
    return all(one in _bystanders for one in threading.enumerate() if one is not threading.main_thread())


def shared_out(
    work: Callable[[Part], Iterable[Any]],
    parts: Sequence[Part],
    *,
    at_once: int,
    finish: Callable[[], None] = lambda: None,
) -> Generator[Any, None, None]:
    """Yield the results of `work` on the parts, those of the first part before the second's.

    Each of up to `at_once` processes takes every so manyth part and calls `finish` at its end.  Results have to be what
    `marshal` takes: None, numbers, texts, lists, tuples.  Closed early, what is
    under way comes to its end, but is not told.  Raises WorkerLost.
    """
    crew: list[_Worker] = []
    try:
        for first in range(min(at_once, len(parts))):
            crew.append(_Worker(work, parts[first::at_once], finish, [worker.told for worker in crew]))
        for number in range(len(parts)):
            yield from crew[number % len(crew)].answer()
    finally:
        for worker in crew:
            worker.told.close()
        for worker in crew:
            worker.wait()


class _Worker:
    """A process that works for us, and the pipe on which it tells what became of each part."""

    def __init__(
        self,
        work: Callable[[Any], Iterable[Any]],
        parts: Sequence[Any],
        finish: Callable[[], None],
        others: Sequence[BinaryIO],
    ) -> None:
        reading, writing = os.pipe()
        self.told: BinaryIO = open(reading, "rb")  # noqa: SIM115 - closed by who reads it
        employer = os.getpid()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _MEANT_FOR_US)
        try:
            self._pid = os.fork()
            if not self._pid:
                for pipe in (self.told, *others):  # a pipe that somebody else could read would never break
                    os.close(pipe.fileno())
                _labour(work, parts, finish, writing, employer)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            os.close(writing)

    def answer(self) -> list[Any]:
        """Give the results of the next part.  Raises WorkerLost."""
        head = self.told.read(8)
        size = int.from_bytes(head, "little")
        body = self.told.read(size)
        if len(head) < 8 or len(body) < size:
            raise WorkerLost(
                "a process that worked for this one was killed",
                hints=["what was done is kept, the same command goes on from there"],
            )
        failure, results = marshal.loads(body)  # noqa: S302 - our own process wrote it
        if failure is not None:
            raise WorkerLost(f"a process that worked for this one failed: {failure}")
        found: list[Any] = results
        return found

    def wait(self) -> None:
        """Let it come to its end."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)


def _labour(
    work: Callable[[Any], Iterable[Any]],
    parts: Sequence[Any],
    finish: Callable[[], None],
    out: int,
    employer: int,
) -> NoReturn:
    """Be a worker.  Nothing of what we were forked from may be run to its end here, and nothing flushed."""
    try:
        for number in _MEANT_FOR_US:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _MEANT_FOR_US)
        gc.freeze()  # to look for garbage among what was there before would copy all its memory
        try:
            for part in parts:
                if os.getppid() != employer:
                    break
                _tell(out, (None, list(work(part))))
        finally:
            finish()
    except BrokenPipeError:
        pass  # nobody wants to know any more
    except BaseException as e:  # noqa: BLE001 - it comes out where the results are read
        with contextlib.suppress(OSError):
            _tell(out, (f"{type(e).__name__}: {e}", []))
    finally:
        os._exit(0)


def _tell(out: int, answer: tuple[str | None, list[Any]]) -> None:
    body = marshal.dumps(answer)
    rest = memoryview(len(body).to_bytes(8, "little") + body)
    while rest:
        rest = rest[os.write(out, rest) :]
