"""`drop` of content that others have: proven by locking their copies, not by what the log says.

The order is git-annex's, but for one thing: that the content is gone is
written down first, for all keys together, so that a killed process leaves
content of which nobody knows, and never a claim without content.  What could
not go after all is put back into the log.
"""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from typing import NamedTuple, Protocol

from rookery.annex import branch, identity, remotes
from rookery.annex.branch_writing import NotForUs, record_presence
from rookery.annex.branch_writing import require_plain as require_plain_branch
from rookery.annex.keys import parse_key, size_of
from rookery.annex.logs import parse_by_uuid
from rookery.annex.nearby import arrivals, content_locks, knowledge
from rookery.annex.nearby.neighbours import Neighbour, Neighbourhood, require_known
from rookery.annex.nearby.plain import Names, Settings, names_in_index, require_plain, shared_how
from rookery.annex.nearby.roaming import Locks
from rookery.annex.numcopies import copies_of_keys, required_copies
from rookery.annex.outcome import Clock, Item, Outcome
from rookery.annex.permissions import Permissions
from rookery.annex.places import read_places
from rookery.annex.store import is_present
from rookery.annex.wishes import required_keys
from rookery.core import many, pool
from rookery.core.errors import CommandError, LockedError, LostRaceError, RookeryError
from rookery.git.repo import Repo

# A promise to keep content holds for ten minutes (git-annex's shortest); one that took half of them proves nothing.
PROMISED = 300.0


class Keeper(Protocol):
    """Another place that can prove to have a content, and keep it while ours goes."""

    @property
    def note(self) -> str:
        """What git-annex says about it when it keeps a content."""

    def may_have(self, key: str, mine: os.stat_result) -> bool:
        """Say whether it looks as if the place had the content, apart from our own file `mine`."""

    def at_once(self, number: int) -> int:
        """Give how many contents it can keep at the same time, of so many that are to go; 0 if nobody is waited for."""

    def kept(self, key: str, mine: os.stat_result) -> AbstractContextManager[None]:
        """Have it kept for the block.  Raises NotKept, other RookeryErrors or OSError if that is not certain."""


