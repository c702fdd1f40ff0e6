"""What those who run a hub see and do by its pages: accounts, repositories, the audit log."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rookery.hub.domain.access import Actor, Scope
from rookery.hub.domain.errors import BadName, NotFound
from rookery.hub.domain.names import owner_name
from rookery.hub.domain.ports.contents import Totals
from rookery.hub.domain.ports.database import Database
from rookery.hub.domain.ports.objects import Objects
from rookery.hub.domain.records import Account, Event, Repository
from rookery.hub.services.auditing import note
from rookery.hub.services.gate import Gate

A_PAGE = 50


class Overview(NamedTuple):
    """The hub all in all; `free` is None where nobody knows."""

    accounts: int
    content: Totals
    free: int | None


class AdministrationService:
    """All of it is for administrators: each method raises NeedsSignIn or Forbidden for others."""

    def __init__(self, database: Database, objects: Objects, gate: Gate, clock: Callable[[], float]) -> None:
        self._database = database
        self._objects = objects
        self._gate = gate
        self._clock = clock

    def overview(self, actor: Actor) -> Overview:
        """Say how much there is."""
        with self._database.reading() as work:
            self._gate.administrator(work, actor, Scope.READ_ADMIN)
            return Overview(work.accounts.count(), work.contents.everything(), self._objects.free())

    def accounts(self, actor: Actor, *, after: str = "") -> list[tuple[Account, Totals]]:
        """Give a page of accounts in the order of their names, each with what its repositories have."""
        with self._database.reading() as work:
            self._gate.administrator(work, actor, Scope.READ_ADMIN)
            found = work.accounts.listed(after=after, limit=A_PAGE)
            return [(account, work.contents.owned(account.id)) for account in found]

    def repositories(
        self, actor: Actor, *, before: tuple[float, int] | None = None
    ) -> list[tuple[Repository, Totals]]:
        """Give a page of repositories, changed last first, each with what it has."""
        with self._database.reading() as work:
            self._gate.administrator(work, actor, Scope.READ_ADMIN)
            found = work.repositories.found(None, everything=True, before=before, limit=A_PAGE)
            return [(one, work.contents.totals(one.id)) for one in found]

    def events(self, actor: Actor, *, subject: str = "", limit: int = 200) -> list[Event]:
        """Give the newest lines of the audit log, of one subject if it is named."""
        with self._database.reading() as work:
            self._gate.administrator(work, actor, Scope.READ_ADMIN)
            return work.audit.newest(subject=subject, limit=limit)

    def set_active(self, actor: Actor, name: str, *, active: bool) -> None:
        """Close an account, which ends its sessions and keeps what it owns; or open it again.

        Raises NotFound, and BadName for one's own.
        """
        with self._database.writing() as work:
            me = self._gate.administrator(work, actor, Scope.WRITE_ADMIN)
            account = work.accounts.by_name(owner_name(name))
            if account is None:
                raise NotFound(f"there is no account {name[:40]}")
            if account.id == me.id:
                raise BadName("this is your own account", hints=["another administrator can close it"])
            work.accounts.change(account.id, active=active)
            if not active:
                work.sessions.remove_all(account.id)
            word = "open account" if active else "close account"
            note(work, actor, word, account.name, "ok", self._clock())
