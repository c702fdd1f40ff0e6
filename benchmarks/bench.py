"""Measure Rookery beside its peers, in turn, on one machine: trust the ratios, not the single figures."""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tasks import TASKS, TOOLS, Task

GITCONFIG = (
    "[user]\n\tname = Bench\n\temail = bench@example.org\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n"
)


def settle(home: Path) -> None:
    """Make this process's environment private, and able to find every tool."""
    home.mkdir()
    (home / ".gitconfig").write_text(GITCONFIG)
    spec = importlib.util.find_spec("git_annex")
    assert spec is not None, "the git-annex wheel is not installed"
    folder = Path((spec.submodule_search_locations or [""])[0])
    path = [str(folder), str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    os.environ.update(HOME=str(home), PATH=os.pathsep.join(path), MAGIC=str(folder / "magic.mgc"))
    for name in [n for n in os.environ if n.startswith(("XDG_", "GIT_", "DATALAD_"))]:
        del os.environ[name]


def remove(folder: Path) -> None:
    """Remove a folder although annexed content is write-protected."""
    for place, _, _ in os.walk(folder):
        os.chmod(place, 0o700)
    shutil.rmtree(folder)


def measure(task: Task, tool: str, files: int, root: Path) -> float:
    """Prepare and time one command; give seconds."""
    place = root / "place"
    place.mkdir()
    try:
        cwd = task.prepare(place, files)
        began = time.perf_counter()
        ended = subprocess.run(task.commands[tool], cwd=cwd, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
        if ended.returncode:
            raise SystemExit(
                f"{task.name}: {tool} failed with {ended.returncode}\n{ended.stdout}{ended.stderr}"
            )
        return seconds
    finally:
        remove(place)


def row(name: str, medians: dict[str, float]) -> str:
    """Lay out one task's medians, and how many times slower than Rookery each peer is."""
    ours = medians.get("rookery")
    cells = [name]
    for tool in TOOLS:
        seconds = medians.get(tool)
        ratio = f" ({seconds / ours:.1f}x)" if seconds and ours and tool != "rookery" else ""
        cells.append(f"{seconds:.3f}{ratio}" if seconds is not None else "")
    return "| " + " | ".join(cells) + " |"


def main() -> int:
    """Measure what was asked for and print a table."""
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("--files", type=int, default=1000, help="files in a dataset that is not empty (1000)")
    parser.add_argument("--runs", type=int, default=3, help="repetitions, of which the median counts (3)")
    parser.add_argument("--tool", action="append", choices=TOOLS, help="only this tool; may be repeated")
    parser.add_argument("--json", action="store_true", help="print every single figure, for a program")
    parser.add_argument("task", nargs="*", help=f"only these tasks: {', '.join(t.name for t in TASKS)}")
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="rookery-bench-"))
    settle(root / "home")
    figures: dict[str, dict[str, list[float]]] = {}
    try:
        if not options.json:
            print(f"Seconds, median of {options.runs}; {options.files} files.\n")
            print("| task | " + " | ".join(TOOLS) + " |\n|---|" + "---|" * len(TOOLS))
        for task in (t for t in TASKS if not options.task or t.name in options.task):
            tools = [tool for tool in (options.tool or TOOLS) if tool in task.commands]
            taken = figures[task.name] = {tool: [] for tool in tools}
            for _ in range(options.runs):
                for tool in tools:  # in turn, so that a busy moment hits all
                    taken[tool].append(measure(task, tool, options.files, root))
            if not options.json:
                print(
                    row(task.name, {tool: statistics.median(all_) for tool, all_ in taken.items()}),
                    flush=True,
                )
    finally:
        remove(root)
    if options.json:
        print(json.dumps({"files": options.files, "seconds": figures}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