class _Attempt:
    """One drop: what was said by those who keep a copy, and by those who do not."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.gone = False
        self.notes: list[str] = []
        self.refusals: list[str] = []

    def outcome(self, item: Item) -> Outcome | None:
        """Give what became of it; None if git-annex is to try.

        Where a place would not keep its copy git-annex drops ours all the same
        if the content is there at that moment (10.20261026, siblings that are
        not on this machine), and so both may go.
        """
        if self.gone:
            return Outcome(item.path, self.key, ok=True, note="\n".join(filter(None, self.notes)))
        if self.refusals:
            return Outcome(item.path, self.key, ok=False, errors=tuple(self.refusals))
        return None


Keepers = Callable[[str], Keeper | None]
"""From the name of a remote to what proves a copy there; None if only git-annex can."""


class _Copies(NamedTuple):
    """How many copies of keys must be proven: most often of all the same number."""

    usual: int
    others: Mapping[str, int]

    def of(self, key: str) -> int:
        """Give the number for one key."""
        return self.others.get(key, self.usual)


class Dropping(NamedTuple):
    """A drop that is ready to go: for each key how many copies must be proven, and who may do it."""

    repo: Repo
    here: str
    needed: _Copies
    keepers: Mapping[str, Sequence[Keeper]]
    unlocked: Collection[str]
    shared: Permissions
    locks: Locks
    clock: Clock

    def run(self, items: Iterable[Item]) -> Generator[Outcome, None, list[Item]]:
        """Drop what can safely go, yield each outcome, and return what is left to git-annex."""
        arrivals.settle(self.repo, clock=self.clock)
        left: list[Item] = []
        todo: list[Item] = []
        wanted = list(items)
        for item, may_go in zip(wanted, self._look([item.key for item in wanted]), strict=True):
            (todo if may_go else left).append(item)
        del wanted
        keys = list(dict.fromkeys(item.key for item in todo))
        with arrivals.noted(self.repo, keys):  # if we are killed, what has stayed is put back into the log
            try:
                said = record_presence(self.repo, ((key, self.here, False) for key in keys), now=self.clock())
            except (NotForUs, LostRaceError, CommandError):
                return [*left, *todo]
            left += yield from self._drop(todo, keys, said)
        return left

    def _drop(
        self, todo: Sequence[Item], keys: Sequence[str], said: str | None
    ) -> Generator[Outcome, None, list[Item]]:
        left: list[Item] = []
        gone: set[str] = set()
        first = {item.key: item for item in reversed(todo)}
        try:
            for attempt in self._attempts(keys):
                item = first[attempt.key]
                if attempt.gone:
                    gone.add(attempt.key)
                if (outcome := attempt.outcome(item)) is not None:
                    yield outcome
                else:
                    left.append(item)
            for item in todo:
                if item is first[item.key]:
                    continue
                if item.key in gone:
                    yield Outcome(item.path, item.key, ok=True, silent=True)
                else:
                    left.append(item)
        finally:
            stayed = [key for key in keys if key not in gone]
            knowledge.arrived([self.repo], self.repo, self.here, stayed, clock=self.clock)
            # Again: a get that ended meanwhile may have written down that it had come.
            away = [key for key in gone if not is_present(self.repo, key)]
            knowledge.told(self.repo, self.here, away, present=False, clock=self.clock, said=said)
        return left

    def _look(self, keys: Sequence[str]) -> Iterator[bool]:
        """Say of each key whether it looks as if it could go."""
        if any(keeper.at_once(1) for keeper in self._all_keepers(keys)):
            return map(self._may_go, keys)  # one is far away: a connection is no copy's
        return many.in_parts(lambda part: [self._may_go(key) for key in part], keys)

    def _all_keepers(self, keys: Iterable[str]) -> list[Keeper]:
        return list({id(keeper): keeper for key in keys for keeper in self.keepers.get(key, ())}.values())

    def _may_go(self, key: str) -> bool:
        """Say whether it looks as if a key could go; it is proven later."""
        found = content_locks.find(self.repo, key)
        if found is None or "\n" in key or key in self.unlocked:
            return False
        folder, _, name = found.place.rpartition("/")
        try:
            beside = os.listdir(folder)
        except OSError:
            return False
        if any(other not in (name, name + content_locks.SUFFIX) for other in beside):
            return False
        having = (keeper for keeper in self.keepers.get(key, ()) if keeper.may_have(key, found.seen))
        # No more are asked than are needed: some are far away.
        return sum(1 for _ in itertools.islice(having, self.needed.of(key))) >= self.needed.of(key)

    def _attempts(self, keys: Sequence[str]) -> Iterator[_Attempt]:
        """Try to drop each key, several at once: in order where nobody far away is asked, else as they come."""
        at_once = max((keeper.at_once(len(keys)) for keeper in self._all_keepers(keys)), default=0)
        with closing(self.locks):
            if at_once:
                yield from pool.as_they_come(
                    lambda key: (self._attempt(one) for one in (key,)),
                    keys,
                    at_once=at_once,
                    stop=lambda: None,
                )
                return
            yield from many.each_in_order(self._attempt, keys, at_end=self.locks.close)

    def _attempt(self, key: str) -> _Attempt:
        attempt = _Attempt(key)
        attempt.gone = self._dropped(attempt)
        return attempt

    def _dropped(self, attempt: _Attempt) -> bool:
        key = attempt.key
        place = content_locks.object_here(self.repo, key)
        if place is None:
            return False
        try:
            with self.locks.removable(self.repo, place, self.shared), ExitStack() as locks:
                begun = self.clock()
                proven = self._proven(attempt, os.lstat(place), locks)
                if proven < self.needed.of(key) or self.clock() - begun > PROMISED:
                    return False
                _unlinked(place, self.shared)
        except (LockedError, OSError):
            return not os.path.lexists(place)  # gone all the same: only a lock file could not be taken away
        with suppress(OSError):  # other keys are filed there, or somebody is about to bring content
            folder = os.path.dirname(os.path.dirname(place))
            os.rmdir(folder)
            os.rmdir(os.path.dirname(folder))
        return True

    def _proven(self, attempt: _Attempt, mine: os.stat_result, locks: ExitStack) -> int:
        """Lock as many copies as are needed, for as long as `locks` is open, and give their number."""
        count = 0
        for keeper in self.keepers.get(attempt.key, ()):
            if count >= self.needed.of(attempt.key):
                break
            try:
                locks.enter_context(keeper.kept(attempt.key, mine))
            except content_locks.NotKept as e:
                attempt.refusals.append(e.message)
            except (RookeryError, OSError):
                continue
            else:
                attempt.notes.append(keeper.note)
                count += 1
        return count


class NextDoor(NamedTuple):
    """A neighbour as a keeper."""

    neighbour: Neighbour
    locks: Locks

    @property
    def note(self) -> str:
        """Give nothing: git-annex does not say whom it locks on this machine."""
        return ""

    def may_have(self, key: str, mine: os.stat_result) -> bool:
        """Look at the neighbour's object."""
        return self._copy(key, mine) is not None

    def at_once(self, number: int) -> int:  # noqa: ARG002 - it takes no time
        """Give none: nothing is waited for."""
        return 0

    @contextmanager
    def kept(self, key: str, mine: os.stat_result) -> Iterator[None]:
        """Lock the neighbour's object."""
        copy = self._copy(key, mine)
        if copy is None:
            raise LockedError(f"{self.neighbour.name} does not have {key}")
        with self.locks.kept(self.neighbour.repo, copy.place, self.neighbour.shared):
            # Anew: it may have gone, or been replaced, before it was locked.
            if not _is_copy(os.lstat(copy.place), key, mine):
                raise LockedError(f"{key} went before it was locked")
            yield

    def _copy(self, key: str, mine: os.stat_result) -> content_locks.Found | None:
        found = content_locks.find(self.neighbour.repo, key)
        return found if found is not None and _is_copy(found.seen, key, mine) else None


