"""Which repository has the content of which key, in the database."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, delete, func, select, text, true

from rookery.core.process import encode
from rookery.hub.domain.ports.contents import Totals
from rookery.hub.domain.records import Content
from rookery.hub.storage.discussion_tables import fork
from rookery.hub.storage.rows import put
from rookery.hub.storage.tables import content, repository


def exclusively(connection: Connection, repository: int, key: str) -> None:
    """Wait until nobody else changes a key's row or bytes, and keep it so to the end of the transaction.

    In SQLite there is one writer at all; in PostgreSQL an advisory lock stands for the key.
    """
    if connection.dialect.name == "postgresql":
        name = hashlib.blake2b(b"%d %s" % (repository, encode(key)), digest_size=8).digest()
        number = int.from_bytes(name, "big", signed=True)
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


class SqlContents:
    """What `domain.ports.contents.Contents` says."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def exclusively(self, repository: int, key: str) -> None:
        """Keep all others away."""
        exclusively(self._connection, repository, key)

    def size(self, repository: int, key: str) -> int | None:
        """Give the size of a key's content."""
        mine = content.c.repository_id == repository, content.c.key == key
        return self._connection.scalar(select(content.c.size).where(*mine))

    def sizes(self, repository: int, keys: Sequence[str]) -> dict[str, int]:
        """Give some."""
        mine = content.c.repository_id == repository, content.c.key.in_(keys)
        rows = self._connection.execute(select(content.c.key, content.c.size).where(*mine))
        return {row.key: row.size for row in rows}

    def add(self, repository: int, key: str, size: int, now: float) -> None:
        """Note that the content is here."""
        row = {"repository_id": repository, "key": key, "size": size, "stored": now}
        put(self._connection, content, row)

    def remove(self, repository: int, key: str) -> bool:
        """Note that the content is here no longer."""
        mine = content.c.repository_id == repository, content.c.key == key
        return self._connection.execute(delete(content).where(*mine)).rowcount > 0

    def keys(self, repository: int, *, after: str = "", limit: int = 1000) -> list[Content]:
        """Give some."""
        mine = content.c.repository_id == repository, content.c.key > after
        rows = self._connection.execute(select(content).where(*mine).order_by(content.c.key).limit(limit))
        return [Content(row.key, row.size, row.stored) for row in rows]

    def totals(self, repository: int) -> Totals:
        """Say how much a repository has."""
        return self._sum(content.c.repository_id == repository)

    def everything(self) -> Totals:
        """Say how much all have."""
        return self._sum(true())

    def owed(self, repository: int) -> Totals:
        """Say how much counts for a repository's quota."""
        return self._sum(content.c.repository_id == repository, ~_shared())

    def owned(self, owner: int) -> Totals:
        """Say how much counts for an account's quota."""
        mine = select(repository.c.id).where(repository.c.owner_id == owner)
        return self._sum(content.c.repository_id.in_(mine), ~_shared())

    def _sum(self, *conditions: ColumnElement[bool]) -> Totals:
        query = select(func.count(), func.coalesce(func.sum(content.c.size), 0)).where(*conditions)
        keys, size = self._connection.execute(query).one()
        return Totals(int(keys), int(size))


def _shared() -> ColumnElement[bool]:
    """Give the condition that what a repository was forked from has the content too."""
    theirs = content.alias()
    same = theirs.c.repository_id == fork.c.parent_id, theirs.c.key == content.c.key
    query = select(fork.c.repository_id).where(fork.c.repository_id == content.c.repository_id, *same)
    return query.correlate(content).exists()
