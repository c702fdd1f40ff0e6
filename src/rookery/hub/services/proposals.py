"""What a proposal would change: its commits, its files, its content, and whether it can be merged as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rookery.annex.keys import POINTER_LIMIT, key_of_link, key_of_pointer
from rookery.core.process import decode, encode
from rookery.git import commits, modes, objects, refs, trees
from rookery.git.commits import Commit
from rookery.git.merging import GitTooOld, merge_commits
from rookery.git.repo import Repo

# So many are shown; what is merged has no limit.
MOST_COMMITS = 250

_NEW_COMMITS = ("rev-list", "--objects", "--no-object-names", "--stdin")


class Comparison(NamedTuple):
    """A proposal beside the branch that it is for: commits `base`..`head`, at most so many of them, newest first."""

    base: str
    head: str
    target: str
    commits: list[Commit]
    total: int
    conflicts: tuple[str, ...]
    too_old: str  # why nobody can say whether there are conflicts; mostly empty

    @property
    def fast_forward(self) -> bool:
        """Say whether the branch can simply be moved there."""
        return self.base == self.target


class Content(NamedTuple):
    """Where the content is that a proposal's commits speak of, as keys.

    What is `there`, where it comes from, comes along when it is merged; what is `missing` is in neither place,
    with the paths at which the proposal has it ("" for what only an earlier one of its commits has).
    """

    here: int
    there: int
    coming: int  # bytes, as far as keys tell
    missing: list[tuple[str, str]]


def compare(repo: Repo, target: str, head: str, base: str) -> Comparison:
    """Compare two commits that parted at `base`.  Raises CommandError."""
    log = list(commits.log(repo, f"{base}..{head}", options=[f"-n{MOST_COMMITS}"]))
    total = len(log) if len(log) < MOST_COMMITS else refs.count(repo, f"{base}..{head}")
    conflicts: tuple[str, ...] = ()
    too_old = ""
    if target not in (base, head):
        try:
            conflicts = merge_commits(repo, target, head).conflicts
        except GitTooOld as e:
            too_old = e.message
    return Comparison(base, head, target, log, total, conflicts, too_old)


def paths_of_keys(repo: Repo, base: str, head: str) -> dict[str, str]:
    """Give the paths at which `head` has annexed files that `base` has not, by their keys."""
    found = {one.new_sha: one for one in trees.diff_trees(repo, base, head) if one.new_mode}
    blobs = [sha for sha, one in found.items() if one.new_mode != modes.GITLINK]
    keys = {}
    for sha, text in _small(repo, blobs):
        link = found[sha].new_mode == modes.SYMLINK
        if key := key_of_link(decode(text)) if link else key_of_pointer(text):
            keys[key] = found[sha].path
    return keys


def _small(repo: Repo, shas: list[str]) -> Iterator[tuple[str, bytes]]:
    """Read those blobs that are small enough to stand for an annexed file."""
    stats = zip(shas, objects.stat_many(repo, shas), strict=True)
    small = [
        sha for sha, stat in stats if stat is not None and stat.kind == "blob" and stat.size <= POINTER_LIMIT
    ]
    for sha, blob in zip(small, objects.read_many(repo, small), strict=True):
        if blob is not None:
            yield sha, blob.content


def new_keys(repo: Repo, head: str, *, known: str) -> set[str]:
    """Give the keys that the commits of `head` which `known` has not speak of, in all their versions."""
    asked = encode(f"{head}\n^{known}\n")
    listed = [decode(line) for line in repo.records(*_NEW_COMMITS, stdin=[asked], end=b"\n")]
    found = (key_of_pointer(text) or key_of_link(decode(text)) for _, text in _small(repo, listed))
    return {key for key in found if key}


def parted_at(repo: Repo, one: str, other: str) -> str | None:
    """Give the commit at which two histories parted; None if they have nothing in common."""
    return refs.merge_base(repo, one, other)
