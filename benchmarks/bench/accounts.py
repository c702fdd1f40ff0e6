"""Count the processes of a command and see how much memory they have at once: in a run that is not timed.

Processes are counted by strace, which Git's own trace could not replace: it
does not see git-annex or Python.  Memory is what the whole tree has at one
moment, pages that several share counted once (PSS of Linux's smaps_rollup).
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

STRACE = (
    *("strace", "--follow-forks", "--seccomp-bpf", "--quiet=all", "--signal=none"),
    "--trace=clone,?clone3,?fork,?vfork",  # `?`: not every architecture has it
)
STARTED = re.compile(r"(?P<pid>\d+) +(?:<\.\.\. )?(?:clone3?|v?fork)(?: resumed>|\()(?P<rest>.*)")
EVERY = 0.005, 0.05  # seconds between two looks: at first, and when the command has run for a second


ENOUGH = 10  # looks; what ends earlier was not seen at its highest


class Account(NamedTuple):
    """Processes started (the first one too), and bytes at the highest moment; None if it cannot be seen here."""

    processes: int | None
    memory: int | None


def account(argv: Sequence[str], cwd: Path, *, limit: float) -> Account | None:
    """Run a command under observation; None if it was not done after `limit` seconds, or failed."""
    traced = shutil.which("strace") is not None
    with tempfile.NamedTemporaryFile("r") as trace:
        watched = [*STRACE, f"--output={trace.name}", *argv] if traced else argv
        process = subprocess.Popen(
            watched, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        began, memory, looks = time.monotonic(), 0, 0
        while process.poll() is None:
            taken = time.monotonic() - began
            if taken > limit:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return None
            memory = max(memory, held(process.pid, itself=not traced))
            looks += 1
            time.sleep(EVERY[taken > 1])
        if process.returncode:
            return None
        return Account(count(trace) if traced else None, memory if looks >= ENOUGH else None)


def count(trace: Iterable[str]) -> int:
    """Count the processes of a trace: successful forks that did not make a thread, and the first one."""
    found, begun = 1, dict[str, str]()
    for line in trace:
        if (call := STARTED.match(line)) is None:
            continue
        flags = begun.pop(call["pid"], "") + call["rest"]
        if "<unfinished ...>" in call["rest"]:
            begun[call["pid"]] = flags
        elif "CLONE_THREAD" not in flags and re.search(r"= [1-9]\d*$", flags):
            found += 1
    return found


def below(pid: int) -> Iterator[int]:
    """Give the processes below one."""
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            yield int(child)
            yield from below(int(child))


def held(pid: int, *, itself: bool) -> int:
    """Give the memory of a process and all below it, in bytes; 0 where /proc does not tell."""
    total = 0
    try:
        for each in (*([pid] if itself else []), *below(pid)):
            found = re.search(r"^Pss: +(\d+) kB", Path(f"/proc/{each}/smaps_rollup").read_text(), re.M)
            total += int(found[1]) << 10 if found else 0
    except (FileNotFoundError, ProcessLookupError):
        pass  # it ended while we looked: the next look has the others
    return total
