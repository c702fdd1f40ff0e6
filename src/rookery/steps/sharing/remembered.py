"""What need not be looked at again, because the last push to a sibling has seen to it.

Two states are compared with those of the note (`dataset.exchanged`): that of
the files, and that of git-annex's branch, which names every key whose copies
moved meanwhile.  Whatever else has changed there (what is wanted, who is
trusted) makes every file be looked at.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from rookery.annex.branch import journal_is_used
from rookery.annex.files import AnnexedFile, annexed
from rookery.annex.keys import file_key
from rookery.core.errors import CommandError
from rookery.dataset.exchanged import Exchanged
from rookery.git.repo import Repo
from rookery.git.trees import Entry, diff_trees
from rookery.steps.sharing.transfer import keys_at

# Logs of the whole repository that have no say in what is to be sent.
_IDLE = frozenset(("uuid.log", "activity.log", "schedule.log", "multicast.log"))

# More keys than this that moved without their file having changed: looking at every file is as good.
_MOST_MOVED = 1000


def nothing_new(repo: Repo, note: Exchanged, now: Exchanged) -> bool:
    """Say whether a push would find everything as the last one has left it."""
    same = (note.head, note.annex, note.uuid) == (now.head, now.annex, now.uuid)
    return same and _as_much(note, now) and not journal_is_used(repo)


def changed_files(repo: Repo, note: Exchanged, now: Exchanged) -> list[AnnexedFile] | None:
    """Give the files of HEAD that a push has to look at; None if it has to look at all."""
    if note.uuid != now.uuid or not _as_much(note, now) or note.absent or journal_is_used(repo):
        return None
    try:
        moved = _moved_keys(repo, note.annex, now.annex)
        if moved is None:
            return None
        files = list(annexed(repo, _new_entries(repo, note.head, now.head)))
    except CommandError:
        return None  # what was noted is not in the repository any more
    others = moved.difference(file.key for file in files)
    if len(others) > _MOST_MOVED or others.difference(keys_at(repo, others, now.uuid)):
        return None  # the sibling may have lost them, or we have got them, under whatever names
    return files


def _as_much(note: Exchanged, now: Exchanged) -> bool:
    return note.data in ("anything", now.data)


def _new_entries(repo: Repo, old: str, new: str) -> Iterator[Entry]:
    for change in diff_trees(repo, old, new):
        if change.new_mode:
            yield Entry(change.new_mode, "blob", change.new_sha, change.path)


def _moved_keys(repo: Repo, old: str, new: str) -> set[str] | None:
    """Give the keys that the two states of the branch tell differently of; None if they differ in more."""
    keys = set()
    for change in diff_trees(repo, old, new):
        folder, name = os.path.split(change.path)
        if not folder and name not in _IDLE:
            return None
        if folder and name.endswith(".log"):
            keys.add(file_key(name.removesuffix(".log")))
        elif folder and name.endswith(".log.met"):
            return None  # what is wanted may go by metadata
    return keys
