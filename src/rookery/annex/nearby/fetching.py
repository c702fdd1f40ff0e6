"""`get` from a repository on this machine."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

from rookery.annex import identity
from rookery.annex.branch_writing import NotForUs
from rookery.annex.branch_writing import require_plain as require_plain_branch
from rookery.annex.choosing import by_log
from rookery.annex.nearby import arrivals, knowledge, placing
from rookery.annex.nearby.content_locks import object_here
from rookery.annex.nearby.neighbours import Neighbour, Neighbourhood, require_known
from rookery.annex.nearby.plain import (
    Settings,
    hard_links,
    require_plain,
    reserve,
    shared_how,
    unlocked_keys,
)
from rookery.annex.nearby.side_by_side import at_a_time, noted_in, side_by_side
from rookery.annex.outcome import Clock, Item, Listener, Outcome
from rookery.annex.permissions import Permissions
from rookery.annex.store import is_present
from rookery.git.repo import Repo


class Fetching(NamedTuple):
    """A get that is ready to go: for each key the neighbours to try, in order; `unlocked` keys are not ours.

    With `links` content is shared with whom it comes from.
    """

    repo: Repo
    here: str
    reserve: int
    shared: Permissions
    links: bool
    sources: Mapping[str, Sequence[Neighbour]]
    unlocked: frozenset[str]
    clock: Clock

    def run(
        self, items: Iterable[Item], on_progress: Listener | None
    ) -> Generator[Outcome, None, list[Item]]:
        """Get what can be had, yield each outcome, and return what is left to git-annex."""
        arrivals.settle(self.repo, clock=self.clock)
        left: list[Item] = []
        todo: list[Item] = []
        for item in items:
            fits = self.sources.get(item.key) and item.key not in self.unlocked
            (todo if fits and placing.checkable(item.key) else left).append(item)
        together = at_a_time(len(todo))
        for start in range(0, len(todo), together):
            left += yield from self._bring(todo[start : start + together], on_progress)
        return left

    def _bring(
        self, items: Sequence[Item], on_progress: Listener | None
    ) -> Generator[Outcome, None, list[Item]]:
        left: list[Item] = []
        came: list[str] = []
        with ExitStack() as stack:
            stack.enter_context(arrivals.noted(self.repo, [item.key for item in items]))
            folder = stack.enter_context(placing.drafts(self.repo, self.shared))
            firsts = {item.key: item for item in reversed(items)}  # a key is brought for its first path
            once = [item for item in items if firsts[item.key] is item]
            bring = partial(self._from_first, folder=folder, on_progress=on_progress)
            told = side_by_side(bring, once, did=noted_in(came))
            try:
                notes: dict[str, str | None] = {}
                for item in items:
                    if item.key not in notes:
                        note = notes[item.key] = next(told)[1]
                    elif note := notes[item.key]:
                        note = ""  # it is here by now
                    if note is None:
                        left.append(item)
                        continue
                    yield Outcome(item.path, item.key, ok=True, note=note, silent=not note)
            finally:
                told.close()  # what was under way has come as well
                knowledge.arrived([self.repo], self.repo, self.here, came, clock=self.clock)
        return left

    def _from_first(self, item: Item, *, folder: str, on_progress: Listener | None) -> str | None:
        """Get a key from the first neighbour that is said to have it, and give what is to be said of it.

        Nothing is said of what is here already, and None given where it fails: git-annex tries them all.
        """
        if is_present(self.repo, item.key):
            return ""
        giver = self.sources[item.key][0]
        source = object_here(giver.repo, item.key)
        if source is None:
            return None
        heard = placing.listening(on_progress, item)
        link = self.links or hard_links(giver.settings)
        try:
            placing.place(
                source,
                self.repo,
                item.key,
                folder=folder,
                reserve=self.reserve,
                heard=heard,
                link=link,
                shared=self.shared,
            )
        except (placing.Unplaced, OSError):
            if not is_present(self.repo, item.key):
                return None  # else it came, and what failed came after that
        return f"from {giver.name}..."


def prepare(
    repo: Repo, settings: Settings, items: Sequence[Item], *, source: str | None, clock: Clock
) -> Fetching:
    """Find out who has what.  Raises NotForUs, CommandError, OSError; nothing has been done then."""
    require_plain(repo, settings)
    require_plain_branch(repo)
    here = identity.uuid(repo)
    if here is None:
        raise NotForUs("there is no annex here")
    around = Neighbourhood(repo, settings)
    keys = list(dict.fromkeys(item.key for item in items))
    sources: Mapping[str, Sequence[Neighbour]]
    if source is not None:
        giver = around.named(source)
        if giver is None:
            raise NotForUs(f"{source} is no neighbour")
        sources = {key: [giver] for key in keys}
    else:
        require_known(around.remotes)
        sources = by_log(repo, keys, around.in_order)
    if not any(sources.values()):
        raise NotForUs("no neighbour is said to have any of it")
    return Fetching(
        repo,
        here,
        reserve(settings),
        shared_how(settings),
        hard_links(settings),
        sources,
        unlocked_keys(repo),
        clock,
    )
