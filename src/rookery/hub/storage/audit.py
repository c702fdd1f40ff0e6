"""The audit log in the database."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from rookery.hub.domain.records import Event
from rookery.hub.storage.tables import audit


class SqlAudit:
    """What `domain.ports.audit` says."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, event: Event) -> None:
        """Write a line; what is too long for its column is cut."""
        row = event._asdict()
        for name, value in row.items():
            length = getattr(audit.c[name].type, "length", None)
            if length is not None:
                row[name] = value[:length]
        self._connection.execute(insert(audit).values(row))

    def newest(self, *, subject: str = "", limit: int = 100) -> list[Event]:
        """Give the last lines, newest first."""
        query = select(audit).order_by(audit.c.id.desc()).limit(limit)
        if subject:
            query = query.where(audit.c.subject == subject)
        rows = self._connection.execute(query)
        return [Event(r.at, r.actor, r.via, r.address, r.action, r.subject, r.outcome) for r in rows]
