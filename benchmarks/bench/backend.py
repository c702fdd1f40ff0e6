"""How long git-annex waits for the program `git-annex-backend-XDLRA`, which it starts over and over, to answer once.

Beside it a Python that does nothing, bare and as every installed program is started, and datalad-next's program.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 40
OURS = "from rookery.cli.annex_backend import legacy; legacy()"
THEIRS = "from datalad_next.annexbackends.xdlra import main; main()"
PROGRAMS = {
    "bare Python (`-I -S -c pass`)": ["-I", "-S", "-c", "pass"],
    "Python (`-c pass`)": ["-c", "pass"],
    "rookery": ["-c", OURS],
    "datalad-next": ["-c", THEIRS],
}


def seconds(arguments: list[str]) -> float:
    """Start one of them, ask it one question, and wait for its end."""
    began = time.perf_counter()
    subprocess.run([sys.executable, *arguments], input=b"GETVERSION\n", capture_output=True, check=True)
    return time.perf_counter() - began


def table() -> str:
    """Measure all in turn, so that a busy moment hits all, and lay it out."""
    taken: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(RUNS):
        for name, arguments in PROGRAMS.items():
            taken[name].append(seconds(arguments))
    lines = [f"| milliseconds, {RUNS} starts each | median | least |", "|---|---|---|"]
    for name, each in taken.items():
        lines.append(f"| {name} | {statistics.median(each) * 1000:.1f} | {min(each) * 1000:.1f} |")
    return "\n".join(lines)
