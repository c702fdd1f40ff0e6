"""`copy --to` a RIA store on this machine."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from rookery.annex import branch, identity
from rookery.annex.branch_writing import NotForUs
from rookery.annex.branch_writing import require_plain as require_plain_branch
from rookery.annex.nearby import knowledge, placing
from rookery.annex.nearby.content_locks import object_here, thawed
from rookery.annex.nearby.outgoing import to_send
from rookery.annex.nearby.plain import Settings, require_plain, unlocked_keys
from rookery.annex.nearby.side_by_side import at_a_time, noted_in, side_by_side
from rookery.annex.outcome import Clock, Item, Listener, Outcome
from rookery.annex.ria.stores import Store, Stores, plainly_named
from rookery.core.log import get_log
from rookery.git.repo import Repo

log = get_log("rookery.ria")

# What a killed process has left in the folder for what is on its way is taken away after a day, in seconds.
STALE = 86_400.0


class Putting(NamedTuple):
    """A copy that is ready to go.

    `there` are the keys that are taken for being at the other side, `bound`
    those of files that are unlocked here.
    """

    repo: Repo
    here: str
    to: Store
    there: frozenset[str]
    bound: frozenset[str]
    clock: Clock

    def run(
        self, items: Iterable[Item], on_progress: Listener | None
    ) -> Generator[Outcome, None, list[Item]]:
        """Send what can be sent, yield each outcome, and return what is left to git-annex."""
        left, wanted = yield from to_send(
            self.repo, items, there=self.there, bound=self.bound, ours=_may_be_ours
        )
        if not wanted:
            return left
        try:
            folder = _transfers(self.to, self.here, self.clock())
        except OSError as e:
            log.debug("nothing can be put into %s: %s", self.to.root, e)
            return [*left, *wanted]  # git-annex says why
        together = at_a_time(len(wanted))
        for start in range(0, len(wanted), together):
            left += yield from self._send(wanted[start : start + together], folder, on_progress)
        return left

    def _send(
        self, items: Sequence[Item], folder: str, on_progress: Listener | None
    ) -> Generator[Outcome, None, list[Item]]:
        left: list[Item] = []
        came: list[str] = []
        told = side_by_side(partial(self._sent, folder, on_progress), items, did=noted_in(came))
        try:
            for item, note in told:
                if note is None:
                    left.append(item)
                else:
                    yield Outcome(item.path, item.key, ok=True, note=note)
        finally:
            told.close()  # what was under way has come as well
            knowledge.told(self.repo, self.to.uuid, came, present=True, clock=self.clock)
            gone = [key for key in came if self.to.look(key) is None]
            knowledge.told(self.repo, self.to.uuid, gone, present=False, clock=self.clock)
        return left

    def _sent(self, folder: str, on_progress: Listener | None, item: Item) -> str | None:
        """Send one unless it is there, and give what is to be said of it; None if it could not be sent."""
        if self.to.look(item.key) is not None:
            return ""
        source = object_here(self.repo, item.key)
        if source is None:
            return None
        heard = placing.listening(on_progress, item)
        try:
            with placing.copied(source, item.key, folder=folder, reserve=0, heard=heard) as draft:
                _show(draft, self.to.place(item.key))
        except (placing.Unplaced, OSError):
            return None
        return f"to {self.to.name}..."


def _transfers(store: Store, here: str, now: float) -> str:
    """Make the folder in which `ora` keeps what is on its way from a clone, and sweep it.  Raises OSError."""
    folder = f"{store.root}/ora-remote-{here}/transfer"
    os.makedirs(folder, exist_ok=True)
    with os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):  # another process was quicker, or it is somebody else's
                old = entry.stat(follow_symlinks=False).st_mtime < now - STALE
                if old and entry.name.startswith(placing.DRAFT):
                    os.unlink(entry)
    return folder


def _show(draft: str, place: str) -> None:
    """Move an object to its name; its folder may vanish meanwhile, since a drop takes it away.  Raises OSError."""
    folder = os.path.dirname(place)
    for attempt in range(10):
        try:
            placing.made(folder)
            os.rename(draft, place)
            return
        except PermissionError:  # somebody has write-protected it, as in a clone
            with thawed(folder):
                os.rename(draft, place)
            return
        except FileNotFoundError:
            if attempt == 9:
                raise


def prepare(
    repo: Repo, settings: Settings, items: Sequence[Item], *, to: str, trust_log: bool, clock: Clock
) -> Putting:
    """Look at both sides.  `trust_log`: what the log places there is not looked at.

    Raises NotForUs, CommandError, OSError; nothing has been done then.
    """
    target = Stores(repo, settings).named(to)
    if target.readonly:
        raise NotForUs(f"{to} takes no content")
    require_plain(repo, settings)
    require_plain_branch(repo)
    here = identity.uuid(repo)
    if here is None:
        raise NotForUs("there is no annex here")
    there = (
        branch.placed_at(repo, target.uuid, [item.key for item in items]) if trust_log else frozenset[str]()
    )
    return Putting(repo, here, target, there, unlocked_keys(repo), clock)


def _may_be_ours(key: str) -> bool:
    return plainly_named(key) and placing.checkable(key)
