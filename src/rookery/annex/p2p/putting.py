"""`copy --to` a sibling that speaks the P2P protocol."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import NamedTuple

from rookery.annex import branch, identity
from rookery.annex.branch_writing import NotForUs
from rookery.annex.branch_writing import require_plain as require_plain_branch
from rookery.annex.nearby import knowledge, placing
from rookery.annex.nearby.outgoing import to_send
from rookery.annex.nearby.plain import Settings, require_plain, unlocked_keys
from rookery.annex.outcome import Clock, Item, Listener, Outcome
from rookery.annex.p2p.address import Partner, Partners
from rookery.annex.p2p.lines import Lines
from rookery.annex.p2p.peer import Parcel, PeerLost
from rookery.core import pool
from rookery.git.repo import Repo

# So many keys are written down together: of what a killed process sent, the sibling alone knows no more than these.
TOGETHER = 1_000


class Putting(NamedTuple):
    """A copy that is ready to go.

    `there` are the keys that are taken for being at the other side, `bound`
    those of files that are unlocked here.  With `ask` the sibling is asked
    first whether it has a key.
    """

    repo: Repo
    here: str
    settings: Settings
    to: Partner
    there: frozenset[str]
    bound: frozenset[str]
    ask: bool
    clock: Clock

    def run(
        self, items: Iterable[Item], on_progress: Listener | None
    ) -> Generator[Outcome, None, list[Item]]:
        """Send what can be sent, yield each outcome, and return what is left to git-annex."""
        left, wanted = yield from to_send(self.repo, items, there=self.there, bound=self.bound)
        with Lines(self.repo, self.settings, self.here) as lines:
            for start in range(0, len(wanted), TOGETHER):
                left += yield from self._send(wanted[start : start + TOGETHER], lines, on_progress)
        return left

    def _send(
        self, items: Sequence[Item], lines: Lines, on_progress: Listener | None
    ) -> Generator[Outcome, None, list[Item]]:
        left = {item.key: item for item in items}
        there: list[str] = []
        shares, at_once = lines.shares(self.to, items)

        def work(some: Sequence[Item]) -> Generator[tuple[Item, bool], None, None]:
            parcels = {
                item.key: Parcel(self.repo, item, placing.listening(on_progress, item)) for item in some
            }
            yield from self._sent(lines, parcels)

        try:
            for item, had in pool.as_they_come(work, shares, at_once=at_once, stop=lines.stop):
                del left[item.key]
                there.append(item.key)
                yield Outcome(item.path, item.key, ok=True, note="" if had else f"to {self.to.name}...")
        finally:
            knowledge.told(self.repo, self.to.uuid, there, present=True, clock=self.clock)
        return list(left.values())

    def _sent(self, lines: Lines, parcels: dict[str, Parcel]) -> Iterator[tuple[Item, bool]]:
        """Yield each item that is at the sibling now, and whether it was before; connect anew while that helps."""
        while parcels:
            came = False
            try:
                with lines.borrowed(self.to) as peer:
                    if self.ask:
                        for key, had in peer.present(list(parcels)):
                            if had:
                                yield parcels.pop(key).item, True
                    for parcel, stored in peer.store(list(parcels.values())):
                        came = True
                        del parcels[parcel.item.key]
                        if stored:
                            yield parcel.item, False
            except PeerLost:
                if not came:
                    return


def prepare(
    repo: Repo, settings: Settings, items: Sequence[Item], *, to: str, trust_log: bool, clock: Clock
) -> Putting:
    """Look at both sides.  `trust_log`: what the log places there is not asked about.

    Raises NotForUs, CommandError, OSError; nothing has been done then.
    """
    target = Partners(settings).named(to)
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
    return Putting(repo, here, settings, target, there, unlocked_keys(repo), not trust_log, clock)
