"""`get` from siblings that speak the P2P protocol."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from rookery.annex import branch, identity, remotes
from rookery.annex.branch_writing import NotForUs
from rookery.annex.branch_writing import require_plain as require_plain_branch
from rookery.annex.nearby import arrivals, knowledge, placing
from rookery.annex.nearby.plain import Settings, require_plain, require_usual_modes, reserve, unlocked_keys
from rookery.annex.outcome import Clock, Item, Listener, Outcome
from rookery.annex.p2p.address import Partner, Partners
from rookery.annex.p2p.arrival import Arrival, Inlet
from rookery.annex.p2p.lines import Lines
from rookery.annex.p2p.peer import PeerLost
from rookery.annex.store import is_present
from rookery.core import pool
from rookery.git.repo import Repo

# So many keys are written down together: a killed process leaves no more than these untold.
TOGETHER = 5_000


class Getting(NamedTuple):
    """A get that is ready to go: for each key who is asked for it; `unlocked` keys are not ours."""

    repo: Repo
    here: str
    settings: Settings
    reserve: int
    sources: Mapping[str, Partner]
    unlocked: frozenset[str]
    clock: Clock

    def run(
        self, items: Iterable[Item], on_progress: Listener | None
    ) -> Generator[Outcome, None, list[Item]]:
        """Get what can be had, yield each outcome, and return what is left to git-annex."""
        arrivals.settle(self.repo, clock=self.clock)
        left: list[Item] = []
        todo: dict[str, Item] = {}
        for item in items:
            fits = item.key in self.sources and item.key not in self.unlocked and item.key not in todo
            if fits and placing.checkable(item.key):
                todo[item.key] = item
            else:
                left.append(item)  # another name of a key too: git-annex says nothing of it when it is here
        wanted = list(todo.values())
        with Lines(self.repo, self.settings, self.here) as lines:
            for start in range(0, len(wanted), TOGETHER):
                left += yield from self._bring(wanted[start : start + TOGETHER], lines, on_progress)
        return left

    def _bring(
        self, items: Sequence[Item], lines: Lines, on_progress: Listener | None
    ) -> Generator[Outcome, None, list[Item]]:
        left: list[Item] = []
        came: list[str] = []
        groups: dict[Partner, list[Item]] = {}
        with ExitStack() as stack:
            stack.enter_context(arrivals.noted(self.repo, [item.key for item in items]))
            inlet = Inlet(self.repo, stack.enter_context(placing.drafts(self.repo)), self.reserve)
            try:
                for item in items:
                    if is_present(self.repo, item.key):
                        yield Outcome(item.path, item.key, ok=True, silent=True)
                    else:
                        groups.setdefault(self.sources[item.key], []).append(item)
                for partner, some in groups.items():
                    for arrival in _fetched(lines, partner, some, inlet, on_progress):
                        if not arrival.ok:
                            left.append(arrival.item)
                            continue
                        came.append(arrival.item.key)
                        note = f"from {partner.name}..."
                        yield Outcome(arrival.item.path, arrival.item.key, ok=True, note=note)
            finally:
                knowledge.arrived([self.repo], self.repo, self.here, came, clock=self.clock)
        return left


def _fetched(
    lines: Lines, partner: Partner, items: Sequence[Item], inlet: Inlet, on_progress: Listener | None
) -> Iterator[Arrival]:
    """Yield what became of each item, over as many connections as suit the sibling."""

    def work(some: Sequence[Item]) -> Generator[Arrival, None, None]:
        todo = {item.key: Arrival(inlet, item, placing.listening(on_progress, item)) for item in some}
        yield from _persistently(lines, partner, todo)

    shares, at_once = lines.shares(partner, items)
    yield from pool.as_they_come(work, shares, at_once=at_once, stop=lines.stop)


def _persistently(lines: Lines, partner: Partner, todo: dict[str, Arrival]) -> Generator[Arrival, None, None]:
    """Fetch, and connect anew after a cut for as long as each connection has brought something."""
    while todo:
        before = sum(arrival.done for arrival in todo.values())
        came = False
        try:
            with lines.borrowed(partner) as peer:
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
    require_plain(repo, settings)
    require_usual_modes(settings)
    require_plain_branch(repo)
    here = identity.uuid(repo)
    if here is None:
        raise NotForUs("there is no annex here")
    keys = list(dict.fromkeys(item.key for item in items))
    if source is not None:
        sources = dict.fromkeys(keys, partners.named(source))
    else:
        partners.require_known()
        sources = _by_log(repo, partners, keys)
    if not sources:
        raise NotForUs("nobody whom we can ask is said to have any of it")
    return Getting(repo, here, settings, reserve(settings), sources, unlocked_keys(repo), clock)


def _by_log(repo: Repo, partners: Partners, keys: Sequence[str]) -> dict[str, Partner]:
    logs = {branch.log_name(key): key for key in keys}
    texts = branch.texts(repo, [*logs, "trust.log"])
    judged = remotes.parse_trust(texts.pop("trust.log", ""))
    found = branch.parse_locations(keys, {logs[name]: text for name, text in texts.items()})
    choices: dict[frozenset[str], Partner | None] = {}
    sources = {}
    for key, places in found.items():
        having = frozenset(place.uuid for place in places if place.present)
        if having not in choices:
            # git-annex has an order of its own among those that somebody trusts more or less.
            usual = all(judged.get(uuid, "semitrusted") == "semitrusted" for uuid in having)
            choices[having] = partners.first(having) if usual else None
        if (partner := choices[having]) is not None:
            sources[key] = partner
    return sources
