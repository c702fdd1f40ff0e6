"""An index that no other command sees, in which a commit is made ready."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rookery.core import files
from rookery.core.process import decode
from rookery.git import loose
from rookery.git.index import CACHES, ELSEWHERE, SMALL, index_file, is_plain, raw_entries
from rookery.git.index_stat import forgotten
from rookery.git.repo import Repo

# The extension of cached trees as it begins: how many entries the root has, how many folders, its name.
_ROOT = re.compile(rb"TREE.{4}\0(\d+) \d+\n(.{20})", re.DOTALL)

_serial = itertools.count()


@contextmanager
def private_index(repo: Repo, *, tree: str | None = None) -> Iterator[Repo]:
    """Give the repository with an index of its own for the block: of a commit's (or other) tree, or empty.

    A killed process leaves a small file behind in the repository's `rookery`
    folder, which a later call takes away.
    """
    folder = repo.gitdir / "rookery"
    files.make_folder(folder)
    _sweep(folder)
    file = folder / f"index-{os.getpid()}-{next(_serial)}"
    try:
        view = repo.with_env(GIT_INDEX_FILE=str(file))
        if tree is not None and not _copied(repo, tree, file):
            view.run("read-tree", tree)
        yield view
    finally:
        file.unlink(missing_ok=True)
        file.with_name(file.name + ".lock").unlink(missing_ok=True)


def _copied(repo: Repo, tree: str, file: Path) -> bool:
    """Copy the real index if it is known to hold just this tree: no process, and what it knows of files stays known."""
    known = tree_of(repo, tree)
    if known is None:
        return False
    try:
        with open(index_file(repo), "rb") as real:
            data, written = real.read(), os.fstat(real.fileno()).st_mtime_ns
    except FileNotFoundError:
        return False
    odd = any(name in data for name in (*ELSEWHERE, *CACHES))
    if odd or not is_plain(repo, data) or cached_trees(data)[0] != known:
        return False
    if len(data) <= SMALL:
        # Git would read what is young when it writes its trees down, through git-annex's filter.
        data = forgotten(data, raw_entries(data), written)
    file.write_bytes(data)
    os.utime(file, ns=(written, written))  # by its age Git knows which files may have changed behind its back
    return True


def tree_of(repo: Repo, commit: str) -> str | None:
    """Give the tree of a commit; None where only a process could say."""
    try:
        (found,) = loose.read_all(repo, [commit])
    except loose.NotLoose:
        return None
    if found is None or found[1] != "commit" or not found[2].startswith(b"tree "):
        return None
    return decode(found[2][5:45])


def cached_trees(data: bytes) -> tuple[str | None, bytes]:
    """Give the tree that an index is known to be as a whole, None if it is not, and what it knows of all its trees.

    See gitformat-index(5), "Cache tree".
    """
    for match in _ROOT.finditer(data):
        # No entry may be left out, as those that are only intended to be added are.
        if int(match[1]) == int.from_bytes(data[8:12], "big"):
            begin = match.start() + 8
            return match[2].hex(), data[begin : begin + int.from_bytes(data[begin - 4 : begin], "big")]
    return None, b""


def _sweep(folder: Path) -> None:
    """Take away private indexes whose process is gone."""
    for file in folder.glob("index-*"):
        pid = file.name.split("-")[1]
        if not pid.isdigit() or int(pid) == os.getpid():
            continue
        try:
            os.kill(int(pid), 0)
        except ProcessLookupError:
            file.unlink(missing_ok=True)
        except PermissionError:
            pass  # it lives, and is somebody else's
