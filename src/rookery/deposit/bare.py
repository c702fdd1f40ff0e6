"""Bare repositories written by hand: a state, a place for objects, and where more objects are borrowed.

`git init` would copy templates with hooks, and look at the person's settings.
"""

from __future__ import annotations

from pathlib import Path

from rookery.core import files
from rookery.core.process import Runner, decode, encode
from rookery.deposit import refsfile
from rookery.deposit.refsfile import State
from rookery.git.repo import Repo

CONFIG = {
    "sha1": "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n",
    "sha256": (
        "[core]\n\trepositoryformatversion = 1\n\tfilemode = true\n\tbare = true\n"
        "[extensions]\n\tobjectformat = sha256\n"
    ),
}


def make(folder: Path, runner: Runner, *, object_format: str) -> Repo:
    """Make an empty repository."""
    for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    files.write(folder / "config", CONFIG[object_format])
    set_state(folder, refsfile.EMPTY)
    return open_bare(folder, runner)


def open_bare(folder: Path, runner: Runner) -> Repo:
    """Give the handle of a repository that is there."""
    return Repo(folder, folder, runner, bare=True)


def set_state(folder: Path, state: State) -> None:
    """Write all refs and HEAD of a repository that has had no loose refs."""
    files.write(folder / "packed-refs", encode(refsfile.build_packed(state.refs)))
    files.write(folder / "HEAD", encode(f"ref: {state.head or refsfile.FIRST_HEAD}\n"))


def borrow(folder: Path, lender: Path | None) -> None:
    """Let a repository find objects in another's folder of objects too."""
    if lender is None:
        return
    text = str(lender)
    if "\n" not in text:  # what the format cannot say is copied instead
        files.write(folder / "objects" / "info" / "alternates", encode(f"{text}\n"))


def read_refs(repo: Repo) -> dict[str, str]:
    """Read all refs, in Git's order; tags are not peeled."""
    lines = repo.records("for-each-ref", "--format=%(objectname) %(refname)", end=b"\n")
    pairs = (decode(line).partition(" ") for line in lines)
    return {name: sha for sha, _, name in pairs}
