"""`drop` of content that neighbours have: proven by locking their copies, not by what the log says.

The order is git-annex's, but for one thing: that the content is gone is
written down first, for all keys together, so that a killed process leaves
content of which nobody knows, and never a claim without content.  What could
not go after all is put back into the log.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from typing import NamedTuple

from rookery.annex import branch, identity, remotes
from rookery.annex.branch_writing import NotForUs, record_presence
from rookery.annex.branch_writing import require_plain as require_plain_branch
from rookery.annex.logs import parse_by_uuid
from rookery.annex.nearby import arrivals, content_locks, knowledge
from rookery.annex.nearby.neighbours import Neighbour, Neighbourhood
from rookery.annex.nearby.plain import Names, Settings, names_in_index, require_plain
from rookery.annex.nearby.removal import Removal, copy_at
from rookery.annex.numcopies import copies_of_keys, required_copies
from rookery.annex.outcome import Clock, Item, Outcome
from rookery.annex.places import read_places
from rookery.annex.store import is_present
from rookery.annex.wishes import required_keys
from rookery.core.errors import CommandError, LostRaceError
from rookery.git.repo import Repo


class Dropping(NamedTuple):
    """A drop that is ready to go: for each key how many copies must be proven, and the neighbours who may do it."""

    repo: Repo
    here: str
    needed: Mapping[str, int]
    keepers: Mapping[str, Sequence[Neighbour]]
    names: Names
    clock: Clock

    def run(self, items: Iterable[Item]) -> Generator[Outcome, None, list[Item]]:
        """Drop what can safely go, yield each outcome, and return what is left to git-annex."""
        arrivals.settle(self.repo, clock=self.clock)
        left: list[Item] = []
        todo: list[Item] = []
        for item in items:
            (todo if self._may_go(item.key) else left).append(item)
        keys = list(dict.fromkeys(item.key for item in todo))
        with arrivals.noted(self.repo, keys):  # if we are killed, what has stayed is put back into the log
            try:
                record_presence(self.repo, [(key, self.here, False) for key in keys], now=self.clock())
            except (NotForUs, LostRaceError, CommandError):
                return [*left, *todo]
            left += yield from self._drop(todo, keys)
        return left

    def _drop(self, todo: Sequence[Item], keys: Sequence[str]) -> Generator[Outcome, None, list[Item]]:
        left: list[Item] = []
        gone: set[str] = set()
        try:
            with Removal(self.repo, self.needed, self.keepers) as removal:
                told = removal.each(keys)
                seen: set[str] = set()
                for item in todo:
                    again = item.key in seen
                    seen.add(item.key)
                    if not again and next(told)[1]:
                        gone.add(item.key)
                        yield Outcome(item.path, item.key, ok=True)
                    elif item.key in gone:
                        yield Outcome(item.path, item.key, ok=True, silent=True)
                    else:
                        left.append(item)
        finally:
            stayed = [key for key in keys if key not in gone]
            knowledge.arrived([self.repo], self.repo, self.here, stayed, clock=self.clock)
            # Again: a get that ended meanwhile may have written down that it had come.
            away = [key for key in gone if not is_present(self.repo, key)]
            knowledge.told(self.repo, self.here, away, present=False, clock=self.clock)
        return left

    def _may_go(self, key: str) -> bool:
        """Say whether it looks as if a key could go; it is proven later."""
        place = content_locks.object_here(self.repo, key)
        if place is None or "\n" in key or key in self.names.unlocked:
            return False
        name = os.path.basename(place)
        try:
            beside = set(os.listdir(os.path.dirname(place)))
        except OSError:
            return False
        if beside - {name, name + content_locks.SUFFIX}:
            return False
        having = sum(copy_at(keeper, key, place) is not None for keeper in self.keepers.get(key, ()))
        return having >= self.needed[key]


def prepare(repo: Repo, settings: Settings, items: Sequence[Item], *, force: bool, clock: Clock) -> Dropping:
    """Find out who could prove to have what.  Raises NotForUs, CommandError, OSError; nothing has been done then."""
    require_plain(repo, settings)
    require_plain_branch(repo)
    here = identity.uuid(repo)
    if here is None:
        raise NotForUs("there is no annex here")
    keys = list(dict.fromkeys(item.key for item in items))
    names = names_in_index(repo)
    if force:
        return Dropping(repo, here, dict.fromkeys(keys, 0), {}, names, clock)
    around = Neighbourhood(repo, settings)
    around.require_known()
    keepers = _keepers(repo, around, keys, here, names)
    if not any(keepers.values()):
        raise NotForUs("no neighbour is said to have any of it")
    overall = required_copies(repo)
    pairs = [(path, key) for key in keys for path in names.paths.get(key, ())]
    rules = copies_of_keys(repo, pairs)
    needed = {key: max(1, rules.get(key, overall).elsewhere) for key in keys}
    return Dropping(repo, here, needed, keepers, names, clock)


def _keepers(
    repo: Repo, around: Neighbourhood, keys: Sequence[str], here: str, names: Names
) -> dict[str, Sequence[Neighbour]]:
    logs = {branch.log_name(key): key for key in keys}
    texts = branch.texts(repo, [*logs, "trust.log", "required-content.log"])
    required = parse_by_uuid(texts.pop("required-content.log", ""))[0].get(here)
    bound: Collection[str] = ()
    if required is not None and required.value.strip():
        bound = _required(repo, keys, here, names)
    judged = remotes.parse_trust(texts.pop("trust.log", ""))
    found = branch.parse_locations(keys, {logs[name]: text for name, text in texts.items()})
    by_uuid = {r.uuid: r.name for r in around.remotes.values() if r.uuid and not r.ignored}
    choices: dict[frozenset[str], Sequence[Neighbour]] = {}
    keepers = {}
    for key, places in found.items():
        if key in bound:
            continue  # git-annex says why it stays
        having = frozenset(p.uuid for p in places if p.present and p.uuid in by_uuid)
        if having not in choices:
            choices[having] = _trustworthy(around, [by_uuid[uuid] for uuid in sorted(having)], judged)
        keepers[key] = choices[having]
    return keepers


def _required(repo: Repo, keys: Sequence[str], here: str, names: Names) -> Collection[str]:
    """Give the keys that must stay here, or may have to.  Raises NotForUs."""
    paths = {key: names.paths.get(key, ()) for key in keys}
    found = required_keys(repo, here, paths, read_places(repo, keys))
    if found is None:
        raise NotForUs("only git-annex can tell what is required here")
    return found | {key for key in keys if not paths[key]}


def _trustworthy(
    around: Neighbourhood, names: Collection[str], judged: Mapping[str, remotes.Trust]
) -> list[Neighbour]:
    found = (around.find(name) for name in names)
    return [n for n in found if n is not None and judged.get(n.uuid, "semitrusted") == "semitrusted"]
