"""Sessions and failed tries in the database."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, insert, select

from rookery.hub.domain.records import Session
from rookery.hub.storage.tables import attempt, session

# Failures are of no interest after that time, whoever counts them.
ATTEMPTS_KEPT_SECONDS = 24 * 3600


class SqlSessions:
    """What `domain.ports.secrets.Sessions` says."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def by_digest(self, digest: str, now: float) -> Session | None:
        """Give the session, unless it has expired."""
        lasting = session.c.digest == digest, session.c.expires > now
        row = self._connection.execute(select(session).where(*lasting)).one_or_none()
        return None if row is None else Session(row.account_id, row.csrf, row.expires)

    def add(self, digest: str, account: int, csrf: str, *, expires: float) -> None:
        """Begin one."""
        values = {"digest": digest, "account_id": account, "csrf": csrf, "expires": expires}
        self._connection.execute(insert(session).values(values))

    def remove(self, digest: str) -> None:
        """End one."""
        self._connection.execute(delete(session).where(session.c.digest == digest))

    def remove_all(self, account: int) -> None:
        """End all of an account's."""
        self._connection.execute(delete(session).where(session.c.account_id == account))

    def sweep(self, now: float) -> None:
        """Forget those that have expired."""
        self._connection.execute(delete(session).where(session.c.expires <= now))


class SqlAttempts:
    """What `domain.ports.secrets.Attempts` says."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def count(self, subject: str, *, since: float) -> int:
        """Count the failures since a time."""
        mine = attempt.c.subject == subject, attempt.c.at > since
        return self._connection.scalar(select(func.count()).select_from(attempt).where(*mine)) or 0

    def add(self, subject: str, now: float) -> None:
        """Note one more."""
        self._connection.execute(delete(attempt).where(attempt.c.at < now - ATTEMPTS_KEPT_SECONDS))
        self._connection.execute(insert(attempt).values(subject=subject, at=now))
