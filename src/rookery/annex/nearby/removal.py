"""Removing objects that enough neighbours have: each while their copies and ours are locked."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from types import TracebackType

from rookery.annex.keys import parse_key
from rookery.annex.nearby import placing
from rookery.annex.nearby.content_locks import object_here, thawed
from rookery.annex.nearby.neighbours import Neighbour
from rookery.annex.nearby.roaming import RoamingLock
from rookery.annex.nearby.sweeping import sweeper
from rookery.core.errors import LockedError
from rookery.git.repo import Repo


class Removal:
    """The removal of any number of objects, one after the other, for the length of a `with` block.

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
        self._theirs: dict[str, RoamingLock] = {}

    def __enter__(self) -> Removal:
        self._sweeper = self._stack.enter_context(sweeper())
        self._ours = self._lock_of(self._repo)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _lock_of(self, repo: Repo) -> RoamingLock:
        lock = RoamingLock(self._stack.enter_context(placing.drafts(repo)))
        self._stack.callback(lock.close)
        return lock

    def removed(self, key: str) -> bool:
        """Remove a key's object if it may go, and say whether it is gone."""
        place = object_here(self._repo, key)
        if place is None:
            return False
        folder = os.path.dirname(place)
        try:
            with self._ours.removable(place), ExitStack() as locks:
                if self._proven(key, place, locks) < self._needed[key]:
                    return False
                with thawed(folder):
                    os.unlink(place)
        except (LockedError, OSError):
            return not os.path.lexists(place)  # gone all the same: only a lock file could not be taken away
        self._sweeper.take(folder)
        return True

    def _proven(self, key: str, place: str, locks: ExitStack) -> int:
        """Lock as many copies as are needed, for as long as `locks` is open, and give their number."""
        count = 0
        for keeper in self._keepers.get(key, ()):
            if count >= self._needed[key]:
                break
            copy = copy_at(keeper, key, place)
            if copy is None:
                continue
            with suppress(LockedError, OSError):
                if keeper.uuid not in self._theirs:
                    self._theirs[keeper.uuid] = self._lock_of(keeper.repo)
                locks.enter_context(self._theirs[keeper.uuid].kept(copy))
                count += copy_at(keeper, key, place) == copy  # it may have gone before it was locked
        return count


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
