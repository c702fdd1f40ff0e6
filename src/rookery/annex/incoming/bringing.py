"""Bringing contents here from where each of them is: noted before, told afterwards."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import NamedTuple, Protocol

from rookery.annex import identity
from rookery.annex.branch_writing import NotForUs
from rookery.annex.branch_writing import require_plain as require_plain_branch
from rookery.annex.incoming.arrival import Inlet
from rookery.annex.nearby import arrivals, knowledge, placing
from rookery.annex.nearby.plain import Settings, require_plain, reserve, shared_how, unlocked_keys
from rookery.annex.nearby.side_by_side import at_a_time
from rookery.annex.outcome import Clock, Item, Listener, Outcome
from rookery.annex.permissions import Permissions
from rookery.annex.store import is_present
from rookery.git.repo import Repo


class Came(Protocol):
    """What became of one content: an `Arrival`, or what is like it."""

    @property
    def item(self) -> Item:
        """Which."""

    @property
    def ok(self) -> bool:
        """Whether it is in the store now."""


class Source(Protocol):
    """Somebody who has contents."""

    @property
    def name(self) -> str:
        """The name of the remote."""

    def fetched(self, items: Sequence[Item], inlet: Inlet, heard: Listener | None) -> Iterator[Came]:
        """Yield what became of each item."""


class Here(NamedTuple):
    """The receiving side, which was found to be as git-annex would have it."""

    repo: Repo
    uuid: str
    settings: Settings
    reserve: int
    shared: Permissions


def here(repo: Repo, settings: Settings) -> Here:
    """Look at the receiving side.  Raises NotForUs, OSError."""
    require_plain(repo, settings)
    require_plain_branch(repo)
    uuid = identity.uuid(repo)
    if uuid is None:
        raise NotForUs("there is no annex here")
    return Here(repo, uuid, settings, reserve(settings), shared_how(settings))


class Bringing(NamedTuple):
    """A get that is ready to go: for each key where it is to come from."""

    here: Here
    sources: Mapping[str, Source]
    clock: Clock

    def run(
        self, items: Iterable[Item], on_progress: Listener | None
    ) -> Generator[Outcome, None, list[Item]]:
        """Get what can be had, yield each outcome, and return what is left to git-annex."""
        arrivals.settle(self.here.repo, clock=self.clock)
        unlocked = unlocked_keys(self.here.repo)
        left: list[Item] = []
        todo: dict[str, Item] = {}
        for item in items:
            fits = item.key in self.sources and item.key not in unlocked and item.key not in todo
            if fits and placing.checkable(item.key):
                todo[item.key] = item
            else:
                left.append(item)  # another name of a key too: git-annex says nothing of it when it is here
        wanted = list(todo.values())
        together = at_a_time(len(wanted))
        for start in range(0, len(wanted), together):
            left += yield from self._bring(wanted[start : start + together], on_progress)
        return left

    def _bring(
        self, items: Sequence[Item], on_progress: Listener | None
    ) -> Generator[Outcome, None, list[Item]]:
        repo = self.here.repo
        left: list[Item] = []
        came: list[str] = []
        groups: dict[Source, list[Item]] = {}
        with ExitStack() as stack:
            stack.enter_context(arrivals.noted(repo, [item.key for item in items]))
            folder = stack.enter_context(placing.drafts(repo, self.here.shared))
            inlet = Inlet(repo, folder, self.here.reserve, self.here.shared)
            try:
                for item in items:
                    if is_present(repo, item.key):
                        yield Outcome(item.path, item.key, ok=True, silent=True)
                    else:
                        groups.setdefault(self.sources[item.key], []).append(item)
                for source, some in groups.items():
                    for arrival in source.fetched(some, inlet, on_progress):
                        # It may be shown although something failed, and git-annex would say nothing of it.
                        if not arrival.ok and not is_present(repo, arrival.item.key):
                            left.append(arrival.item)
                            continue
                        came.append(arrival.item.key)
                        note = f"from {source.name}..."
                        yield Outcome(arrival.item.path, arrival.item.key, ok=True, note=note)
            finally:
                knowledge.arrived([repo], repo, self.here.uuid, came, clock=self.clock)
        return left
