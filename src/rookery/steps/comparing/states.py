"""The state of each path of one repository: the work tree or a commit, compared with a commit.

One `git status` finds what is not as in HEAD; the index, read natively, gives
the rest and the names of all contents.  Two commits are compared by their
listings.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from rookery.core.process import encode
from rookery.git import modes, refs, trees
from rookery.git.index import IndexEntry, may_hold_submodules, read_index
from rookery.git.repo import Repo
from rookery.git.status import Change, status
from rookery.git.trees import Selection

Untracked = Literal["no", "normal", "all"]
Word = Literal["clean", "added", "modified", "deleted", "untracked"]

# What a state has at a path: mode, name of the content, size if it was told.
_Content = tuple[int, str, int | None]


class Item(NamedTuple):
    """One path and its state; `state` is None for a subdataset that was not looked into.

    `sha` names the content of the later state as far as Git knows it, `previous`
    that of the earlier one; of what is gone from both index and work tree, `sha`
    is the earlier one.
    """

    path: str
    mode: int
    state: Word | None
    sha: str | None = None
    previous: str | None = None
    size: int | None = None
    previous_mode: int = 0

    @property
    def type(self) -> str:
        """What it is, as records say it."""
        return modes.type_of(self.mode) or "file"

    def as_record(self) -> dict[str, Any]:
        """Give the keys of a result record."""
        record: dict[str, Any] = {"type": self.type}
        if self.state is not None:
            record["state"] = self.state
        if self.state != "untracked" and (self.sha is not None or self.state != "deleted"):
            record["gitshasum"] = self.sha
        if self.previous is not None:
            record["prev_gitshasum"] = self.previous
        if self.size is not None:
            record["bytesize"] = self.size
        return record


class Changed(NamedTuple):
    """What one `git status` told: tracked paths that are not as in HEAD, and what is untracked."""

    tracked: Mapping[str, Change]
    untracked: Sequence[str]

    def __bool__(self) -> bool:
        return bool(self.tracked or self.untracked)


def look(repo: Repo, paths: Sequence[str] = (), *, untracked: Untracked = "normal") -> Changed:
    """Ask Git what changed at or below some paths; it does not look into submodules."""
    tracked: dict[str, Change] = {}
    others: list[str] = []
    for change in status(repo, paths, untracked=untracked, ignore_submodules="dirty"):
        if change.kind == "untracked":
            others.append(change.path.rstrip("/"))
        else:
            tracked[change.path] = change
    return Changed(tracked, others)


def since_head(repo: Repo, changed: Changed, paths: Sequence[str] = (), *, clean: bool = True) -> list[Item]:
    """Compare the work tree with HEAD; without `clean`, unchanged files are left out (submodules are not)."""

    def before(path: str) -> _Content | None:
        change = changed.tracked[path]
        return (change.mode_head, change.sha_head, None) if change.mode_head else None

    entries = _indexed(repo, changed, paths, clean=clean)
    gone = [c for c in changed.tracked.values() if c.staged == "D" and c.kind != "conflict"]
    leftover: dict[str, _Content] = {c.path: (c.mode_head, c.sha_head, None) for c in gone}
    return _against(repo, changed, entries, before, leftover)


def since(
    repo: Repo, commit: str | None, changed: Changed, paths: Sequence[str] = (), *, clean: bool = True
) -> list[Item]:
    """Compare the work tree with another commit than HEAD, or with nothing (None); `clean` as in `since_head`."""
    head = refs.head(repo).commit
    if not clean and commit is not None and head is not None:
        return _since_by_way_of(repo, commit, head, changed, paths)
    had = _listed(repo, commit, paths)
    return _against(
        repo, changed, _indexed(repo, changed, paths, clean=True), had.get, dict(had), all_of=True
    )


def _since_by_way_of(
    repo: Repo, commit: str, head: str, changed: Changed, paths: Sequence[str]
) -> list[Item]:
    """Find what differs between two commits, and what differs from the later one: nothing else is read."""
    had: dict[str, _Content] = {}
    entries = {entry[0]: entry for entry in _indexed(repo, changed, paths, clean=False)}
    for path, mode, sha in entries.values():
        had[path] = (mode, sha, None)  # a submodule that is as in HEAD
    for path, change in changed.tracked.items():
        had.pop(path, None)
        if change.mode_head:
            had[path] = (change.mode_head, change.sha_head, None)
    for one in trees.diff_trees(repo, commit, head, paths):
        had.pop(one.path, None)
        if one.old_mode:
            had[one.path] = (one.old_mode, one.old_sha, None)
        if one.new_mode and one.path not in changed.tracked:
            entries[one.path] = (one.path, one.new_mode, one.new_sha)
    listed = sorted(entries.values(), key=lambda entry: encode(entry[0]))
    return _against(repo, changed, listed, had.get, dict(had), all_of=True)


def between(
    repo: Repo, old: str | None, new: str, paths: Sequence[str] = (), *, clean: bool = True
) -> list[Item]:
    """Compare two commits; without `clean`, what is the same in both is left out."""
    if not clean and old is not None:
        return _differing(repo, old, new, paths)
    had = _listed(repo, old, paths)
    items = []
    for path, (mode, sha, size) in _listed(repo, new, paths).items():
        was = had.pop(path, None)
        if was is None:
            items.append(Item(path, mode, "added", sha, None, size))
        else:
            word: Word = "clean" if was[:2] == (mode, sha) else "modified"
            items.append(Item(path, mode, word, sha, was[1], size, was[0]))
    return items + [Item(path, mode, "deleted", sha) for path, (mode, sha, _) in had.items()]


def _differing(repo: Repo, old: str, new: str, paths: Sequence[str]) -> list[Item]:
    items, gone = [], []
    for one in trees.diff_trees(repo, old, new, paths):
        if not one.new_mode:
            gone.append(Item(one.path, one.old_mode, "deleted", one.old_sha))
        elif not one.old_mode:
            items.append(Item(one.path, one.new_mode, "added", one.new_sha))
        else:
            items.append(
                Item(one.path, one.new_mode, "modified", one.new_sha, one.old_sha, None, one.old_mode)
            )
    return items + gone


def _listed(repo: Repo, commit: str | None, paths: Sequence[str]) -> dict[str, _Content]:
    if commit is None:
        return {}
    return {
        entry.path: (entry.mode, entry.sha, entry.size if entry.mode != modes.SYMLINK else None)
        for entry in trees.ls_tree(repo, commit, paths, sizes=True)
    }


def _indexed(
    repo: Repo, changed: Changed, paths: Sequence[str], *, clean: bool
) -> Iterator[tuple[str, int, str]]:
    """Yield path, mode and content name of what the index has, each path once, in its order.

    Without `clean` only what changed, and submodules, which may have changed inside.
    """
    if clean:
        yield from _resolved(read_index(repo), Selection(paths))
        return
    found = {
        path: (path, *_last_version(change))
        for path, change in changed.tracked.items()
        if change.staged != "D" or change.kind == "conflict"
    }
    if may_hold_submodules(repo):
        links = (entry for entry in read_index(repo) if entry.mode == modes.GITLINK)
        found.update((entry[0], entry) for entry in _resolved(links, Selection(paths)))
    yield from sorted(found.values(), key=lambda entry: encode(entry[0]))


def _last_version(change: Change) -> tuple[int, str]:
    """Give mode and content name of what the index has; of a conflict, theirs if there is one."""
    if change.mode_index or not change.mode_head:
        return change.mode_index or change.mode_worktree, change.sha_index
    return change.mode_head, change.sha_head


def _resolved(entries: Iterable[IndexEntry], wanted: Selection) -> Iterator[tuple[str, int, str]]:
    """Give each path once: of an unsettled merge the last of its versions."""
    waiting: tuple[str, int, str] | None = None
    for entry in entries:
        if waiting is not None and waiting[0] != entry.path:
            yield waiting
            waiting = None
        if entry.path in wanted:
            waiting = (entry.path, entry.mode, entry.sha)
    if waiting is not None:
        yield waiting


def _against(
    repo: Repo,
    changed: Changed,
    entries: Iterable[tuple[str, int, str]],
    before: Callable[[str], _Content | None],
    leftover: dict[str, _Content],
    *,
    all_of: bool = False,
) -> list[Item]:
    """Decide the state of everything in the work tree; `before` is asked of every path only if `all_of`."""
    items = []
    for path in changed.untracked:
        mode = mode_on_disk(repo, path)
        was = leftover.pop(path, None)
        if was is None:
            items.append(Item(path, mode, "untracked"))
        else:
            items.append(Item(path, mode, "modified", None, was[1], None, was[0]))
    for path, mode, sha in entries:
        change = changed.tracked.get(path)
        was = before(path) if all_of or change is not None else (mode, sha, None)
        leftover.pop(path, None)
        touched = change is not None and (change.unstaged != "." or change.kind == "conflict")
        items.append(_item(repo, path, mode, sha, was, touched=touched))
    items += [Item(path, mode, "deleted", sha) for path, (mode, sha, _) in leftover.items()]
    return items


def _item(repo: Repo, path: str, mode: int, sha: str, was: _Content | None, *, touched: bool) -> Item:
    """Decide the state of one path that the index has."""
    if was is None:
        return Item(path, mode, "added", sha)
    had_mode, had_sha, size = was
    if touched and not os.path.lexists(os.path.join(repo.root, path)):
        return Item(path, mode, "deleted", None, had_sha, None, had_mode)
    if mode == modes.GITLINK:
        return Item(path, mode, None, sha, had_sha, None, had_mode)
    if touched or (had_mode, had_sha) != (mode, sha):
        return Item(path, mode, "modified", sha, had_sha, None, had_mode)
    return Item(path, mode, "clean", sha, had_sha, size, had_mode)


def mode_on_disk(repo: Repo, path: str) -> int:
    """Give the mode that an untracked path would have; a folder's is that of a tree."""
    full = os.path.join(repo.root, path)
    if os.path.islink(full):
        return modes.SYMLINK
    return modes.TREE if os.path.isdir(full) else modes.FILE


def commit_of(repo: Repo, rev: str) -> str | None:
    """Give the commit (or tree) behind what a person typed; None if there is none."""
    if rev == "HEAD":
        return refs.head(repo).commit
    return refs.resolve(repo, rev, "tree")
