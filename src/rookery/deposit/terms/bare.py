"""Bare repositories written by hand: a state, a place for objects, and where more objects are borrowed.

`git init` would copy templates with hooks, and look at the person's settings.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from rookery.core import files
from rookery.core.process import Runner, decode, encode
from rookery.deposit.terms import refsfile
from rookery.deposit.terms.refsfile import RefList
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


def object_format(folder: Path) -> str | None:
    """Say by which hash function the objects of a repository made here are named; None if there is none."""
    try:
        text = decode((folder / "config").read_bytes())
    except FileNotFoundError:
        return None
    return next(name for name, config in CONFIG.items() if config == text)


def open_bare(folder: Path, runner: Runner) -> Repo:
    """Give the handle of a repository that is there."""
    return Repo(folder, folder, runner, bare=True)


def set_state(folder: Path, state: RefList) -> None:
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


def take_objects(folder: Path, other: Path) -> None:
    """Take in all objects of another repository, by links where that goes."""
    for top, _, names in os.walk(other / "objects"):
        inside = os.path.relpath(top, other)
        if inside == os.path.join("objects", "info"):
            continue
        os.makedirs(folder / inside, exist_ok=True)
        for name in sorted(names, key=lambda n: n.endswith(".idx")):  # what belongs to an index comes first
            _link(os.path.join(top, name), folder / inside / name)


def _link(source: str, target: Path) -> None:
    try:
        os.link(source, target)
    except FileExistsError:
        pass  # the name of an object says its content
    except OSError:
        shutil.copyfile(source, target)


def read_refs(repo: Repo) -> dict[str, str]:
    """Read all refs, in Git's order; tags are not peeled."""
    lines = repo.records("for-each-ref", "--format=%(objectname) %(refname)", end=b"\n")
    pairs = (decode(line).partition(" ") for line in lines)
    return {name: sha for sha, _, name in pairs}
