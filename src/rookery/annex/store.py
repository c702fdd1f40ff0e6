"""The object store: where the content of a key is, and whether it is there, by stat."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from rookery.annex.keys import file_key, filed, hashdirmixed, key_file
from rookery.core.files import opened_folder
from rookery.git.repo import Repo

OBJECTS = os.path.join("annex", "objects")


def annex_dir(repo: Repo) -> Path:
    """Give git-annex's own folder; all worktrees of a repository share it."""
    return repo.commondir / "annex"


def object_path(repo: Repo, key: str) -> str:
    """Give the path at which the content is, or would be put if it came now.

    Both layouts are looked at, since a repository that turned bare, or stopped
    being so, keeps the objects that it had.
    """
    first, second = candidates(repo, key)
    if not os.path.lexists(first) and os.path.lexists(second):
        return second
    return first


def candidates(repo: Repo, key: str) -> tuple[str, str]:
    """Give the two possible paths of a key's content, the likely one first."""
    mixed, lower = filed(key)
    # Not joined part by part: thousands of keys are looked for in a row, each several times.
    top = f"{repo.commondir}/{OBJECTS}"
    as_in_work_trees = f"{top}/{mixed}"
    as_in_bare_ones = f"{top}/{lower}"
    return (as_in_bare_ones, as_in_work_trees) if repo.bare else (as_in_work_trees, as_in_bare_ones)


def is_present(repo: Repo, key: str) -> bool:
    """Say whether the content is in the store.  A corrupt object counts; only fsck can tell."""
    first, second = candidates(repo, key)
    return os.path.isfile(first) or os.path.isfile(second)


def has_both_layouts(folders: Iterable[str]) -> bool:
    """Say whether the store of a repository with a work tree, which has these folders, may have objects of a bare one.

    Those are in folders with names of three letters, not of two.
    """
    return any(len(name) == 3 for name in folders)


def opened(repo: Repo) -> AbstractContextManager[int | None]:
    """Open the folder of all objects, four folders above each of them (see `opened_folder`)."""
    return opened_folder(f"{repo.commondir}/{OBJECTS}")


def keys_here(repo: Repo) -> Iterator[str]:
    """Yield every key whose content is in the store, former versions too, in the order of the folders."""
    for folder, names, files in os.walk(annex_dir(repo) / "objects"):
        names.sort()
        name = os.path.basename(folder)
        if name in files:
            yield file_key(name)


def size_here(repo: Repo, key: str) -> int | None:
    """Give the size of the content in the store as it is now; None if it is not there."""
    for path in candidates(repo, key):
        try:
            return os.stat(path).st_size
        except (FileNotFoundError, NotADirectoryError):
            continue
    return None


def link_target(key: str, path: str) -> str:
    """Give the text of the symlink that a locked file at `path` (relative to the top) is.

    Always by way of `.git`, also where that is a file: git-annex makes it a
    symlink to the real folder for this reason.
    """
    name = key_file(key)
    up = [os.pardir] * path.count("/")
    return "/".join([*up, ".git", "annex", "objects", hashdirmixed(key), name, name])


def is_shared(repo: Repo) -> bool:
    """Say whether the store is another repository's, by a symlink (DataLad's ephemeral clones)."""
    folder = annex_dir(repo)
    return os.path.islink(folder) or os.path.islink(folder / "objects")
