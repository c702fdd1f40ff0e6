"""The only place that starts programs.

Four ways: `run` to the end, `stream` its output while it works, converse with
it in a `Batch`, or `call` it with the user's own terminal.  Programs get lists
of arguments, never a shell line; what they print is bytes until somebody who
knows the format parses it.  Every start is counted in `Runner.started`, which
the tests read.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike, fspath
from typing import IO, NamedTuple
from weakref import WeakSet

from rookery.core.errors import CommandError
from rookery.core.log import get_log

log = get_log("rookery.process")

Argument = str | bytes | PathLike[str]
Directory = str | PathLike[str]

CHUNK = 1 << 16


class Completed(NamedTuple):
    """A program that ended: what it was, its exit code, what it said."""

    argv: tuple[str, ...]
    code: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """The standard output as text, without the last line break."""
        return decode(self.stdout).removesuffix("\n")


def decode(raw: bytes) -> str:
    """Turn bytes of a program or of a path into text that `encode` turns back exactly."""
    return raw.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """Undo `decode`."""
    return text.encode("utf-8", "surrogateescape")


def _argv(arguments: Sequence[Argument]) -> tuple[str, ...]:
    return tuple(decode(a) if isinstance(a, bytes) else fspath(a) for a in arguments)


def _failure(
    argv: Sequence[str], code: int | None, stdout: bytes, stderr: bytes, cwd: Directory
) -> CommandError:
    return CommandError(
        list(argv),
        code=code,
        stdout=stdout.decode("utf-8", "replace"),
        stderr=stderr.decode("utf-8", "replace"),
        cwd=fspath(cwd),
    )


class Stream:
    """A running program's standard output; what it says on standard error is kept for the report."""

    def __init__(self, process: subprocess.Popen[bytes], argv: tuple[str, ...]) -> None:
        self.argv = argv
        self._process = process
        self._said: list[bytes] = []
        assert process.stdout is not None
        self.stdout: IO[bytes] = process.stdout

    def chunks(self) -> Iterator[bytes]:
        """Yield the output as it comes, in pieces of any size."""
        while piece := self.stdout.read1(CHUNK):  # type: ignore[attr-defined]  # a pipe is a BufferedReader
            yield piece

    def records(self, end: bytes = b"\n") -> Iterator[bytes]:
        """Yield the output cut at `end`, without it; an unfinished last record is yielded too."""
        rest = b""
        for piece in self.chunks():
            *whole, rest = (rest + piece).split(end)
            yield from whole
        if rest:
            yield rest

    def stop(self) -> None:
        """Ask the program to end, from any thread; who reads sees the end of its output."""
        self._process.terminate()

    @property
    def stderr(self) -> bytes:
        """What the program has said on standard error so far."""
        return b"".join(self._said)


class Batch:
    """A program that answers one request after another on its pipes; one owner, one thread."""

    def __init__(self, process: subprocess.Popen[bytes], argv: tuple[str, ...], cwd: Directory) -> None:
        self.argv = argv
        self._cwd = cwd
        self._process = process
        assert process.stdin is not None and process.stdout is not None
        self.stdin: IO[bytes] = process.stdin
        self.stdout: IO[bytes] = process.stdout

    def send(self, request: bytes) -> None:
        """Write a request, whole with its terminator, and let it go."""
        try:
            self.stdin.write(request)
            self.stdin.flush()
        except BrokenPipeError as e:
            raise _failure(
                self.argv, self._process.wait(), b"", b"ended before it was asked", self._cwd
            ) from e

    def line(self, end: bytes = b"\n") -> bytes:
        """Read one answer line, without its end.  Raises CommandError if the program has ended."""
        answer = self.stdout.readline() if end == b"\n" else self._until(end)
        if not answer.endswith(end):
            raise _failure(self.argv, self._process.wait(), answer, b"ended in mid-answer", self._cwd)
        return answer[: -len(end)]

    def _until(self, end: bytes) -> bytes:
        got = bytearray()
        while not got.endswith(end):
            byte = self.stdout.read(1)
            if not byte:
                break
            got += byte
        return bytes(got)

    def read(self, size: int) -> bytes:
        """Read exactly `size` bytes of an answer.  Raises CommandError if the program has ended."""
        answer = self.stdout.read(size)
        if len(answer) != size:
            raise _failure(self.argv, self._process.wait(), b"", b"ended in mid-answer", self._cwd)
        return answer

    def ask(self, request: bytes) -> bytes:
        """Send a one-line request, read a one-line answer, both without the line break."""
        self.send(request + b"\n")
        return self.line()


