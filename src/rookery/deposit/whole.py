"""A deposit with all that is in it: the records of many writers, and the legacy pair that peers read and push to."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from rookery.core.errors import RookeryError
from rookery.core.process import Runner
from rookery.deposit.legacy.keeping import PairKeeper, explain
from rookery.deposit.legacy.lone import WithLoneArchive
from rookery.deposit.legacy.pair import LegacyDeposit
from rookery.deposit.protocol import exchange, packs, records, state
from rookery.deposit.protocol.exchange import Change, Outcome, Pushed, Update
from rookery.deposit.protocol.incremental import Options, V2Deposit
from rookery.deposit.protocol.look import Look
from rookery.deposit.talk.mirror import Mirror
from rookery.deposit.terms import bare, layout, refsfile, url
from rookery.deposit.terms.refsfile import RefList
from rookery.deposit.terms.store import Store, Unreadable
from rookery.deposit.terms.url import Address
from rookery.deposit.transport import annexfolder
from rookery.deposit.transport.locks import Exclusive, Policy
from rookery.git.repo import Repo

TRIES = 4  # to see and bring one state while others push
# Folders that live no longer than somebody works in the deposit's own.
PASSING = ("passing-*", "export-*", "setup-*", "before-*", "archival-*")


class View(NamedTuple):
    """What the deposit is, as Git sees it and as it was read (None: of the legacy pair only)."""

    refs: RefList
    seen: Look | None


class User(NamedTuple):
    """Who uses a deposit: the repository (None: none), the id of the writer, a clock, a way to wait, an ear."""

    repo: Repo | None
    writer: str
    clock: Callable[[], float]
    pause: Callable[[float], None]
    say: Callable[[str], None]


class WholeDeposit:
    """One deposit, for one user; `find_lock` is asked when something is to be written.

    One process at a time works in `folder`.
    """

    def __init__(
        self,
        store: Store,
        address: Address,
        mirror: Mirror,
        folder: Path,
        runner: Runner,
        *,
        user: User,
        find_lock: Callable[[], Exclusive | None],
    ) -> None:
        self.legacy = LegacyDeposit(store, folder, runner, compressed=address.compressed)
        self.mirror = mirror
        self._folder = folder
        self.keeper = PairKeeper(store, self.legacy, address, folder)
        self._user = user
        self._read_only = address.read_only
        self._find_lock: Callable[[], Exclusive | None] | None = find_lock
        self.v2 = V2Deposit(
            WithLoneArchive(store, self.legacy),
            bare.open_bare(mirror.folder, runner),
            user.writer,
            folder=folder / "memory",
            clock=user.clock,
            options=Options(
                user.pause,
                lock_policy=Policy(address.ours.get(url.LOCK, "auto")),
                another=address.ours.get(url.FOREIGN) == "yes",
                legacy_name=layout.REFS,
            ),
            source=user.repo,
        )

    # --- reading ---------------------------------------------------------------------------------

    def look(self) -> View | None:
        """Read what the deposit is now; None: there is certainly none.  Raises Unreadable, Damaged, TooNew."""
        _ = self.mirror.repo  # made if it is not there: what is known of histories is asked of it
        try:
            seen = self.v2.look(reading=True)
        except Unreadable:
            # A web server may show the files of an exported tree, and hide the folder with the keys.
            if not self._read_only or self.v2.ledger.memory().writers:
                raise
            refs = self.legacy.state()
            return None if refs is None else View(refs, None)
        if not seen.state.heads and seen.legacy is None:
            return None
        return _view(seen)

    def synchronise(self) -> View | None:
        """Make the mirror show what the deposit is, and give that; None: there is certainly none."""
        self._sweep()
        for _ in range(TRIES):
            view = self.look()
            if view is None or self.mirror.state() == view.refs:
                return view
            if (kind := view.refs.object_format) is not None:
                self.mirror.of_kind(kind)
            if not self._bring(view):
                continue
            if view.seen is not None:
                merged = state.merge(
                    view.seen.records, self.v2.setup(self.v2.repo).is_ancestor, view.seen.legacy
                )
                view = _view(view.seen._replace(state=merged))
            self.mirror.show(view.refs)
            return view
        raise Unreadable(
            "the deposit changes faster than it can be read", hints=["try again when fewer are pushing to it"]
        )

    def _sweep(self) -> None:
        """Remove what killed processes have left: who works in the folder alone has nothing of this yet."""
        self.mirror.sweep()
        for pattern in PASSING:
            for folder in self._folder.glob(pattern):
                annexfolder.remove(folder)

    def _bring(self, view: View) -> bool:
        """Bring all objects; False: the legacy pair has changed meanwhile."""
        if view.seen is None:
            return not packs.lacking(self.v2.repo, view.refs.refs.values()) or self._bring_pair(view.refs)
        now = view.seen.state
        pushed = [entry.value for entry in now.refs.values() if entry.dot.writer == state.LEGACY]
        legacy = view.seen.legacy
        wanted = legacy is not None and packs.lacking(self.v2.repo, pushed)
        if legacy is not None and wanted and not self._bring_pair(RefList(legacy.refs, legacy.head)):
            return False
        if self.v2.bring_objects(now):
            self.mirror.has_grown()
        return True

    def _bring_pair(self, refs: RefList) -> bool:
        draft = self.mirror.draft()
        try:
            if self.legacy.bring_objects(refs, draft) != refs:
                return False
            bare.take_objects(self.mirror.folder, draft)
            self.mirror.has_grown()
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return True

    # --- writing ---------------------------------------------------------------------------------

    def push(self, view: View | None, after: RefList, session: Repo) -> Outcome:
        """Make the deposit what `after` says, if it still is what it was; `session` has all objects.

        The pair that peers read follows if that is due; where that fails, the push has succeeded all
        the same, and the person is told.
        """
        before = view.refs if view else refsfile.EMPTY
        names = sorted(before.refs.keys() | after.refs.keys())
        pairs = ((name, before.refs.get(name), after.refs.get(name)) for name in names)
        changes = tuple(Change(name, old, new) for name, old, new in pairs if old != new)
        head = after.head if view is None or after.head != before.head else None
        return self._write(Update(changes, head), session, first=view is None)

    def refresh(self, view: View, session: Repo) -> None:
        """Write the pair if that is due although nothing was pushed: it was wished for, or a push was killed."""
        seen = view.seen
        if seen is None or not seen.state.heads or seen.lost:
            return
        newest = seen.records[seen.state.heads[-1]]
        if not self.keeper.is_due(newest, seen.state):
            return
        if len(seen.state.heads) > 1:
            self._write(Update(parts_only=True), session)
            return
        self._choose_lock()
        with self.v2.exclusive():
            self._keep(newest, session)

    def _write(self, update: Update, session: Repo, *, first: bool = False) -> Outcome:
        self._choose_lock(first=first)
        with self.v2.exclusive():
            outcome = self.v2.push(update, repo=session)
            if isinstance(outcome, Pushed):
                raw = self.v2.ledger.record(outcome.record)
                record = records.parse_record(raw, outcome.record) if raw is not None else None
                if record is not None and self.keeper.is_due(record, outcome.state):
                    self._keep(record, session)
        return outcome

    def _keep(self, record: records.Record, session: Repo) -> None:
        if packs.lacking(session, state.refs_of(record).refs.values()):
            return  # somebody else pushed another ref in the same moment, and will see to it
        try:
            self.keeper.write(record, session)
        except RookeryError as e:
            self._user.say(explain(e))

    def _choose_lock(self, *, first: bool = False) -> None:
        """Find the lock at the first writing: looking whether a server has one writes to it.

        Where a deposit comes to be, its bucket or folder may not be there yet; nothing is lost without a lock.
        """
        find, self._find_lock = self._find_lock, None
        policy = self.v2.options.lock_policy
        if find is not None and policy is not Policy.OFF and not (first and policy is Policy.AUTO):
            self.v2.options = self.v2.options._replace(lock=find())

    def tidy(self, outcome: Outcome) -> None:
        """Put small parts together if there are too many, when a push is done and told."""
        if not isinstance(outcome, exchange.Pushed):
            return
        try:
            self.v2.tidy(outcome.state)
        except (RookeryError, OSError) as e:
            self._user.say(
                f"pushed; but the deposit could not be tidied up, which the next push will do: {e}"
            )


def _view(seen: Look) -> View:
    now = seen.state
    return View(RefList(now.values, now.head.value if now.head else None), seen)
