"""`copy --to` a repository on this machine."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from functools import partial
from typing import NamedTuple

from rookery.annex import branch, identity
from rookery.annex.branch_writing import NotForUs
from rookery.annex.branch_writing import require_plain as require_plain_branch
from rookery.annex.nearby import knowledge, placing
from rookery.annex.nearby.content_locks import object_here
from rookery.annex.nearby.neighbours import Neighbour, Neighbourhood
from rookery.annex.nearby.outgoing import to_send
from rookery.annex.nearby.plain import Settings, hard_links, require_plain, reserve, unlocked_keys
from rookery.annex.nearby.side_by_side import at_a_time, noted_in, side_by_side
from rookery.annex.outcome import Clock, Item, Listener, Outcome
from rookery.annex.store import is_present
from rookery.git.repo import Repo


class Sending(NamedTuple):
    """A copy that is ready to go.

    `there` are the keys that are taken for being at the other side, `bound`
    those of files that are unlocked somewhere.  With `links` content is shared
    with the other side.
    """

    repo: Repo
    to: Neighbour
    reserve: int
    links: bool
    there: frozenset[str]
    bound: frozenset[str]
    clock: Clock
    owed: knowledge.Owed | None

    def run(
        self, items: Iterable[Item], on_progress: Listener | None
    ) -> Generator[Outcome, None, list[Item]]:
        """Send what can be sent, yield each outcome, and return what is left to git-annex."""
        left, wanted = yield from to_send(self.repo, items, there=self.there, bound=self.bound)
        together = at_a_time(len(wanted))
        for start in range(0, len(wanted), together):
            left += yield from self._send(wanted[start : start + together], on_progress)
        return left

    def _send(
        self, items: Sequence[Item], on_progress: Listener | None
    ) -> Generator[Outcome, None, list[Item]]:
        left: list[Item] = []
        came: list[str] = []
        with placing.drafts(self.to.repo, self.to.shared) as folder:
            send = partial(self._sent, folder=folder, on_progress=on_progress)
            told = side_by_side(send, items, did=noted_in(came))
            try:
                for item, note in told:
                    if note is None:
                        left.append(item)
                    else:
                        yield Outcome(item.path, item.key, ok=True, note=note)
            finally:
                told.close()  # what was under way has come as well
                self._tell(came)
        return left

    def _tell(self, came: Sequence[str]) -> None:
        writers = [self.to.repo, self.repo] if self.owed is None else [self.repo]
        if self.owed is not None:
            self.owed.add(self.to.repo, self.to.uuid, came)
        knowledge.arrived(writers, self.to.repo, self.to.uuid, came, clock=self.clock)

    def _sent(self, item: Item, *, folder: str, on_progress: Listener | None) -> str | None:
        """Send one unless it is there, and give what is to be said of it; None if it could not be sent."""
        if is_present(self.to.repo, item.key):
            return ""
        source = object_here(self.repo, item.key)
        if source is None:
            return None
        heard = placing.listening(on_progress, item)
        try:
            placing.place(
                source,
                self.to.repo,
                item.key,
                folder=folder,
                reserve=self.reserve,
                heard=heard,
                link=self.links,
                shared=self.to.shared,
            )
        except (placing.Unplaced, OSError):
            if not is_present(self.to.repo, item.key):
                return None  # else it came, and what failed came after that
        return f"to {self.to.name}..."


def prepare(
    repo: Repo,
    settings: Settings,
    items: Sequence[Item],
    *,
    to: str,
    trust_log: bool,
    clock: Clock,
    owed: knowledge.Owed | None,
) -> Sending:
    """Look at both sides.  `trust_log`: what the log places there is not looked at.

    With `owed` the other side's branch is left to the caller.  Raises NotForUs,
    CommandError, OSError; nothing has been done then.
    """
    require_plain(repo, settings)
    require_plain_branch(repo, listed=settings)
    target = Neighbourhood(repo, settings).named(to)
    if target is None or target.readonly or identity.uuid(repo) is None:
        raise NotForUs(f"{to} is no neighbour that takes content")
    require_plain(target.repo, target.settings)
    require_plain_branch(target.repo, listed=target.settings)
    there = (
        branch.placed_at(repo, target.uuid, [item.key for item in items]) if trust_log else frozenset[str]()
    )
    bound = unlocked_keys(target.repo) | unlocked_keys(repo)
    return Sending(
        repo,
        target,
        reserve(target.settings),
        hard_links(settings, target.settings),
        there,
        bound,
        clock,
        owed,
    )