class Runner:
    """Starts programs in one environment.

    `env` is the whole environment of every program started; `started` counts
    them and `listeners` are told each argv, for logs and tests.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = dict(env)
        self.started = 0
        self.listeners: list[Callable[[tuple[str, ...]], None]] = []
        self._running: WeakSet[subprocess.Popen[bytes]] = WeakSet()
        self._stops: list[Callable[[], None]] = []
        self._terminations: list[None] = []

    @property
    def terminations(self) -> int:
        """How often `terminate` was called: who sees it grow begins nothing anew."""
        return len(self._terminations)

    def terminate(self) -> None:
        """Ask every program that was started here, and runs still, to end: for threads that wait for one.

        Connections end in the same way (`stopping`).
        """
        self._terminations.append(None)
        for stop in list(self._stops):
            stop()
        for process in list(self._running):
            process.terminate()  # does nothing to one that has been waited for

    @contextmanager
    def stopping(self, stop: Callable[[], None]) -> Iterator[None]:
        """Have `terminate` call `stop`, in whatever thread, if it is asked for during the block."""
        self._stops.append(stop)
        try:
            yield
        finally:
            self._stops.remove(stop)

    def with_env(self, more: Mapping[str, str | None]) -> Runner:
        """Give a runner whose programs see `more` too; None takes a variable away.  Counts stay its own."""
        env = {**self.env, **{k: v for k, v in more.items() if v is not None}}
        for name in (k for k, v in more.items() if v is None):
            env.pop(name, None)
        twin = Runner(env)
        twin.listeners = [*self.listeners, self._counted]
        twin._running = self._running
        twin._stops = self._stops
        twin._terminations = self._terminations
        return twin

    def _counted(self, _: tuple[str, ...]) -> None:
        self.started += 1

    def _open(
        self,
        argv: tuple[str, ...],
        *,
        cwd: Directory,
        stdin: int | IO[bytes] | None,
        stdout: int | IO[bytes] | None,
        stderr: int | IO[bytes] | None,
    ) -> subprocess.Popen[bytes]:
        self.started += 1
        for listener in self.listeners:
            listener(argv)
        log.debug("start %s in %s", argv, cwd)
        try:
            process = subprocess.Popen(argv, cwd=cwd, env=self.env, stdin=stdin, stdout=stdout, stderr=stderr)
        except FileNotFoundError as e:
            if e.filename is not None and fspath(e.filename) == fspath(cwd):
                raise
            raise CommandError(
                list(argv),
                f"program not found: {argv[0]}",
                127,
                cwd=fspath(cwd),
                hints=[f"install {argv[0]} or put it on the PATH"],
            ) from e
        self._running.add(process)
        return process

    def run(
        self,
        argv: Sequence[Argument],
        *,
        cwd: Directory,
        stdin: bytes | None = None,
        ok: Sequence[int] | None = (0,),
    ) -> Completed:
        """Run to the end with output captured.  Raises CommandError on an exit code not in `ok` (None: any goes)."""
        line = _argv(argv)
        with self._open(
            line,
            cwd=cwd,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            try:
                out, err = process.communicate(stdin)
            except BaseException:
                process.kill()
                raise
        if ok is not None and process.returncode not in ok:
            raise _failure(line, process.returncode, out, err, cwd)
        return Completed(line, process.returncode, out, err)

    @contextmanager
    def stream(
        self,
        argv: Sequence[Argument],
        *,
        cwd: Directory,
        stdin: Iterable[bytes] | int | None = None,
        ok: Sequence[int] | None = (0,),
        on_stderr: Callable[[bytes], None] | None = None,
    ) -> Iterator[Stream]:
        """Run while the caller reads.

        `stdin` is fed from a thread, piece by piece; the number of an open file
        is handed over as it is, for a program that talks with somebody else.  `on_stderr` is called from
        another thread with each piece of standard error (progress meters), which
        is then not kept.  Leaving the block early ends the program; leaving it
        normally waits and raises CommandError on an exit code not in `ok`.
        """
        line = _argv(argv)
        given = stdin if isinstance(stdin, int) else subprocess.DEVNULL if stdin is None else subprocess.PIPE
        process = self._open(line, cwd=cwd, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        view = Stream(process, line)
        keep = view._said.append if on_stderr is None else on_stderr
        threads = [threading.Thread(target=_drain, args=(process.stderr, keep), daemon=True)]
        if stdin is not None and not isinstance(stdin, int):
            threads.append(threading.Thread(target=_feed, args=(process.stdin, stdin), daemon=True))
        for thread in threads:
            thread.start()
        try:
            yield view
            for _ in view.chunks():  # a reader that stopped early must not block the writer
                pass
            code = process.wait()
        except BaseException:
            process.terminate()
            _reap(process)
            raise
        finally:
            for thread in threads:
                thread.join(timeout=10)
            process.stdout and process.stdout.close()
        if ok is not None and code not in ok:
            raise _failure(line, code, b"", view.stderr, cwd)

    @contextmanager
    def batch(self, argv: Sequence[Argument], *, cwd: Directory) -> Iterator[Batch]:
        """Hold a conversation; leaving the block closes the program's input and waits for its end."""
        line = _argv(argv)
        process = self._open(
            line, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        try:
            yield Batch(process, line, cwd)
        except BaseException:
            process.terminate()
            raise
        finally:
            try:
                process.stdin and process.stdin.close()
            except BrokenPipeError:
                pass  # it ended first; its exit code was or will be somebody's error
            process.stdout and process.stdout.close()
            _reap(process)

    def call(self, argv: Sequence[Argument], *, cwd: Directory, stdout: int | IO[bytes] | None = None) -> int:
        """Run with the user's own input and output, and give the exit code (negative: the signal that ended it)."""
        process = self._open(_argv(argv), cwd=cwd, stdin=None, stdout=stdout, stderr=None)
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            _reap(process)
            raise


def _reap(process: subprocess.Popen[bytes], patience: float = 10.0) -> None:
    """Wait for the end; kill what does not end by itself, so that nothing outlives us."""
    try:
        process.wait(timeout=patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _feed(pipe: IO[bytes], pieces: Iterable[bytes]) -> None:
    try:
        for piece in pieces:
            pipe.write(piece)
    except (BrokenPipeError, ValueError):
        pass  # the program ended early; its exit code says why
    finally:
        try:
            pipe.close()
        except BrokenPipeError:
            pass


def _drain(pipe: IO[bytes], keep: Callable[[bytes], None]) -> None:
    try:
        while piece := pipe.read1(CHUNK):  # type: ignore[attr-defined]  # a pipe is a BufferedReader
            keep(piece)
    finally:
        pipe.close()
