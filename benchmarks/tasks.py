"""What is measured: each task prepares its own folder, then names the command line of each tool."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

Commands = Mapping[str, list[str]]
TOOLS = ("rookery", "datalad", "git-annex", "git")


class Task(NamedTuple):
    """A task: `prepare` builds a folder (not timed) and gives the folder to stand in; `commands` is timed."""

    name: str
    prepare: Callable[[Path, int], Path]
    commands: Commands


def sh(*argv: str | Path, cwd: Path) -> None:
    """Run a program that must succeed."""
    subprocess.run(argv, cwd=cwd, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def write_files(folder: Path, count: int, size: int = 1024) -> None:
    """Write files of random bytes, some hundreds in each folder."""
    chance = random.Random(count)
    for number in range(count):
        path = folder / f"part-{number // 500:03}" / f"file-{number:06}.dat"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(chance.randbytes(size))


def nothing(root: Path, files: int) -> Path:
    """Give an empty folder."""
    return root


def empty(root: Path, files: int) -> Path:
    """Make an empty dataset."""
    sh("datalad", "create", "ds", cwd=root)
    return root / "ds"


def unsaved(root: Path, files: int) -> Path:
    """Make a dataset with files that are not saved."""
    ds = empty(root, files)
    write_files(ds, files)
    return ds


def saved(root: Path, files: int) -> Path:
    """Make a dataset with saved files."""
    ds = unsaved(root, files)
    sh("git", "annex", "add", "--quiet", ".", cwd=ds)
    sh("git", "commit", "-q", "-m", "Add files", cwd=ds)
    return ds


def saved_here(root: Path, files: int) -> Path:
    """Make a dataset with saved files, and stand beside it."""
    return saved(root, files).parent


def one_new(root: Path, files: int) -> Path:
    """Make a dataset with saved files and one new one."""
    ds = saved(root, files)
    (ds / "new.dat").write_bytes(b"new")
    return ds


def cloned(root: Path, files: int) -> Path:
    """Make a clone without content."""
    saved(root, files)
    sh("datalad", "clone", "ds", "clone", cwd=root)
    return root / "clone"


def copied(root: Path, files: int) -> Path:
    """Make a clone that has all content."""
    clone = cloned(root, files)
    sh("git", "annex", "get", "--quiet", ".", cwd=clone)
    return clone


def published(root: Path, files: int) -> Path:
    """Make a dataset with an empty bare sibling that can take content."""
    ds = saved(root, files)
    sh("git", "init", "-q", "--bare", "../sibling.git", cwd=ds)
    sh("git", "annex", "init", "-q", cwd=root / "sibling.git")
    sh("datalad", "siblings", "add", "-s", "sibling", "--url", str(root / "sibling.git"), cwd=ds)
    return ds


def pushed(root: Path, files: int) -> Path:
    """Make a dataset whose sibling has everything."""
    ds = published(root, files)
    sh("rookery", "push", "--to", "sibling", cwd=ds)
    return ds


def pushed_but_one(root: Path, files: int) -> Path:
    """Make a dataset whose sibling has everything but one new file."""
    ds = pushed(root, files)
    (ds / "new.dat").write_bytes(b"new")
    sh("rookery", "save", cwd=ds)
    return ds


def behind(root: Path, files: int) -> Path:
    """Make a clone whose origin has one more file."""
    clone = cloned(root, files)
    (root / "ds" / "new.dat").write_bytes(b"new")
    sh("rookery", "save", cwd=root / "ds")
    return clone


def unlike(root: Path, files: int) -> Path:
    """Make a dataset with saved files, one of them modified, and one that is new."""
    ds = one_new(root, files)
    changed = ds / "part-000" / "file-000000.dat"
    changed.unlink()
    changed.write_bytes(b"changed")
    return ds


def with_subdatasets(root: Path, files: int) -> Path:
    """Make a dataset with a subdataset for every hundred files that were asked for."""
    ds = empty(root, files)
    for number in range(max(files // 100, 2)):
        sub = ds / f"sub-{number:04}"
        sh("git", "init", "-q", str(sub), cwd=root)
        (sub / "file").write_text(f"{number}\n")
        sh("git", "add", "file", cwd=sub)
        sh("git", "commit", "-q", "-m", "First", cwd=sub)
    sh("datalad", "save", cwd=ds)
    return ds


def both(*words: str, annex: str = "", git: str = "") -> Commands:
    """Give the same words for rookery and datalad, and shell lines for git-annex and git where they have one."""
    commands = {"rookery": ["rookery", *words], "datalad": ["datalad", *words]}
    lines = {"git-annex": annex, "git": git}
    return commands | {tool: ["sh", "-c", line] for tool, line in lines.items() if line}


PUSH = "git annex copy -q --to sibling . && git annex push -q --no-content sibling"
GIT_SAVE = "git add -A && git commit -qm x"

TASKS = (
    Task("version", nothing, both("--version", annex="git annex version --raw", git="git --version")),
    Task("help of get", nothing, both("get", "--help", annex="git annex help get")),
    Task(
        "create",
        nothing,
        both("create", "ds", annex="git init -q ds && cd ds && git annex init -q", git="git init -q ds"),
    ),
    Task("status, empty", empty, both("status", annex="git annex status", git="git status")),
    Task("status", saved, both("status", annex="git annex status", git="git status")),
    Task("status, changes", unlike, both("status", annex="git annex status", git="git status")),
    Task("status, JSON", saved, both("-f", "json", "status", annex="git annex status --json")),
    Task(
        "status, availability",
        saved,
        both("status", "--annex", "availability", annex="git annex find >/dev/null"),
    ),
    Task("status, subdatasets", with_subdatasets, both("status", "-r", git="git status")),
    Task("diff", unlike, both("diff", git="git diff --stat")),
    Task(
        "save", unsaved, both("save", "-m", "x", annex="git annex add -q . && git commit -qm x", git=GIT_SAVE)
    ),
    Task(
        "save one new",
        one_new,
        both("save", "-m", "x", annex="git annex add -q . && git commit -qm x", git=GIT_SAVE),
    ),
    Task("save nothing", saved, both("save", "-m", "x", annex="git annex add -q .", git="git add -A")),
    Task("run", saved, both("run", "-m", "x", "echo x > out.txt")),
    Task(
        "clone", saved_here, both("clone", "ds", "c", annex="git clone -q ds c && cd c && git annex init -q")
    ),
    Task("get", cloned, both("get", ".", annex="git annex get -q .")),
    Task("drop", copied, both("drop", ".", annex="git annex drop -q .")),
    Task("remove", saved, both("remove", "part-000", git="git rm -rq part-000 && git commit -qm x")),
    Task("push", published, both("push", "--to", "sibling", annex=PUSH)),
    Task("push nothing", pushed, both("push", "--to", "sibling", annex=PUSH)),
    Task("push one new", pushed_but_one, both("push", "--to", "sibling", annex=PUSH)),
    Task(
        "update, one new",
        behind,
        both("update", "--how", "merge", annex="git annex sync -q --no-push --no-content"),
    ),
    Task(
        "whereis", cloned, {"rookery": ["rookery", "whereis", "."], "git-annex": ["git", "annex", "whereis"]}
    ),
)


class Suite(NamedTuple):
    """Tasks that are measured together, in datasets of these sizes."""

    tasks: tuple[str, ...]
    files: tuple[int, ...]


SUITES = {
    "small": Suite(
        ("version", "help of get", "create", "status, empty", "status", "save", "save one new"), (10,)
    ),
    "exchange": Suite(
        ("get", "drop", "push", "push nothing", "push one new", "update, one new", "whereis"), (1000, 20_000)
    ),
    "local": Suite(
        (
            *("save", "save one new", "save nothing", "get", "drop", "remove", "diff"),
            *("status", "status, changes", "status, JSON", "status, availability"),
        ),
        (1000, 20_000),
    ),
}
