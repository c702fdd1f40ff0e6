"""Between an SSH channel, which lives on the event loop, and the thread that does the channel's command.

Both directions are bounded: a client that sends faster than its data is dealt
with is not read from, a thread that writes faster than the client reads waits.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

import asyncssh

from rookery.core.log import get_log
from rookery.hub.domain.limits import Limits
from rookery.hub.ssh.commands import is_git
from rookery.hub.ssh.running import Ends

log = get_log("rookery.hub.ssh")

# So much may wait in either direction.
HIGH = 1 << 20

Job = Callable[[str, str, Ends], int]
"""Does a command (its text, and GIT_PROTOCOL) on three streams, in a thread; gives the exit code."""


class Bridge(asyncssh.SSHServerSession[bytes]):
    """One command of a client's."""

    def __init__(self, job: Job, ended: Callable[[], None], limits: Limits) -> None:
        self._job = job
        self._ended = ended
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._moved = self._loop.time()
        self._came: deque[bytes] = deque()
        self._waiting = 0  # bytes in `_came`
        self._flying = 0  # bytes on their way from the thread to the loop
        self._paused = self._halted = self._over = self._lost = False
        self._state = threading.Condition()

    # --- on the event loop -----------------------------------------------------------------------

    def connection_made(self, chan: Any) -> None:
        """Begin."""
        self._chan = chan

    def exec_requested(self, command: str) -> bool:
        """Allow commands; terminals and subsystems get asyncssh's refusal."""
        self._command = command
        return True

    def shell_requested(self) -> bool:
        """Allow people to look whether their key is known."""
        self._command = ""
        return True

    def session_started(self) -> None:
        """Let a thread do the command."""
        if is_git(self._command):
            self._timer = self._loop.call_later(self._limits.git_seconds, self._chan.close)
        else:
            self._timer = self._loop.call_later(self._limits.ssh_idle, self._look_for_life)
        threading.Thread(target=self._run, daemon=True, name="ssh command").start()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Keep what came for the thread."""
        del datatype  # clients send one kind
        self._moved = self._loop.time()
        with self._state:
            self._came.append(data)
            self._waiting += len(data)
            self._halted = self._waiting > HIGH
            if self._halted:
                self._chan.pause_reading()
            self._state.notify_all()

    def eof_received(self) -> bool:
        """Note that no more comes; the answer may still go out."""
        self._end(lost=False)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake the thread: nobody is there any more."""
        del exc  # a client that goes away is nothing to report
        self._end(lost=True)
        if self._timer is not None:
            self._timer.cancel()
        self._ended()

    def _end(self, *, lost: bool) -> None:
        with self._state:
            self._over = True
            self._lost = self._lost or lost
            self._state.notify_all()

    def pause_writing(self) -> None:
        """Let the thread wait."""
        with self._state:
            self._paused = True

    def resume_writing(self) -> None:
        """Let the thread go on."""
        with self._state:
            self._paused = False
            self._state.notify_all()

    def _resume_reading(self) -> None:
        if not self._chan.is_closing():
            self._chan.resume_reading()

    def _deliver(self, data: bytes, kind: int | None) -> None:
        self._moved = self._loop.time()
        try:
            self._chan.write(data, kind)
        except OSError:
            self._end(lost=True)
        with self._state:
            self._flying -= len(data)
            self._state.notify_all()

    def _look_for_life(self) -> None:
        left = self._moved + self._limits.ssh_idle - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look_for_life)
        else:
            log.info("a client was silent for too long: its channel is closed")
            self._chan.close()

    # --- in the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        protocol = self._chan.get_environment_bytes().get(b"GIT_PROTOCOL", b"").decode("ascii", "replace")
        try:
            code = self._job(self._command, protocol, Ends(self._read, self._write, self._complain))
        except OSError as e:
            if not self._lost:
                log.exception("a command failed", exc_info=e)
            code = 1
        except BaseException as e:
            log.exception("a command failed", exc_info=e)
            code = 1
        self._loop.call_soon_threadsafe(self._leave, code)

    def _leave(self, code: int) -> None:
        try:
            self._chan.exit(code)
        except OSError:
            pass  # the client did not wait for it

    def _read(self) -> bytes:
        with self._state:
            while not self._came and not self._over:
                self._state.wait()
            data = b"".join(self._came)
            self._came.clear()
            self._waiting = 0
            if self._halted and not self._lost:
                self._halted = False
                self._loop.call_soon_threadsafe(self._resume_reading)
        return data

    def _write(self, data: bytes, kind: int | None = None) -> None:
        with self._state:
            while (self._paused or self._flying > HIGH) and not self._lost:
                self._state.wait()
            if self._lost:
                raise BrokenPipeError("the client has gone")
            self._flying += len(data)
        self._loop.call_soon_threadsafe(self._deliver, data, kind)

    def _complain(self, data: bytes) -> None:
        try:
            self._write(data, asyncssh.EXTENDED_DATA_STDERR)
        except BrokenPipeError:
            pass  # nobody is there to hear it
