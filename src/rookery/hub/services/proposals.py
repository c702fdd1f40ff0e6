"""What a proposal would change: its commits, its files, its content, and whether it can be merged as it is."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from rookery.annex.keys import POINTER_LIMIT, key_of_link, key_of_pointer, size_of
from rookery.core.process import decode, encode
from rookery.git import commits, modes, objects, refs, trees
from rookery.git.commits import Commit
from rookery.git.merging import GitTooOld, merge_commits
from rookery.git.repo import Repo

# So many are shown; what is merged has no limit.
MOST_COMMITS = 250
MOST_FILES = 3000

_NEW_COMMITS = ("rev-list", "--objects", "--no-object-names", "--stdin")


class Side(NamedTuple):
    """A file before or after: its blob and size, and its key if it is annexed (`size` is then the content's)."""

    sha: str
    mode: int
    size: int | None
    key: str | None


class Changed(NamedTuple):
    """A file that a proposal changes; `status` as in `git.trees.Difference`.

    `content` says of an annexed new version where its content is: "here", "there" (where the proposal comes
    from: it comes along), "missing"; it is "" for what is not annexed.
    """

    path: str
    from_path: str | None
    status: str
    old: Side | None
    new: Side | None
    content: str = ""


class Comparison(NamedTuple):
    """A proposal beside the branch that it is for.  `more_files` says that not all are shown."""

    base: str
    head: str
    target: str
    commits: list[Commit]
    files: list[Changed]
    more_files: bool
    conflicts: tuple[str, ...]
    too_old: str  # why nobody can say whether there are conflicts; mostly empty

    @property
    def fast_forward(self) -> bool:
        """Say whether the branch can simply be moved there."""
        return self.base == self.target


def compare(repo: Repo, target: str, head: str, base: str) -> Comparison:
    """Compare two commits that parted at `base`.  Raises CommandError."""
    log = commits.log(repo, f"{base}..{head}", options=[f"-n{MOST_COMMITS}"])
    found = list(islice(trees.diff_trees(repo, base, head, renames=True), MOST_FILES + 1))
    conflicts: tuple[str, ...] = ()
    too_old = ""
    if target not in (base, head):
        try:
            conflicts = merge_commits(repo, target, head).conflicts
        except GitTooOld as e:
            too_old = e.message
    files = changed_files(repo, found[:MOST_FILES])
    return Comparison(base, head, target, list(log), files, len(found) > MOST_FILES, conflicts, too_old)


def changed_files(repo: Repo, differences: list[trees.Difference]) -> list[Changed]:
    """Look into both versions of files: which are annexed, and how large they are."""
    shas = [sha for one in differences for sha, mode in _sides(one) if mode != modes.GITLINK]
    sizes = dict(zip(shas, objects.stat_many(repo, shas), strict=True))
    small = [
        sha for sha in dict.fromkeys(shas) if (stat := sizes[sha]) is not None and stat.size <= POINTER_LIMIT
    ]
    texts = {
        sha: blob.content
        for sha, blob in zip(small, objects.read_many(repo, small), strict=True)
        if blob is not None
    }

    def side(sha: str, mode: int) -> Side | None:
        if not mode:
            return None
        key = key_of(mode, texts[sha]) if sha in texts else None
        stat = sizes.get(sha)
        return Side(sha, mode, size_of(key) if key else stat.size if stat else None, key)

    return [
        Changed(
            one.path,
            one.from_path,
            one.status,
            side(one.old_sha, one.old_mode),
            side(one.new_sha, one.new_mode),
        )
        for one in differences
    ]


def _sides(one: trees.Difference) -> Iterator[tuple[str, int]]:
    yield from (pair for pair in ((one.old_sha, one.old_mode), (one.new_sha, one.new_mode)) if pair[1])


def key_of(mode: int, text: bytes) -> str | None:
    """Give the key that a file stands for, if it is annexed."""
    return key_of_link(decode(text)) if mode == modes.SYMLINK else key_of_pointer(text)


def new_keys(repo: Repo, head: str, *, known: str) -> set[str]:
    """Give the keys that the commits of `head` which `known` has not speak of, in all their versions."""
    asked = encode(f"{head}\n^{known}\n")
    listed = [decode(line) for line in repo.records(*_NEW_COMMITS, stdin=[asked], end=b"\n")]
    small = [
        sha
        for sha, stat in zip(listed, objects.stat_many(repo, listed), strict=True)
        if stat is not None and stat.kind == "blob" and stat.size <= POINTER_LIMIT
    ]
    keys = set()
    for blob in objects.read_many(repo, small):
        if blob is not None:
            found = key_of_pointer(blob.content) or key_of_link(decode(blob.content))
            if found:
                keys.add(found)
    return keys


def parted_at(repo: Repo, one: str, other: str) -> str | None:
    """Give the commit at which two histories parted; None if they have nothing in common."""
    return refs.merge_base(repo, one, other)
