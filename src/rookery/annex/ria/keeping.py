"""RIA stores as keepers: nobody can lock content there, so that it has to be there when ours is about to go."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from rookery.annex.keys import size_of
from rookery.annex.nearby.plain import Settings
from rookery.annex.ria.stores import Store, Stores, plainly_named
from rookery.core.errors import LockedError
from rookery.git.repo import Repo


class Stored:
    """Finds keepers among the stores of a repository."""

    def __init__(self, repo: Repo, settings: Settings) -> None:
        self._stores = Stores(repo, settings)

    def find(self, name: str) -> Keeping | None:
        """Give a remote by its name; None if it is no such store."""
        store = self._stores.find(name)
        return None if store is None else Keeping(store)


class Keeping(NamedTuple):
    """A store as a keeper.

    A copy that cannot be locked counts for git-annex too when it is ours that
    goes, which is locked meanwhile: whoever drops the store's copy in return
    finds no copy here to rely on.
    """

    store: Store

    @property
    def note(self) -> str:
        """Give nothing: git-annex does not say whom it asks."""
        return ""

    def may_have(self, key: str, mine: os.stat_result) -> bool:
        """Look at the store's object: complete, and not our own file once more."""
        seen = self.store.look(key) if plainly_named(key) else None
        if seen is None or os.path.samestat(seen, mine):
            return False
        return size_of(key) in (None, seen.st_size)

    def at_once(self, number: int) -> int:  # noqa: ARG002 - it takes no time
        """Give none: nothing is waited for."""
        return 0

    @contextmanager
    def kept(self, key: str, mine: os.stat_result) -> Iterator[None]:
        """Look again, at the last moment.  Raises LockedError if it is not there."""
        if not self.may_have(key, mine):
            raise LockedError(f"{self.store.name} does not have {key}")
        yield
