"""Removing objects that enough neighbours have: each while their copies and ours are locked.

Several go at once, in threads: the file system lets each removal of a file or
folder wait (measured on ext4: 65 us for a folder, of which 16 are work; far
more while others write).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from types import TracebackType

from rookery.annex.keys import parse_key
from rookery.annex.nearby import placing
from rookery.annex.nearby.content_locks import object_here, thawed
from rookery.annex.nearby.neighbours import Neighbour
from rookery.annex.nearby.roaming import RoamingLock
from rookery.core.errors import LockedError
from rookery.core.pool import in_order, workers
from rookery.git.repo import Repo

# Keys that a thread takes at once: what it costs to hand them over is shared by so many.
TOGETHER = 32

# The folder of a key, and the two that it is filed under.
_LEVELS = 3


class Removal:
    """The removal of any number of objects, for the length of a `with` block.

    `needed` is the number of copies that must be proven for each key, `keepers`
    are those who may do it.
    """

    def __init__(
        self, repo: Repo, needed: Mapping[str, int], keepers: Mapping[str, Sequence[Neighbour]]
    ) -> None:
        self._repo = repo
        self._needed = needed
        self._keepers = keepers
        self._stack = ExitStack()
        self._folders: dict[str, str] = {}
        self._idle: list[_Lane] = []
        self._mutex = threading.Lock()

    def __enter__(self) -> Removal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def each(self, keys: Sequence[str]) -> Iterator[tuple[str, bool]]:
        """Remove the object of each key if it may go, and yield the key and whether it is gone, in order."""
        parts = [keys[start : start + TOGETHER] for start in range(0, len(keys), TOGETHER)]
        yield from in_order(self._part, parts, at_once=workers(None))

    def _part(self, keys: Sequence[str]) -> list[tuple[str, bool]]:
        with self._mutex:
            lane = self._idle.pop() if self._idle else _Lane(self)
        try:
            return [(key, self._removed(key, lane)) for key in keys]
        finally:
            self._idle.append(lane)

    def lock_in(self, repo: Repo) -> RoamingLock:
        """Make a lock for objects of a repository, which is closed when all is done."""
        with self._mutex:
            top = str(repo.commondir)
            if top not in self._folders:
                self._folders[top] = self._stack.enter_context(placing.drafts(repo))
            lock = RoamingLock(self._folders[top])
            self._stack.callback(lock.close)
            return lock

    def _removed(self, key: str, lane: _Lane) -> bool:
        place = object_here(self._repo, key)
        if place is None:
            return False
        folder = os.path.dirname(place)
        try:
            with lane.lock(self._repo).removable(place), ExitStack() as locks:
                if self._proven(key, place, lane, locks) < self._needed[key]:
                    return False
                with thawed(folder):
                    os.unlink(place)
        except (LockedError, OSError):
            return not os.path.lexists(place)  # gone all the same: only a lock file could not be taken away
        _remove_empty(folder)
        return True

    def _proven(self, key: str, place: str, lane: _Lane, locks: ExitStack) -> int:
        """Lock as many copies as are needed, for as long as `locks` is open, and give their number."""
        count = 0
        for keeper in self._keepers.get(key, ()):
            if count >= self._needed[key]:
                break
            copy = copy_at(keeper, key, place)
            if copy is None:
                continue
            with suppress(LockedError, OSError):
                locks.enter_context(lane.lock(keeper.repo).kept(copy))
                count += copy_at(keeper, key, place) == copy  # it may have gone before it was locked
        return count


class _Lane:
    """What one thread at a time works with: a lock for each repository that it has to do with."""

    def __init__(self, removal: Removal) -> None:
        self._removal = removal
        self._locks: dict[str, RoamingLock] = {}

    def lock(self, repo: Repo) -> RoamingLock:
        """Give the lock for objects of a repository."""
        top = str(repo.commondir)
        if top not in self._locks:
            self._locks[top] = self._removal.lock_in(repo)
        return self._locks[top]


def copy_at(keeper: Neighbour, key: str, mine: str) -> str | None:
    """Give the path of a neighbour's copy: complete, and not our own file once more."""
    place = object_here(keeper.repo, key)
    parsed = parse_key(key)
    if place is None or parsed is None:
        return None
    try:
        seen = os.lstat(place)
        if os.path.samestat(seen, os.lstat(mine)):
            return None
    except OSError:
        return None
    return place if parsed.size in (None, seen.st_size) else None


def _remove_empty(folder: str) -> None:
    """Take the folder of an object away, and those above it that are empty then."""
    try:
        for _ in range(_LEVELS):
            os.rmdir(folder)
            folder = os.path.dirname(folder)
    except OSError:
        return  # other keys are filed there, or somebody is about to bring content
