"""Strike `rookery` at its nth system call: kill it, or let the call fail.

A library of ours is loaded before the C library (`striking.c`), and counts the
calls of all threads of this one process; the programs that it starts go on.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import pytest

from support.killing import until_alone
from support.programs import Answer

Kind = Literal["write", "read"]

SOURCE = Path(__file__).with_name("striking.c")

KILL = 0


class Call(NamedTuple):
    """A system call to strike at: its number among those of a kind, and what it was in a run without a blow."""

    kind: Kind
    number: int
    text: str


def compiled(folder: Path) -> Path:
    """Build the library; skips the test where that cannot be, unless everything must be there (CI)."""
    compiler = shutil.which("cc")
    if sys.platform != "linux" or compiler is None:
        reason = "no C compiler on this machine (or no Linux); Debian and Ubuntu have it in build-essential"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    library = folder / "striking.so"
    options = ["-shared", "-fPIC", "-O1", "-std=gnu11"]
    subprocess.run([compiler, *options, "-o", str(library), str(SOURCE), "-ldl"], check=True)
    return library


class Striking:
    """Runs command lines in worlds, with or without a blow."""

    def __init__(self, env: Mapping[str, str], library: Path, log: Path, *, before: str = "") -> None:
        self._env = dict(env)
        self._library = library
        self._log = log
        self._program = (
            f"{before}\nimport sys\nfrom rookery.cli.main import main\nsys.exit(main(sys.argv[1:]))"
        )

    def calls(self, words: Sequence[str], root: Path, at: str, kind: Kind) -> list[Call]:
        """Run in `root/at` to the end, which must be a success, and give the calls that concern files of the root."""
        self._log.unlink(missing_ok=True)
        self._run(words, root, at, Call(kind, 0, ""), KILL, self._log).expect(0)
        lines = self._log.read_bytes().splitlines()
        return [Call(kind, number, os.fsdecode(line)) for number, line in enumerate(lines, 1)]

    def kill(self, words: Sequence[str], root: Path, at: str, call: Call) -> None:
        """Let it be killed just before a call; a run that makes fewer calls ends by itself."""
        answer = self._run(words, root, at, call, KILL)
        assert answer.code in (-signal.SIGKILL, 0), answer

    def fail(self, words: Sequence[str], root: Path, at: str, call: Call, error: int) -> Answer:
        """Let one call fail with an errno."""
        return self._run(words, root, at, call, error)

    def again(self, words: Sequence[str], root: Path, at: str) -> Answer:
        """Run without a blow."""
        return self._run(words, root, at, None, KILL)

    def _run(
        self, words: Sequence[str], root: Path, at: str, call: Call | None, blow: int, log: Path | None = None
    ) -> Answer:
        env = {**self._env, "PWD": str(root / at)}
        if call is not None:
            env |= {"LD_PRELOAD": str(self._library), "STRIKE_ROOT": str(root), "STRIKE_KIND": call.kind}
            env |= {"STRIKE_AT": str(call.number), "STRIKE_BLOW": str(blow), "STRIKE_LOG": str(log or "")}
        argv = (sys.executable, "-c", self._program, *words)
        process = subprocess.Popen(
            argv,
            cwd=root / at,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        said, complained = process.communicate(timeout=300)
        until_alone(process.pid)
        return Answer(argv, process.returncode, os.fsdecode(said), os.fsdecode(complained))