def _is_copy(seen: os.stat_result, key: str, mine: os.stat_result) -> bool:
    """Say whether an object is a plain file, complete, and not our own file once more."""
    if not stat.S_ISREG(seen.st_mode) or os.path.samestat(seen, mine):
        return False
    size = size_of(key)
    return seen.st_size == size if size is not None else parse_key(key) is not None


def _unlinked(place: str, shared: Permissions) -> None:
    """Remove an object whose folder is thawed, but for somebody who tried to lock it and froze it again."""
    try:
        os.unlink(place)
    except PermissionError:
        with content_locks.thawed(os.path.dirname(place), shared):
            os.unlink(place)


def prepare(
    repo: Repo, settings: Settings, items: Sequence[Item], *, force: bool, afar: Keepers, clock: Clock
) -> Dropping:
    """Find out who could prove to have what; `afar` knows those who are no neighbours.

    Raises NotForUs, CommandError, OSError; nothing has been done then.
    """
    require_plain(repo, settings)
    require_plain_branch(repo)
    here = identity.uuid(repo)
    if here is None:
        raise NotForUs("there is no annex here")
    keys = list(dict.fromkeys(item.key for item in items))
    names = names_in_index(repo, keys)
    shared = shared_how(settings)
    if force:
        return Dropping(repo, here, _Copies(0, {}), {}, names.unlocked, shared, Locks(), clock)
    around = Neighbourhood(repo, settings)
    require_known(around.remotes)
    locks = Locks()
    keepers = _keepers(around, _Question(repo, here, keys, names), afar, locks)
    if not any(keepers.values()):
        raise NotForUs("nobody whom we can ask is said to have any of it")
    overall = required_copies(repo)
    pairs = ((path, key) for key in keys for path in names.paths.get(key, ()))
    rules = copies_of_keys(repo, pairs)
    usual = max(1, overall.elsewhere)
    others = {key: copies for key, rule in rules.items() if (copies := max(1, rule.elsewhere)) != usual}
    return Dropping(repo, here, _Copies(usual, others), keepers, names.unlocked, shared, locks, clock)


class _Question(NamedTuple):
    """Which keys are to go from which place, and what they are called there."""

    repo: Repo
    here: str
    keys: Sequence[str]
    names: Names

    def required(self) -> Collection[str]:
        """Give the keys that must stay, or may have to: git-annex says why they do.  Raises NotForUs."""
        paths = {key: self.names.paths.get(key, ()) for key in self.keys}
        found = required_keys(self.repo, self.here, paths, read_places(self.repo, self.keys))
        if found is None:
            raise NotForUs("only git-annex can tell what is required here")
        return found | {key for key in self.keys if not paths[key]}


def _keepers(
    around: Neighbourhood, question: _Question, afar: Keepers, locks: Locks
) -> dict[str, Sequence[Keeper]]:
    keys = question.keys
    texts = branch.about(question.repo, keys, others=("trust.log", "required-content.log"))
    required = parse_by_uuid(texts.others.get("required-content.log", ""))[0].get(question.here)
    bound = question.required() if required is not None and required.value.strip() else ()
    judged = remotes.parse_trust(texts.others.get("trust.log", ""))
    found = branch.parse_locations(keys, texts.logs[".log"])
    by_uuid = {r.uuid: r.name for r in around.remotes.values() if r.uuid and not r.ignored}
    trusted = {
        uuid: name for uuid, name in by_uuid.items() if judged.get(uuid, "semitrusted") == "semitrusted"
    }
    choices: dict[frozenset[str], Sequence[Keeper]] = {}
    keepers = {}
    for key, places in found.items():
        if key in bound:
            continue
        having = frozenset(p.uuid for p in places if p.present and p.uuid in trusted)
        if having not in choices:
            names = [name for uuid, name in trusted.items() if uuid in having]
            next_door = [NextDoor(n, locks) for name in names if (n := around.find(name)) is not None]
            elsewhere = [k for name in names if around.find(name) is None and (k := afar(name)) is not None]
            choices[having] = [*next_door, *elsewhere]
        keepers[key] = choices[having]
    return keepers
