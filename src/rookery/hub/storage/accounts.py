"""Accounts in the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Connection, Row, delete, func, insert, select, update

from rookery.hub.domain.access import Level
from rookery.hub.domain.names import OwnerName
from rookery.hub.domain.ports.accounts import Belongings
from rookery.hub.domain.records import Account, Kind
from rookery.hub.storage.discussion_tables import comment, issue, pull
from rookery.hub.storage.removed_tables import removed_account
from rookery.hub.storage.rows import given, unique
from rookery.hub.storage.tables import account as table
from rookery.hub.storage.tables import repository, team, team_member


def account_of(row: Row[Any]) -> Account:
    """Read a row."""
    return Account(
        row.id,
        OwnerName(row.name),
        Kind(row.kind),
        row.email,
        row.full_name,
        row.admin,
        row.active,
        row.quota,
        row.created,
    )


class SqlAccounts:
    """What `domain.ports.accounts` says."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _one(self, condition: Any) -> Account | None:
        row = self._connection.execute(select(table).where(condition)).one_or_none()
        return None if row is None else account_of(row)

    def by_id(self, account: int) -> Account | None:
        """Give one by its number."""
        return self._one(table.c.id == account)

    def by_name(self, name: str) -> Account | None:
        """Give one by its name."""
        return self._one(table.c.name_lower == name.lower())

    def by_email(self, email: str) -> Account | None:
        """Give one by its address."""
        return self._one(table.c.email_lower == email.lower())

    def listed(self, *, after: str = "", limit: int = 50) -> list[Account]:
        """Give some, in the order of their names."""
        query = (
            select(table).where(table.c.name_lower > after.lower()).order_by(table.c.name_lower).limit(limit)
        )
        return [account_of(row) for row in self._connection.execute(query)]

    def add(
        self, name: str, *, kind: Kind, email: str | None, full_name: str, admin: bool, now: float
    ) -> Account:
        """Make one."""
        values: dict[str, Any] = {
            "name": name,
            "name_lower": name.lower(),
            "kind": kind.value,
            "email": email,
            "email_lower": email.lower() if email else None,
            "full_name": full_name,
            "admin": admin,
            "active": True,
            "created": now,
        }
        if self._connection.dialect.name == "sqlite":
            values["id"] = self._next()
        with unique(self._connection, f"the name {name}, or its e-mail address, is taken"):
            row = self._connection.execute(insert(table).values(values).returning(table)).one()
        return account_of(row)

    def _next(self) -> int:
        """Give a number that none ever had: SQLite's own next one is that of the newest account, if that was removed.

        Who still runs a command as the one that is gone must not go on as somebody else.
        """
        used = (
            self._connection.scalar(select(func.max(column))) for column in (table.c.id, removed_account.c.id)
        )
        return 1 + max(number or 0 for number in used)

    def change(
        self,
        account: int,
        *,
        email: str | None = None,
        full_name: str | None = None,
        admin: bool | None = None,
        active: bool | None = None,
    ) -> None:
        """Change what is given."""
        lower = email.lower() if email else None
        values = given(email=email, email_lower=lower, full_name=full_name, admin=admin, active=active)
        if values:
            with unique(self._connection, f"the e-mail address {email} is taken"):
                self._connection.execute(update(table).where(table.c.id == account).values(values))

    def set_quota(self, account: int, quota: int | None) -> None:
        """Give a quota of its own; None: the hub's."""
        self._connection.execute(update(table).where(table.c.id == account).values(quota=quota))

    def hold(self, account: int) -> None:
        """Keep all others from giving it anything: in PostgreSQL a row that leads here waits; SQLite has one writer."""
        self._connection.execute(select(table.c.id).where(table.c.id == account).with_for_update())

    def belongings(self, account: int) -> Belongings:
        """Say what must be elsewhere before an account can go."""
        said = (issue.c.author_id, comment.c.author_id, pull.c.merged_by)
        owning = (
            select(team.c.organisation_id)
            .join(team_member, team_member.c.team_id == team.c.id)
            .where(team.c.level == int(Level.OWNER))
        )
        mine = owning.where(team_member.c.account_id == account)
        others = owning.where(team_member.c.account_id != account)
        alone = select(table.c.name).where(table.c.id.in_(mine), table.c.id.not_in(others))
        return Belongings(
            self._count(repository.c.owner_id, account),
            sum(self._count(column, account) for column in said),
            list(self._connection.scalars(alone.order_by(table.c.name_lower))),
        )

    def _count(self, column: Column[int], account: int) -> int:
        query = select(func.count()).select_from(column.table).where(column == account)
        return self._connection.scalar(query) or 0

    def remove(self, account: int) -> None:
        """Forget one; its number is never given again."""
        self._connection.execute(insert(removed_account).values(id=account))
        self._connection.execute(delete(table).where(table.c.id == account))

    def password(self, account: int) -> str | None:
        """Give the hash of the password."""
        return self._connection.scalar(select(table.c.password).where(table.c.id == account))

    def set_password(self, account: int, hashed: str) -> None:
        """Keep another hash."""
        self._connection.execute(update(table).where(table.c.id == account).values(password=hashed))

    def count(self) -> int:
        """Count them."""
        return self._connection.scalar(select(func.count()).select_from(table)) or 0
