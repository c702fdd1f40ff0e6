"""Run one command and measure it: seconds, and processor time of it and all that it started."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of linux/prctl.h: orphans below us become our children


class Run(NamedTuple):
    """What one command took, and said; `code` is None if its time was up."""

    seconds: float
    cpu: float
    code: int | None
    stdout: str
    stderr: str


def adopt_orphans() -> None:
    """Let what a command leaves running in the background become a child of ours, so that it is waited for."""
    if hasattr(os, "uname") and os.uname().sysname == "Linux":
        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)


def run(argv: Sequence[str], cwd: Path, *, limit: float) -> Run:
    """Run a command to its end, and to the end of what it left in the background; at most `limit` seconds.

    The output goes to files, as nobody shall be slowed by how fast we read.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        began = time.perf_counter()
        process = subprocess.Popen(
            argv, cwd=cwd, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
        )
        up = threading.Event()
        timer = threading.Timer(limit, stop, (process.pid, up))
        timer.start()
        try:
            code, cpu = reap(process.pid)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            timer.cancel()
        seconds = time.perf_counter() - began
        process.returncode = code
        out.seek(0)
        err.seek(0)
        return Run(seconds, cpu, None if up.is_set() else code, out.read(), err.read())


def stop(group: int, up: threading.Event) -> None:
    """End a command whose time is up."""
    up.set()
    with suppress(ProcessLookupError):  # it has ended in this moment
        os.killpg(group, signal.SIGKILL)


def reap(group: int) -> tuple[int, float]:
    """Wait for all processes of a group; give the leader's exit code and the processor time of all."""
    code, cpu = 0, 0.0
    while True:
        try:
            pid, status, used = os.wait4(-group, 0)
        except ChildProcessError:
            return code, cpu
        cpu += used.ru_utime + used.ru_stime
        if pid == group:
            code = os.waitstatus_to_exitcode(status)
