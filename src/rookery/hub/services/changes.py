"""What differs between two commits, for people and pull requests: annexed files by their keys, text by its lines.

    page = hub.changes.of(actor, place, commit)            a commit against its first parent
    page = hub.changes.between(actor, place, old, new)     any two, also those of a fork (`content_in`)

Four processes, five on later pages, however many files differ.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rookery.annex.keys import key_of_link, key_of_pointer, size_of
from rookery.core.process import decode
from rookery.git import modes, objects
from rookery.git.commits import Commit
from rookery.git.patches import Patch, read_changes
from rookery.git.trees import Difference
from rookery.hub.domain.access import Actor
from rookery.hub.services.browsing import GLANCE, Place
from rookery.hub.services.contents import ContentService
from rookery.hub.services.gate import Where

A_PAGE = 200


class Version(NamedTuple):
    """What a path was on one side.  `size` is the content's; `here` says whether an annexed one's content is."""

    mode: int
    sha: str
    size: int | None = None
    key: str | None = None
    here: bool | None = None

    @property
    def kind(self) -> str:
        """What it is: file, symlink, dataset (a subdataset, whose commit is `sha`)."""
        return "file" if self.key else modes.type_of(self.mode) or "file"


class Change(NamedTuple):
    """One path that differs.  `status` is A, D, M, T (another kind of thing) or R (renamed, from `from_path`).

    `patch` has the lines of a text that Git holds, on either side; None where there are none or too many.
    """

    status: str
    path: str
    from_path: str | None
    old: Version | None
    new: Version | None
    patch: Patch | None

    @property
    def annexed(self) -> bool:
        """Whether the content of either side is in the annex."""
        return any(side is not None and side.key is not None for side in (self.old, self.new))

    @property
    def content_same(self) -> bool:
        """Whether only the name changed, or how the file is kept."""
        if self.old is None or self.new is None:
            return False
        if self.old.key or self.new.key:
            return self.old.key == self.new.key
        return self.old.sha == self.new.sha


class Changes(NamedTuple):
    """Some of the changes from `skip` on, of `total`."""

    changes: list[Change]
    skip: int
    total: int

    @property
    def more(self) -> int:
        """Where the next page begins; 0 if there is none."""
        after = self.skip + len(self.changes)
        return after if after < self.total else 0


class ChangeService:
    """Reads at a `Place`, which the gate has let through."""

    def __init__(self, contents: ContentService) -> None:
        self._contents = contents

    def of(
        self, actor: Actor, place: Place, commit: Commit, *, skip: int = 0, limit: int = A_PAGE
    ) -> Changes:
        """Give what a commit changed since its first parent."""
        old = commit.parents[0] if commit.parents else None
        return self.between(actor, place, old, commit.sha, skip=skip, limit=limit)

    def between(
        self,
        actor: Actor,
        place: Place,
        old: str | None,
        new: str,
        *,
        skip: int = 0,
        limit: int = A_PAGE,
        content_in: Where | None = None,
    ) -> Changes:
        """Give what differs from commit `old` (None: nothing at all) to commit `new`, both by their whole names.

        Whether content is here is asked of `content_in`, if it is another repository than the
        one that is looked at.  Raises CommandError for commits that are not there.
        """
        read = read_changes(place.repo, old, new, skip=skip, limit=limit)
        keys, sizes = _contents(place, [one for one, _ in read.found])
        where = place.repository.id if content_in is None else content_in
        here = self._contents.present_of(actor, where, keys.values()) if keys else set()

        def side(mode: int, sha: str) -> Version | None:
            if not mode:
                return None
            key = keys.get(sha) if mode != modes.GITLINK else None
            size = size_of(key) if key else sizes.get(sha)
            return Version(mode, sha, size, key, key in here if key else None)

        changes = [
            Change(
                one.status,
                one.path,
                one.from_path,
                side(one.old_mode, one.old_sha),
                side(one.new_mode, one.new_sha),
                patch,
            )
            for one, patch in read.found
        ]
        return Changes([_shown(one) for one in changes], skip, read.total)


def _shown(change: Change) -> Change:
    """Take away a patch of links into the annex, or of a subdataset's commit: the versions tell that better."""
    dataset = any(side is not None and side.kind == "dataset" for side in (change.old, change.new))
    return change._replace(patch=None) if change.annexed or dataset else change


def _contents(place: Place, found: Iterable[Difference]) -> tuple[dict[str, str], dict[str, int]]:
    """Give the keys of annexed versions, and the sizes of all, by the names of their blobs."""
    blobs: dict[str, int] = {}
    for one in found:
        for mode, sha in ((one.old_mode, one.old_sha), (one.new_mode, one.new_sha)):
            if mode and mode != modes.GITLINK:
                blobs[sha] = mode
    stats = objects.stat_many(place.repo, blobs)
    sizes = {sha: stat.size for sha, stat in zip(blobs, stats, strict=True) if stat is not None}
    small = [sha for sha, size in sizes.items() if size <= GLANCE]
    keys = {}
    for sha, blob in zip(small, objects.read_many(place.repo, small), strict=True):
        if blob is None:
            continue
        link = blobs[sha] == modes.SYMLINK
        key = key_of_link(decode(blob.content)) if link else key_of_pointer(blob.content)
        if key is not None:
            keys[sha] = key
    return keys, sizes
