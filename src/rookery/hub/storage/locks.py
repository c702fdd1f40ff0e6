"""Locks on content, and the hub's clock, in the database.

The clock is the database server's where there is one; with SQLite, that of this
machine, which all processes of the hub share.  What it showed is kept, so that
it never goes back; should the machine's clock do so, timestamps that were given
out before count as passed: a drop is refused then, which can be tried again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from sqlalchemy import Connection, delete, func, insert, select, text, update

from rookery.hub.storage.contents import exclusively
from rookery.hub.storage.rows import put
from rookery.hub.storage.tables import clock, content, content_lock

# A clock that is set right by its server may step back so far without harm to a lock of ten minutes.
DOUBT_SECONDS = 2.0


def moment(connection: Connection, wall: Callable[[], float]) -> float:
    """Read the clock that all processes of the hub share: the database server's, or this machine's."""
    if connection.dialect.name == "postgresql":
        return float(connection.scalar(text("SELECT extract(epoch FROM clock_timestamp())")) or 0)
    return wall()


class SqlLocks:
    """What `domain.ports.contents.Locks` says."""

    def __init__(self, connection: Connection, wall: Callable[[], float]) -> None:
        self._connection = connection
        self._wall = wall

    def _read(self) -> float:
        return moment(self._connection, self._wall)

    def _shown(self) -> float:
        return self._connection.scalar(select(clock.c.seconds).where(clock.c.id == 1)) or 0.0

    def timestamp(self) -> float:
        """Give the clock, and keep what it showed."""
        put(self._connection, clock, {"id": 1, "seconds": 0.0}, keep=True)
        now = self._read()
        later = clock.c.id == 1, clock.c.seconds < now
        self._connection.execute(update(clock).where(*later).values(seconds=now))
        return max(now, self._shown())

    def passed(self, timestamp: float) -> bool:
        """Say whether the clock has reached a timestamp."""
        now, shown = self._read(), self._shown()
        return now < shown - DOUBT_SECONDS or max(now, shown) >= timestamp

    def take(self, repository: int, key: str, *, holder: str, seconds: float) -> str | None:
        """Lock content that is here."""
        exclusively(self._connection, repository, key)
        here = content.c.repository_id == repository, content.c.key == key
        if self._connection.scalar(select(content.c.size).where(*here)) is None:
            return None
        name = secrets.token_hex(20)
        until = self._read() + seconds
        row = {"id": name, "repository_id": repository, "key": key, "expires": until, "holder": holder}
        self._connection.execute(insert(content_lock).values(row))
        return name

    def extend(self, lock: str, *, seconds: float) -> bool:
        """Let a lock last longer.  One that has expired may have been ignored already: it is gone."""
        now = self._read()
        lasting = content_lock.c.id == lock, content_lock.c.expires > now
        changed = update(content_lock).where(*lasting).values(expires=now + seconds)
        return self._connection.execute(changed).rowcount > 0

    def release(self, lock: str) -> bool:
        """End a lock."""
        return self._connection.execute(delete(content_lock).where(content_lock.c.id == lock)).rowcount > 0

    def owner(self, lock: str) -> tuple[int, str] | None:
        """Give the repository and key of a lock."""
        lasting = content_lock.c.id == lock, content_lock.c.expires > self._read()
        query = select(content_lock.c.repository_id, content_lock.c.key).where(*lasting)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else (row.repository_id, row.key)

    def held(self, repository: int, key: str) -> bool:
        """Say whether anybody keeps a key from being dropped."""
        exclusively(self._connection, repository, key)
        return self._lasting(content_lock.c.repository_id == repository, content_lock.c.key == key) > 0

    def count(self, repository: int, holder: str | None = None) -> int:
        """Count the locks that last."""
        whose = () if holder is None else (content_lock.c.holder == holder,)
        return self._lasting(content_lock.c.repository_id == repository, *whose)

    def _lasting(self, *conditions: object) -> int:
        query = select(func.count()).select_from(content_lock)
        query = query.where(content_lock.c.expires > self._read(), *conditions)  # type: ignore[arg-type]  # SQL conditions
        return self._connection.scalar(query) or 0

    def sweep(self) -> int:
        """Forget locks that have expired."""
        return self._connection.execute(
            delete(content_lock).where(content_lock.c.expires <= self._read())
        ).rowcount
