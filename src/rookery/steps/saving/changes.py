"""Finding what there is to save: one status of Git, sorted by what has to be done about each path."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from typing import NamedTuple

from rookery.annex.files import keys_of_blobs
from rookery.git import modes, modules
from rookery.git.index import NewEntry
from rookery.git.refs import Head
from rookery.git.repo import Repo
from rookery.git.status import Change, Standing, status_at

Before = tuple[int, str]

# What HEAD says of a path that it does not have: one for all of them.
NOTHING: Before = (0, "")


class Changes(NamedTuple):
    """What is not as in HEAD, below some paths of one repository.

    `before` has what HEAD says of each changed path (mode 0: nothing).  `gone`
    are to be deleted; `staged` are in the index as they are in the work tree;
    `files` and `links` have to be taken in; `repositories` are nested ones whose
    commit has to be recorded.  `conflicts`, `uncertain` and `overtaken` are among
    the others too: the second may turn out to be as in HEAD, the third are staged
    in a version that is neither HEAD's nor the work tree's.  `behind` tells that the
    index has other subdatasets than both HEAD and the work tree, as it is left when
    a save is killed between the commit and the index.
    """

    head: Head
    before: dict[str, Before]
    gone: list[str]
    staged: dict[str, NewEntry]
    files: list[str]
    links: list[str]
    repositories: list[str]
    conflicts: frozenset[str]
    uncertain: frozenset[str]
    overtaken: frozenset[str]
    behind: bool

    def __bool__(self) -> bool:
        return bool(self.before)


def find_changes(repo: Repo, paths: Sequence[str] = (), *, updated: bool = False) -> Changes:
    """Look for changes at or below `paths` (relative to the root; none: everywhere).

    `updated` leaves untracked files out.  A nested repository counts as changed
    when its commit is another one; what is not committed in it does not count.
    """
    modules.forget_dead_locks(repo)
    head = Head(None, None)
    found: dict[str, Change] = {}
    listing = status_at(repo, paths, untracked="no" if updated else "all", ignore_submodules="dirty")
    for item in listing:
        if isinstance(item, Standing):
            head = Head(item.branch, item.commit)
            continue
        known = found.get(item.path.rstrip("/"))
        if known is not None and item.kind == "untracked":
            # Taken out of the index, or another kind of thing now, and still there: what is there counts.
            item = known._replace(unstaged="M", mode_worktree=_mode_of(repo, item.path))
        found[item.path.rstrip("/")] = item
    return sorted_out(repo, head, found)


def sorted_out(repo: Repo, head: Head, found: dict[str, Change]) -> Changes:
    """Decide for each change what has to be done."""
    conflicts = frozenset(path for path, change in found.items() if change.kind == "conflict")
    twice = frozenset(path for path, c in found.items() if "." not in (c.staged, c.unstaged) and c.mode_head)
    overtaken = frozenset(p for p, c in found.items() if c.staged in "AMT" and c.unstaged in "DMT")
    behind = any(
        modes.GITLINK in (c.mode_head, c.mode_index) and _is_as_in_head(repo, c) for c in found.values()
    )
    changes = Changes(head, {}, [], {}, [], [], [], conflicts, twice, overtaken, behind)
    for path, change in found.items():
        changes.before[path] = (change.mode_head, change.sha_head) if change.mode_head else NOTHING
        now = change.mode_worktree or (_mode_of(repo, change.path) if _may_be_there(change) else 0)
        if not now:
            changes.gone.append(path)
        elif now == modes.GITLINK:
            changes.repositories.append(path)
        elif now == modes.SYMLINK:
            changes.links.append(path)
        elif change.kind == "changed" and change.unstaged == ".":
            changes.staged[path] = NewEntry(path, change.mode_index, change.sha_index)
        else:
            changes.files.append(path)
    for path in _unlocked(repo, changes):
        del changes.staged[path]
        changes.files.append(path)
    return changes


def _unlocked(repo: Repo, changes: Changes) -> list[str]:
    """Give the staged files that HEAD has locked: git-annex locks them again when they are added, as DataLad does."""
    opened = [
        entry
        for path, entry in changes.staged.items()
        if changes.before[path][0] == modes.SYMLINK and entry.mode != modes.SYMLINK
    ]
    annexed = keys_of_blobs(repo, opened) if opened else {}
    return [entry.path for entry in opened if entry.sha in annexed]


def _is_as_in_head(repo: Repo, change: Change) -> bool:
    """Say whether only the index has another kind of thing at this path than HEAD and the work tree have."""
    now = change.mode_worktree or _mode_of(repo, change.path)
    return change.staged in "ADT" and now == change.mode_head


def _may_be_there(change: Change) -> bool:
    return change.kind in ("untracked", "conflict") or change.unstaged == "A"


def _mode_of(repo: Repo, path: str) -> int:
    """Look at what is in the work tree: 0 if nothing, a nested repository for any folder that Git named."""
    try:
        seen = os.lstat(os.path.join(repo.root, path.rstrip("/")))
    except OSError:
        return 0
    if stat.S_ISLNK(seen.st_mode):
        return modes.SYMLINK
    return modes.GITLINK if stat.S_ISDIR(seen.st_mode) else modes.FILE


def mend_links(repo: Repo, links: Sequence[str]) -> None:
    """Make annexed symlinks that were moved to another depth point to their content again, in the work tree."""
    for path in links:
        full = os.path.join(repo.root, path)
        mended = mended_target(path, os.readlink(full))
        if mended is not None:
            draft = os.path.join(os.path.dirname(full), f".{os.getpid()}.rookery-link")
            os.symlink(mended, draft)
            os.replace(draft, full)


def mended_target(path: str, target: str) -> str | None:
    """Give the target that an annexed symlink at `path` must have; None if it has it, or is no such link."""
    mark = ".git/annex/objects/"
    up, found, rest = target.rpartition(mark)
    if not found or up.replace("../", "") not in ("", "./"):
        return None  # not into this repository's own store
    right = "../" * path.count("/") + mark + rest
    return right if right != target else None
