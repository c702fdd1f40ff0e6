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

import deposits
import elsewhere
import tasks
from tasks import TOOLS, Suite, Task

DEPOSIT = "deposit"  # a suite of its own: it counts bytes, and alone

TASKS = (*tasks.TASKS, *elsewhere.TASKS)
SUITES = {
    **tasks.SUITES,
    "elsewhere": Suite(tuple(task.name for task in elsewhere.TASKS), (1000,)),
}

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


def chosen(names: list[str], files: int | None) -> list[tuple[Task, int]]:
    """Give the tasks and the sizes to measure them at; `names` are of suites and of tasks, none means all tasks."""
    known = {task.name: task for task in TASKS}
    wanted: dict[tuple[str, int], None] = {}
    for name in names or known:
        suite = SUITES.get(name, Suite((name,), (1000,)))
        for size in suite.files if files is None else (files,):
            wanted.update({(task, size): None for task in suite.tasks})
    return [(known[name], size) for name, size in wanted]


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument(
        "--files", type=int, help="files in a dataset that is not empty (1000, or the suite's)"
    )
    parser.add_argument("--runs", type=int, default=3, help="repetitions, of which the median counts (3)")
    parser.add_argument("--tool", action="append", choices=TOOLS, help="only this tool; may be repeated")
    parser.add_argument("--json", action="store_true", help="print every single figure, for a program")
    suites = ", ".join(SUITES)
    tasks = ", ".join(task.name for task in TASKS)
    parser.add_argument("name", nargs="*", help=f"only these suites ({suites}, {DEPOSIT}) or tasks ({tasks})")
    found = parser.parse_args()
    unknown = set(found.name) - {DEPOSIT, *SUITES, *(task.name for task in TASKS)}
    if unknown:
        parser.error(f"there is no suite or task {', '.join(sorted(unknown))}")
    return found


def main() -> int:
    """Measure what was asked for and print a table."""
    asked = options()
    root = Path(tempfile.mkdtemp(prefix="rookery-bench-"))
    settle(root / "home")
    figures: list[dict[str, object]] = []
    try:
        if DEPOSIT in asked.name:
            print(deposits.table(root / "deposits"), flush=True)
            return 0
        if not asked.json:
            print(f"Seconds, median of {asked.runs}; in brackets how many times as long as Rookery.\n")
            print("| task | " + " | ".join(TOOLS) + " |\n|---|" + "---|" * len(TOOLS))
        for task, files in chosen(asked.name, asked.files):
            tools = [tool for tool in (asked.tool or TOOLS) if tool in task.commands]
            taken: dict[str, list[float]] = {tool: [] for tool in tools}
            for _ in range(asked.runs):
                for tool in tools:  # in turn, so that a busy moment hits all
                    taken[tool].append(measure(task, tool, files, root))
            figures.append({"task": task.name, "files": files, "seconds": taken})
            if not asked.json:
                medians = {tool: statistics.median(seconds) for tool, seconds in taken.items()}
                print(row(f"{task.name}, {files} files", medians), flush=True)
    finally:
        remove(root)
    if asked.json:
        print(json.dumps({"runs": asked.runs, "figures": figures}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
