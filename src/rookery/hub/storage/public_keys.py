"""SSH keys in the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from rookery.hub.domain.access import Level
from rookery.hub.domain.records import PublicKey
from rookery.hub.storage.rows import unique
from rookery.hub.storage.tables import public_key as table


def _key_of(row: Row[Any]) -> PublicKey:
    return PublicKey(
        row.id,
        row.account_id,
        row.repository_id,
        row.title,
        row.line,
        row.fingerprint,
        Level(row.level),
        row.append_only,
        row.created,
        row.used,
    )


class SqlPublicKeys:
    """What `domain.ports.secrets.PublicKeys` says."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _all(self, condition: Any) -> list[PublicKey]:
        query = select(table).where(condition).order_by(table.c.id)
        return [_key_of(row) for row in self._connection.execute(query)]

    def by_fingerprint(self, fingerprint: str) -> PublicKey | None:
        """Give the key with this fingerprint."""
        return next(iter(self._all(table.c.fingerprint == fingerprint)), None)

    def by_id(self, key: int) -> PublicKey | None:
        """Give one by its number."""
        return next(iter(self._all(table.c.id == key)), None)

    def of_account(self, account: int) -> list[PublicKey]:
        """Give an account's."""
        return self._all(table.c.account_id == account)

    def of_repository(self, repository: int) -> list[PublicKey]:
        """Give a repository's deploy keys."""
        return self._all(table.c.repository_id == repository)

    def add(
        self,
        *,
        account: int | None,
        repository: int | None,
        title: str,
        line: str,
        fingerprint: str,
        level: Level,
        append_only: bool,
        now: float,
    ) -> PublicKey:
        """Keep a new one."""
        values = {
            "account_id": account,
            "repository_id": repository,
            "title": title,
            "line": line,
            "fingerprint": fingerprint,
            "level": int(level),
            "append_only": append_only,
            "created": now,
        }
        with unique(self._connection, f"the key {fingerprint} is in use already"):
            return _key_of(self._connection.execute(insert(table).values(values).returning(table)).one())

    def remove(self, key: int) -> None:
        """Forget one."""
        self._connection.execute(delete(table).where(table.c.id == key))

    def used(self, key: int, now: float) -> None:
        """Note that it was used."""
        self._connection.execute(update(table).where(table.c.id == key).values(used=now))
