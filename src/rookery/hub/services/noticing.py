"""What people are told, and what happened in a repository: read by them, marked as read."""

from __future__ import annotations

from collections.abc import Callable

from rookery.hub.domain.access import Action, Actor, Scope
from rookery.hub.domain.discussion import Activity, Notice
from rookery.hub.domain.ports.database import Database, Work
from rookery.hub.domain.records import Account, Repository
from rookery.hub.services.gate import Gate, Where

# The bell counts no further.
MOST_COUNTED = 100


class NoticeService:
    """Notices are one's own business; what may not be read any more is not told either."""

    def __init__(self, database: Database, gate: Gate, clock: Callable[[], float]) -> None:
        self._database = database
        self._gate = gate
        self._clock = clock

    def mine(
        self, actor: Actor, *, unread_only: bool = False, skip: int = 0, limit: int = 50
    ) -> list[tuple[Notice, Repository]]:
        """Give one's notices, newest first.  Raises NeedsSignIn, Forbidden."""
        with self._database.reading() as work:
            account = self._gate.account(work, actor, Scope.READ_USER)
            return self._readable(work, account, unread_only=unread_only, skip=skip, limit=limit)

    def _readable(
        self, work: Work, account: Account, *, unread_only: bool, skip: int, limit: int
    ) -> list[tuple[Notice, Repository]]:
        told = []
        for one in work.notices.of_account(account.id, unread_only=unread_only, skip=skip, limit=limit):
            repository = work.repositories.by_id(one.issue.repository)
            if repository is not None and self._gate.reads(work, repository, account):
                told.append((one, repository))
        return told

    def unread(self, actor: Actor) -> int:
        """Count what one has not read, up to a hundred; 0 for those without an account."""
        if actor.account is None:
            return 0
        with self._database.reading() as work:
            if not work.notices.unread(actor.account):
                return 0
            account = self._gate.account(work, actor, Scope.READ_USER)
            return len(self._readable(work, account, unread_only=True, skip=0, limit=MOST_COUNTED))

    def mark(self, actor: Actor, notice: int | None, *, unread: bool = False) -> None:
        """Mark one of one's notices (None: all of them) as read, or as unread.  Raises NeedsSignIn, Forbidden."""
        with self._database.writing() as work:
            account = self._gate.account(work, actor, Scope.WRITE_USER)
            work.notices.set_read(account.id, notice, unread=unread)

    def seen(self, actor: Actor, issue: int) -> None:
        """Mark as read what somebody was told of an issue that they look at."""
        if actor.account is None:
            return
        with self._database.reading() as work:
            waiting = work.notices.unread(actor.account)
        if waiting:  # most looks change nothing, and need not wait for a writer
            with self._database.writing() as work:
                work.notices.seen(actor.account, issue)

    def activity(
        self, actor: Actor, where: Where, *, before: int | None = None, limit: int = 50
    ) -> list[Activity]:
        """Give what happened in a repository, newest first.  Raises NotFound."""
        with self._database.reading() as work:
            repository = self._gate.within(work, actor, where, Action.READ).repository
            return work.notices.activity(repository.id, before=before, limit=limit)
