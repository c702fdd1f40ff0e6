"""What those who run a hub see and do by its pages: accounts, repositories, the audit log."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rookery.core.sizes import exact
from rookery.hub.domain.access import Actor, Scope
from rookery.hub.domain.errors import BadName, NotFound
from rookery.hub.domain.names import RepositoryPath, owner_name
from rookery.hub.domain.ports.accounts import Belongings
from rookery.hub.domain.ports.contents import Totals
from rookery.hub.domain.ports.database import Database, Work
from rookery.hub.domain.ports.objects import Objects
from rookery.hub.domain.records import Account, Event, Kind, Repository
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

    def account(self, actor: Actor, name: str) -> tuple[Account, Totals, Belongings]:
        """Give an account, closed ones too, with what counts for its quota and what is its own.  Raises NotFound."""
        with self._database.reading() as work:
            self._gate.administrator(work, actor, Scope.READ_ADMIN)
            found = _account(work, name)
            return found, work.contents.owned(found.id), work.accounts.belongings(found.id)

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
            account = _account(work, name)
            if account.id == me.id:
                raise BadName("this is your own account", hints=["another administrator can close it"])
            work.accounts.change(account.id, active=active)
            if not active:
                work.sessions.remove_all(account.id)
            word = "open account" if active else "close account"
            note(work, actor, word, account.name, "ok", self._clock())

    def set_account_quota(self, actor: Actor, name: str, quota: int | None) -> None:
        """Set how many bytes all repositories of an account may have together; None: what the site says.

        What is there already stays, whatever the quota.  Raises NotFound, BadName.
        """
        most = _quota(quota)
        with self._database.writing() as work:
            self._gate.administrator(work, actor, Scope.WRITE_ADMIN)
            account = _account(work, name)
            work.accounts.set_quota(account.id, most)
            note(work, actor, "set quota", account.name, _said(most), self._clock())

    def set_repository_quota(self, actor: Actor, path: RepositoryPath, quota: int | None) -> None:
        """The same for one repository."""
        most = _quota(quota)
        with self._database.writing() as work:
            self._gate.administrator(work, actor, Scope.WRITE_ADMIN)
            repository = work.repositories.by_path(path)
            if repository is None:
                raise NotFound(f"there is no repository {path}")
            work.repositories.set_quota(repository.id, most)
            note(work, actor, "set quota", str(repository.path), _said(most), self._clock())

    def remove_account(self, actor: Actor, name: str) -> None:
        """Remove a person's account that has nothing of its own; whoever wants can then have the name.

        What somebody owns or wrote for others would go with them: then the account is closed instead.
        Raises NotFound, and BadName for one's own, an organisation's, and one with anything of its own.
        """
        with self._database.writing() as work:
            me = self._gate.administrator(work, actor, Scope.WRITE_ADMIN)
            account = _account(work, name)
            if account.id == me.id:
                raise BadName("this is your own account", hints=["another administrator can remove it"])
            if account.kind is not Kind.PERSON:
                raise BadName(
                    f"{account.name} is an organisation", hints=["it is removed by the page of its teams"]
                )
            work.accounts.hold(account.id)
            _require_nothing(account, work.accounts.belongings(account.id))
            work.accounts.remove(account.id)
            note(work, actor, "remove account", account.name, "ok", self._clock())


def _account(work: Work, name: str) -> Account:
    found = work.accounts.by_name(owner_name(name))
    if found is None:
        raise NotFound(f"there is no account {name[:40]}")
    return found


def _require_nothing(account: Account, has: Belongings) -> None:
    if has.repositories:
        raise BadName(
            f"{account.name} owns repositories: {has.repositories}",
            hints=["transfer or remove them first, or close the account"],
        )
    if has.alone_in:
        raise BadName(
            f"nobody else owns {', '.join(has.alone_in)}",
            hints=["take somebody else into the team of its owners first, or close the account"],
        )
    if has.said:
        raise BadName(
            f"{account.name} wrote or merged in issues and pull requests, {has.said} times, which would go too",
            hints=["close the account: what was written stays, and nobody can sign in with it"],
        )


def _quota(quota: int | None) -> int | None:
    if quota is not None and not 0 <= quota < 1 << 63:  # what a column of the database holds
        raise BadName("this is not a quota that can be kept")
    return quota


def _said(quota: int | None) -> str:
    return "the hub's" if quota is None else exact(quota)
