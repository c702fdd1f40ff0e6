"""A program on a terminal of its own, with somebody who types."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from os import PathLike

from support.programs import Program

TYPIST = """
import os, pty, sys, time
words, answers = sys.argv[1].split("\\n"), sys.argv[2].split("\\n")
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(words[0], words)
seen = b""
while True:
    try:
        piece = os.read(terminal, 1024)
    except OSError:
        break
    if not piece:
        break
    seen += piece
    if answers and seen.rstrip(b" ").endswith(b":"):
        os.write(terminal, answers.pop(0).encode() + b"\\n")
        seen += b"\\n"
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def on_a_terminal(
    program: Program,
    *words: str,
    answers: list[str],
    code: int = 0,
    cwd: str | PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run on a terminal of its own, type an answer whenever something ends in a colon; give all that was shown."""
    ended = subprocess.run(
        [sys.executable, "-c", TYPIST, "\n".join([*map(str, program.argv), *words]), "\n".join(answers)],
        env={**program.env, "NO_COLOR": "1", **(env or {})},
        cwd=str(cwd or program.cwd),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == code, ended.stdout + ended.stderr
    return ended.stdout
