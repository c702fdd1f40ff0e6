"""A deposit that many write to and whose pushes cost their change: the exchange on a store and a repository."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from rookery.core.errors import LockedError, RookeryError
from rookery.deposit.protocol import compaction, exchange, origin, packs, records, state
from rookery.deposit.protocol.exchange import (
    Identify,
    Outcome,
    Pack,
    Packed,
    Present,
    Remember,
    Update,
    Write,
)
from rookery.deposit.protocol.ledger import Ledger
from rookery.deposit.protocol.look import Look, Pause, Read, Setup, look
from rookery.deposit.protocol.packs import Quarantine
from rookery.deposit.protocol.records import Identity, Record
from rookery.deposit.protocol.state import State
from rookery.deposit.terms.store import Damaged, Store
from rookery.deposit.transport import locks
from rookery.deposit.transport.locks import Exclusive, Held, LockLost, Policy
from rookery.git.objects import stat_many
from rookery.git.repo import Repo

Answer = TypeVar("Answer")

# How often somebody else's lock is looked at before the push is refused: some seconds in all.
PATIENCE = 8


class Options(NamedTuple):
    """How a deposit is used.

    `pause` waits for some seconds; `another` allows to push another repository
    into the deposit (`dlaforeign=yes`); `legacy_name` is the object with the legacy
    `refs`, None where nobody is to look at it.
    """

    pause: Callable[[float], None]
    lock: Exclusive | None = None
    lock_policy: Policy = Policy.AUTO
    part_size: int = packs.PART_SIZE
    another: bool = False
    legacy_name: str | None = None
    tool: str = "rookery"


class LegacyMoved(RookeryError):
    """A peer has pushed to the legacy pair since its objects were brought; nothing was changed."""


class V2Deposit:
    """One deposit, seen by one writer.

    `repo` is the mirror: objects come into it, and packs are made from it.
    `source` is the user's repository, if there is one, which says what history is ours.
    `folder` is for what the writer remembers; one process at a time works in it.
    """

    def __init__(
        self,
        store: Store,
        repo: Repo,
        writer: str,
        *,
        folder: Path,
        clock: Callable[[], float],
        options: Options,
        source: Repo | None = None,
    ) -> None:
        if not records.is_writer(writer):
            raise ValueError(f"{writer!r} is no id of a writer: 4 to 40 letters a-z and digits")
        self.store = store
        self.repo = repo
        self.writer = writer
        self.clock = clock
        self.options = options
        self.ledger = Ledger(folder, writer)
        self._source = source
        folder.mkdir(parents=True, exist_ok=True)

    # --- what is there ---------------------------------------------------------------------------

    def look(self, *, reading: bool = False) -> Look:
        """Read the whole state of the deposit; records that are known are not read again.

        Who is only `reading` goes on without registers of others that are torn or lost: see `lost`.
        """
        setup = self.setup(self.repo)
        setup.remembered = self._remembered if reading else None
        seen: Look = self.drive(look(setup), self.repo)
        if not seen.writers <= setup.memory.writers:
            self.ledger.remember(setup.memory._replace(writers=setup.memory.writers | seen.writers))
        if not seen.lost:
            self.ledger.keep_only(seen.records.keys())
        return seen

    def _remembered(self) -> dict[str, Record]:
        raws = self.ledger.all_records()
        return {name: records.parse_record(raw, name) for name, raw in raws.items()}

    def state(self) -> State:
        """Say what the deposit is; EMPTY if there is none.  Raises Unreadable, Damaged, TooNew."""
        return self.look().state

    def bring_objects(self, wanted: State | None = None, *, into: Repo | None = None) -> int:
        """Bring all objects behind the refs into the mirror; give how many parts that took.

        Nothing is brought that the mirror can borrow; what is brought is checked as
        `transfer.fsckObjects` would, and appears only when everything is there.
        """
        repo, wanted = into or self.repo, wanted or self.state()
        if not packs.lacking(repo, wanted.values.values()):
            self.ledger.keep_parts(wanted.parts)
            return 0
        known = self.ledger.parts()
        new = [name for name in wanted.parts if name not in known]
        try:
            taken = self._take_in(repo, wanted, new)
        except Damaged:
            if len(new) == len(wanted.parts):
                raise
            # What was here once is gone: the user's repository has thrown it away.
            taken = self._take_in(repo, wanted, list(wanted.parts))
        self.ledger.keep_parts(wanted.parts)
        return taken

    def _take_in(self, repo: Repo, wanted: State, names: list[str]) -> int:
        with packs.quarantine(repo) as inside:
            for name in names:
                self.bring_part(name, inside)
            inside.release(wanted.values.values())
        self.ledger.forget_arrived()
        return len(names)

    def bring_part(self, name: str, inside: Quarantine) -> None:
        """Bring one part into a quarantine; what has arrived stays here until all of it is in, for the next try.

        Raises Damaged if the deposit has lost it, or has something else under its name.
        """
        path = self.ledger.arriving(name)
        whole = path.exists() and packs.file_name(path) == name
        if not whole and not self.store.fetch(name, path):
            raise Damaged(f"the deposit has lost the part {name}", hints=records.REPAIR)
        try:
            inside.add(name, path)
        except Damaged:
            path.unlink()
            raise

    # --- pushing ---------------------------------------------------------------------------------

    def push(self, update: Update, *, repo: Repo | None = None) -> Outcome:
        """Bring an update into the deposit; `repo` has its objects, if not the mirror.

        Raises AnotherRepository, LockedError, and what the store raises; then nothing is changed.
        """
        outcome = self.run(update, repo or self.repo, self._packed)
        if isinstance(outcome, exchange.Pushed):
            self.ledger.keep_parts(self.ledger.parts() | set(outcome.parts))
            self.ledger.forget_stored()
        return outcome

    def tidy(self, known: State | None = None) -> Outcome | None:
        """Put small parts together if there are too many; None if it is not due.

        `known` is the state after a push, which saves a look.  To be called when
        that push is done and told: a failure here is none of the push.
        """
        if not compaction.due((known or self.state()).parts, part_size=self.options.part_size):
            return None
        outcome = self.run(Update(parts_only=True), self.repo, self._rolled_up)
        self.ledger.forget_stored()
        return outcome

    def run(self, update: Update, repo: Repo, pack: Callable[[Pack, Repo], Packed]) -> Outcome:
        """Make the steps of a push, under the lock if there is one; `pack` makes the parts."""
        with self.exclusive():
            outcome: Outcome = self.drive(exchange.push(update, self.setup(repo)), repo, pack)
        return outcome

    def _packed(self, wish: Pack, repo: Repo) -> Packed:
        wants = [c.new for c in wish.update.changes if c.new is not None]
        legacy = list(_legacy_refs(wish.base).values())
        if None in stat_many(repo, legacy):
            raise LegacyMoved(
                "somebody has pushed to the deposit meanwhile", hints=["git fetch, then push again"]
            )
        wants += legacy  # no part has these: they came with the legacy archive
        haves = [entry.value for entry in wish.base.refs.values() if entry.dot.writer != state.LEGACY]
        made = packs.make(repo, wants, haves, self.ledger.spool, part_size=self.options.part_size)
        return Packed(tuple(made))

    def _rolled_up(self, wish: Pack, repo: Repo) -> Packed:
        """Make one part of several, out of themselves: what they hold need not be here any more."""
        names = compaction.due(wish.base.parts, part_size=self.options.part_size)
        if not names:
            return Packed()
        with packs.quarantine(repo) as inside:
            ids: dict[str, None] = {}
            for name in wish.base.parts:
                if name in names:
                    self.bring_part(name, inside)
                    ids |= dict.fromkeys(inside.objects(name))
            made = packs.pack_objects(inside.repo, ids, self.ledger.spool, part_size=self.options.part_size)
        self.ledger.forget_arrived()
        if names <= self.ledger.parts():
            self.ledger.keep_parts(self.ledger.parts() | {part.name for part in made})
        return Packed(tuple(made), names)

    # --- the machinery ---------------------------------------------------------------------------

    def setup(self, repo: Repo) -> Setup:
        """Give what the exchange needs to know."""
        return Setup(
            writer=self.writer,
            memory=self.ledger.memory(),
            is_ancestor=lambda one, other: origin.ancestry(repo, one, other),
            now=int(self.clock()),
            tool=self.options.tool,
            legacy_name=self.options.legacy_name,
        )

    def drive(
        self,
        steps: Generator[Any, Any, Answer],
        repo: Repo,
        pack: Callable[[Pack, Repo], Packed] = lambda *_: Packed(),
    ) -> Answer:
        """Do what the steps ask for; what fails is raised inside them, so that they can take back what they did."""
        try:
            request = next(steps)
            while True:
                try:
                    answer = self._do(request, repo, pack)
                except RookeryError as e:
                    request = steps.throw(e)
                else:
                    request = steps.send(answer)
        except StopIteration as end:
            answer_at_the_end: Answer = end.value
            return answer_at_the_end

    def _do(self, request: Any, repo: Repo, pack: Callable[[Pack, Repo], Packed]) -> Any:
        match request:
            case Read(names):
                return self._read(names)
            case Write(name, content):
                self._refresh_lock()
                self.store.write(name, content)
                if isinstance(content, Path):
                    self.ledger.keep_stored(name)
                elif name.startswith("SHA256-"):
                    self.ledger.keep_record(name, content)
                return None
            case Present(names):
                # What others left under a name may be half an upload: only what we saw through counts.
                ours = [name for name in names if name in self.ledger.stored()]
                return self.store.present(ours) if ours else {}
            case Identify(update, base):
                return self._identify(update, base, repo)
            case Pack():
                return pack(request, repo)
            case Remember(memory):
                return self.ledger.remember(memory)
            case Pause(turn):
                return self.options.pause(turn * (0.1 + random.random() * 0.4))
        raise TypeError(f"the exchange asked for {request!r}")

    def _read(self, names: tuple[str, ...]) -> dict[str, bytes | None]:
        """Read objects; those that cannot change, and were read before, from here."""
        found: dict[str, bytes | None] = {}
        for name in names:
            if name.startswith("SHA256-") and (raw := self.ledger.record(name)) is not None:
                found[name] = raw
        rest = [name for name in names if name not in found]
        for name, raw in (self.store.read(rest) if rest else {}).items():
            found[name] = raw
            if raw is not None and name.startswith("SHA256-"):
                self.ledger.keep_record(name, raw)
        return found

    def _identify(self, update: Update, base: State, repo: Repo) -> Identity:
        """Tell whether it is the same repository; a plain advance of a branch needs no walk to the roots."""
        new = origin.branches({c.ref: c.new for c in update.changes if c.new is not None})
        old = {c.ref: c.old for c in update.changes if c.old is not None}
        advances = any(ref in old and origin.ancestry(repo, old[ref], sha) for ref, sha in new.items())
        if base.identity.roots and (advances or update.parts_only):
            return base.identity
        deposit = base.identity
        if not base.heads and base.refs:  # a legacy deposit, which says nothing of itself
            deposit = origin.identity_of(repo, origin.branches(_legacy_refs(base)).values())
        ours = origin.identity_of(repo, new.values())
        whole = ours
        if not new and self._source is not None:  # git-annex's branch comes first: whose is it?
            heads = self._source.text("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads")
            mine = dict(line.split(" ", 1) for line in heads.splitlines())
            whole = origin.identity_of(self._source, origin.branches(mine).values())
        nothing_there = not base.heads and not base.refs
        state.check_identity(whole, deposit, nothing_there=nothing_there, override=self.options.another)
        return state.united(ours, deposit)

    # --- the lock --------------------------------------------------------------------------------

    _held: Held | None = None

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Hold the lock, if there is one; whoever holds it already goes on."""
        if self._held is not None:
            yield
            return
        lock = self.options.lock
        self._held = self._taken(lock)
        try:
            yield
        finally:
            if self._held is not None and lock is not None:
                _give_up(lock, self._held)
                self._held = None

    def _taken(self, lock: Exclusive | None) -> Held | None:
        """Take the lock, and wait a little for another one's push to end.  Raises LockedError."""
        token = f"{self.writer}-{random.getrandbits(64):016x}"
        for turn in range(1, PATIENCE):
            try:
                return locks.take(lock, self.options.lock_policy, token, now=self.clock())
            except LockedError:
                self.options.pause(turn * (0.1 + random.random() * 0.2))
        return locks.take(lock, self.options.lock_policy, token, now=self.clock())

    def _refresh_lock(self) -> None:
        lock, held = self.options.lock, self._held
        if lock is None or held is None:
            return
        now = self.clock()
        if now <= held.expires - locks.LASTING / 2:
            return
        self._held = None
        try:
            self._held = lock.refresh(held, now=now, lasting=locks.LASTING)
        except LockLost:
            if self.options.lock_policy is Policy.REQUIRE:
                raise  # what follows takes the push back, without the lock


def _give_up(lock: Exclusive, held: Held) -> None:
    """Release a lock; what was done under it is done, and a lock that stays expires by itself."""
    with suppress(RookeryError):
        try:
            lock.release(held)
        except RookeryError:
            lock.release(held)  # else a single bad answer keeps everybody out until it expires


def _legacy_refs(base: State) -> dict[str, str]:
    return {name: entry.value for name, entry in base.refs.items() if entry.dot.writer == state.LEGACY}
