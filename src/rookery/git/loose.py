"""Objects that lie in files of their own, read without a process: what is small and new mostly does.

A Git process to read three small files costs more than all else that a short
command does.  What is packed, large, replaced, or in another place is Git's to
read; each object that is read here is held to its name.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from rookery.core.process import encode
from rookery.git.repo import Repo
from rookery.git.trees import parse_tree

# More than these are worth a process, which then reads packs as well.
MOST = 32
# What is larger comes in pieces from Git.
_LARGE = 1 << 18
_TREE = 0o040000


# An object: its name, its kind, its bytes.
Loose = tuple[str, str, bytes]
# The entries of a tree by name: mode and object.
Folder = dict[bytes, tuple[int, str]]


class NotLoose(Exception):
    """Git has to be asked: nothing is said of whether there is such an object."""


def read_all(repo: Repo, names: Sequence[str]) -> list[Loose | None]:
    """Read objects by name (`SHA` or `SHA:path`), None for a path that is not in its tree.  Raises NotLoose."""
    if not names or len(names) > MOST or "GIT_OBJECT_DIRECTORY" in repo.runner.env or _replaced(repo):
        raise NotLoose
    trees: dict[str, Folder] = {}
    return [_named(repo, name, trees) for name in names]


def _replaced(repo: Repo) -> bool:
    """Say whether some objects may stand for others (git-replace(1)): their names are refs."""
    if os.path.lexists(repo.commondir / "refs" / "replace"):
        return True
    try:
        return b" refs/replace/" in (repo.commondir / "packed-refs").read_bytes()
    except FileNotFoundError:
        return False


def _named(repo: Repo, name: str, trees: dict[str, Folder]) -> Loose | None:
    sha, colon, path = name.partition(":")
    if not colon:
        return _read(repo, sha)
    parts = encode(path).split(b"/")
    if not all(parts) or b"." in parts or b".." in parts:
        raise NotLoose  # Git has rules of its own for these
    mode = _TREE
    for part in parts:
        if mode != _TREE:
            return None
        if sha not in trees:
            trees[sha] = _entries(repo, sha)
        if part not in trees[sha]:
            return None
        mode, sha = trees[sha][part]
    return _read(repo, sha)


def _entries(repo: Repo, sha: str) -> Folder:
    """Read a tree, or that of a commit."""
    _, kind, content = _read(repo, sha)
    if kind == "commit" and content.startswith(b"tree "):
        _, kind, content = _read(repo, content[5:45].decode("ascii", "replace"))
    if kind != "tree":
        raise NotLoose
    return {name: (int(mode, 8), raw.hex()) for mode, name, raw in parse_tree(content)}


def _read(repo: Repo, sha: str) -> Loose:
    import zlib  # start-up: only who reads objects needs it
    from hashlib import sha1

    if len(sha) != 40 or not sha.isalnum():
        raise NotLoose
    try:
        with open(repo.commondir / "objects" / sha[:2] / sha[2:], "rb") as file:
            raw = file.read(_LARGE + 1)
        unpacking = zlib.decompressobj()
        data = unpacking.decompress(raw, _LARGE)
    except (OSError, zlib.error) as e:
        raise NotLoose from e
    head, _, content = data.partition(b"\0")
    kind, _, size = head.partition(b" ")
    if not unpacking.eof or size != b"%d" % len(content):
        raise NotLoose
    if sha1(data, usedforsecurity=False).hexdigest() != sha:
        raise NotLoose  # damaged: Git says so in its words
    return sha, kind.decode("ascii", "replace"), content
