"""Merging two histories without a work tree (git-merge-tree(1))."""

from __future__ import annotations

from typing import NamedTuple

from rookery.core.errors import CommandError, RookeryError
from rookery.core.process import decode
from rookery.git.repo import Repo


class GitTooOld(RookeryError):
    """This Git cannot merge without a work tree."""


class Merge(NamedTuple):
    """What comes of merging: the tree, or the paths at which the two contradict each other."""

    tree: str
    conflicts: tuple[str, ...]


def merge_commits(repo: Repo, ours: str, theirs: str) -> Merge:
    """Merge two commits with a common history; nothing moves, only objects are written.

    Where there are conflicts the tree has marks of them in its files, and is not to be used.
    Raises GitTooOld before Git 2.38, CommandError for what has no common history.
    """
    argv = ["merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", ours, theirs]
    answer = repo.run(*argv, ok=(0, 1, 129))
    if answer.code == 129:
        raise GitTooOld(
            "this Git cannot merge without a work tree", hints=["Git 2.38 or later can: update it on the hub"]
        )
    tree, *paths = answer.stdout.split(b"\0")
    if not tree:
        raise CommandError(answer.argv, code=answer.code, stderr=decode(answer.stderr), cwd=str(repo.root))
    return Merge(decode(tree), tuple(dict.fromkeys(decode(path) for path in paths if path)))
