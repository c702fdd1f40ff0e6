"""Kill `rookery` with SIGKILL just before the nth thing that it does to the world.

Python's audit events are the clock: each file opened for writing, renamed,
linked or removed, each folder made, each mode changed, each program started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

# A few files are taken in as many are: their trees and the index are written in process.
AS_MANY = """
from rookery.annex import branch_commit
from rookery.git import index_update
branch_commit.MANY, index_update._FEW = 1, 0
"""

PROGRAM = """
import os, signal, sys
limit, counter, *words = sys.argv[1:]
limit, seen = int(limit), 0
EVENTS = {"os.rename", "os.link", "os.symlink", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate",
          "subprocess.Popen", "os.utime"}
def step(event, args):
    global seen
    if event in EVENTS or (event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)):
        if event == "open" and str(args[0]) in ("/dev/null", counter):
            return
        seen += 1
        if seen == limit:
            os.kill(os.getpid(), signal.SIGKILL)
from rookery.cli.main import main
sys.addaudithook(step)
code = main(words)
with open(counter, "w") as out:
    out.write(str(seen))
sys.exit(code)
"""

NEVER = 0


class Killing:
    """Runs command lines, to the end or to their death."""

    def __init__(self, env: Mapping[str, str], counter: Path, *, before: str = "") -> None:
        self._env = dict(env)
        self._counter = counter
        self._program = before + PROGRAM

    def steps(self, words: Sequence[str], cwd: Path) -> int:
        """Run to the end, which must be a success, and give the number of moments at which it could have died."""
        code, said = self._run(words, cwd, NEVER)
        assert code == 0, f"rookery {' '.join(words)} ended with {code}\n{said}"
        return int(self._counter.read_text())

    def again(self, words: Sequence[str], cwd: Path) -> str:
        """Run to the end, and give what was said: it may be that all was done, and the command finds nothing to do."""
        code, said = self._run(words, cwd, NEVER)
        assert code in (0, 1), f"rookery {' '.join(words)} ended with {code}\n{said}"
        return said

    def kill(self, words: Sequence[str], cwd: Path, step: int) -> None:
        """Run until just before a step, and let programs that were started by then come to their end."""
        code, said = self._run(words, cwd, step)
        assert code in (-signal.SIGKILL, 0), f"rookery {' '.join(words)} ended with {code}\n{said}"

    def _run(self, words: Sequence[str], cwd: Path, step: int) -> tuple[int, str]:
        process = subprocess.Popen(
            [sys.executable, "-c", self._program, str(step), self._counter, *words],
            cwd=cwd,
            env={**self._env, "PWD": str(cwd)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        said, _ = process.communicate(timeout=100)
        until_alone(process.pid)
        return process.returncode, said.decode(errors="replace")


def until_alone(group: int, patience: float = 30) -> None:
    """Wait for what the killed one has left behind; its pipes are closed, so it ends by itself."""
    deadline = time.monotonic() + patience
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(group, 0)
            time.sleep(0.005)
        os.killpg(group, signal.SIGKILL)


def spread(steps: int, most: int) -> Iterator[int]:
    """Choose at most `most` of the steps 1 to `steps`, evenly, with the first and the last."""
    if steps <= most:
        yield from range(1, steps + 1)
    else:
        yield from sorted({1 + (steps - 1) * n // (most - 1) for n in range(most)})
