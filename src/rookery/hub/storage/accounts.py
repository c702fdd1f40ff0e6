"""Accounts in the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from rookery.hub.domain.names import OwnerName
from rookery.hub.domain.records import Account, Kind
from rookery.hub.storage.rows import given, unique
from rookery.hub.storage.tables import account as table


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
        values = {
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
        with unique(self._connection, f"the name {name}, or its e-mail address, is taken"):
            row = self._connection.execute(insert(table).values(values).returning(table)).one()
        return account_of(row)

    def change(
        self,
        account: int,
        *,
        email: str | None = None,
        full_name: str | None = None,
        admin: bool | None = None,
        active: bool | None = None,
        quota: int | None = None,
    ) -> None:
        """Change what is given."""
        lower = email.lower() if email else None
        values = given(
            email=email, email_lower=lower, full_name=full_name, admin=admin, active=active, quota=quota
        )
        if values:
            with unique(self._connection, f"the e-mail address {email} is taken"):
                self._connection.execute(update(table).where(table.c.id == account).values(values))

    def password(self, account: int) -> str | None:
        """Give the hash of the password."""
        return self._connection.scalar(select(table.c.password).where(table.c.id == account))

    def set_password(self, account: int, hashed: str) -> None:
        """Keep another hash."""
        self._connection.execute(update(table).where(table.c.id == account).values(password=hashed))

    def count(self) -> int:
        """Count them."""
        return self._connection.scalar(select(func.count()).select_from(table)) or 0
