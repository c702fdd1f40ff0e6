"""`get` from RIA stores on this machine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import NamedTuple

from rookery.annex.branch_writing import NotForUs
from rookery.annex.choosing import by_log
from rookery.annex.incoming.arrival import Inlet
from rookery.annex.incoming.bringing import Bringing, here
from rookery.annex.nearby import placing
from rookery.annex.nearby.plain import Settings
from rookery.annex.nearby.side_by_side import side_by_side
from rookery.annex.outcome import Clock, Item, Listener
from rookery.annex.ria.stores import Store, Stores, plainly_named
from rookery.git.repo import Repo


class _Came(NamedTuple):
    item: Item
    ok: bool


class _From(NamedTuple):
    """A store as a source."""

    store: Store

    @property
    def name(self) -> str:
        """The name of the remote."""
        return self.store.name

    def fetched(self, items: Sequence[Item], inlet: Inlet, heard: Listener | None) -> Iterator[_Came]:
        """Yield what became of each item."""
        for item, ok in side_by_side(partial(self._placed, inlet, heard), items):
            yield _Came(item, ok)

    def _placed(self, inlet: Inlet, heard: Listener | None, item: Item) -> bool:
        place = self.store.place(item.key)
        told = placing.listening(heard, item)
        try:
            placing.place(
                place,
                inlet.repo,
                item.key,
                folder=inlet.folder,
                reserve=inlet.reserve,
                heard=told,
                shared=inlet.shared,
            )
        except (placing.Unplaced, OSError):
            return False
        return True


def prepare(
    repo: Repo, settings: Settings, items: Sequence[Item], *, source: str | None, clock: Clock
) -> Bringing:
    """Find out what is in which store.  Raises NotForUs, CommandError, OSError; nothing has been done then."""
    stores = Stores(repo, settings)
    if not stores.any(source):
        raise NotForUs("no remote is a RIA store on this machine")
    receiver = here(repo, settings)
    keys = [key for key in dict.fromkeys(item.key for item in items) if plainly_named(key)]
    if source is not None:
        found = dict.fromkeys(keys, stores.named(source))
    else:
        stores.require_known()
        found = by_log(repo, keys, stores.first)
    if not found:
        raise NotForUs("no such store is said to have any of it")
    sources = {key: _From(store) for key, store in found.items()}
    return Bringing(receiver, sources, clock)
