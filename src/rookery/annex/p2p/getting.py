"""`get` from siblings that speak the P2P protocol."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import NamedTuple

from rookery.annex.branch_writing import NotForUs
from rookery.annex.choosing import by_log
from rookery.annex.incoming.arrival import Arrival, Inlet
from rookery.annex.incoming.bringing import Bringing, here
from rookery.annex.nearby import placing
from rookery.annex.nearby.plain import Settings
from rookery.annex.outcome import Clock, Item, Listener, Outcome
from rookery.annex.p2p.address import Partner, Partners
from rookery.annex.p2p.lines import Lines
from rookery.annex.p2p.peer import PeerLost
from rookery.core import pool
from rookery.git.repo import Repo


class Getting(NamedTuple):
    """A get that is ready to go, and its connections."""

    bringing: Bringing
    lines: Lines

    def run(
        self, items: Iterable[Item], on_progress: Listener | None
    ) -> Generator[Outcome, None, list[Item]]:
        """Get what can be had, yield each outcome, and return what is left to git-annex."""
        with self.lines:
            return (yield from self.bringing.run(items, on_progress))


class _From(NamedTuple):
    """A sibling as a source."""

    partner: Partner
    lines: Lines

    @property
    def name(self) -> str:
        """The name of the remote."""
        return self.partner.name

    def fetched(self, items: Sequence[Item], inlet: Inlet, heard: Listener | None) -> Iterator[Arrival]:
        """Yield what became of each item, over as many connections as suit the sibling."""

        def work(some: Sequence[Item]) -> Generator[Arrival, None, None]:
            todo = {item.key: Arrival(inlet, item, placing.listening(heard, item)) for item in some}
            yield from self._persistently(todo)

        shares, at_once = self.lines.shares(self.partner, items)
        yield from pool.as_they_come(work, shares, at_once=at_once, stop=self.lines.stop)

    def _persistently(self, todo: dict[str, Arrival]) -> Generator[Arrival, None, None]:
        """Fetch, and connect anew after a cut for as long as each connection has brought something."""
        while todo:
            before = sum(arrival.done for arrival in todo.values())
            came = False
            try:
                with self.lines.borrowed(self.partner) as peer:
                    for arrival in peer.fetch(list(todo.values())):
                        came = came or arrival.ok
                        yield todo.pop(arrival.item.key)
            except PeerLost:
                if not came and sum(arrival.done for arrival in todo.values()) <= before:
                    break
        yield from todo.values()


def prepare(
    repo: Repo, settings: Settings, items: Sequence[Item], *, source: str | None, clock: Clock
) -> Getting:
    """Find out who has what.  Raises NotForUs, CommandError, OSError; nothing has been done then."""
    partners = Partners(settings)
    if not partners.any(source):
        raise NotForUs("no remote speaks the P2P protocol")
    receiver = here(repo, settings)
    keys = list(dict.fromkeys(item.key for item in items))
    if source is not None:
        found = dict.fromkeys(keys, partners.named(source))
    else:
        partners.require_known()
        found = by_log(repo, keys, partners.first)
    if not found:
        raise NotForUs("nobody whom we can ask is said to have any of it")
    lines = Lines(repo, settings, receiver.uuid)
    sources = {key: _From(partner, lines) for key, partner in found.items()}
    return Getting(Bringing(receiver, sources, clock), lines)
