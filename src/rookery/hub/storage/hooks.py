"""Webhooks and their messages in the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from rookery.hub.domain.hooks import Delivery, DeliveryState, Hook, HookEvent
from rookery.hub.storage.hook_tables import delivery, hook
from rookery.hub.storage.rows import given


def _hook_of(row: Row[Any]) -> Hook:
    events = frozenset(HookEvent(word) for word in row.events.split())
    return Hook(row.id, row.repository_id, row.url, row.secret, events, row.active, row.created)


def _delivery_of(row: Row[Any]) -> Delivery:
    return Delivery(
        row.id,
        row.hook_id,
        row.uuid,
        HookEvent(row.event),
        row.payload,
        DeliveryState(row.state),
        row.made,
        row.due,
        row.tries,
        row.status,
        row.answer,
    )


class SqlHooks:
    """What `domain.ports.hooks` says."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_repository(self, repository: int) -> list[Hook]:
        """Give a repository's, oldest first."""
        query = select(hook).where(hook.c.repository_id == repository).order_by(hook.c.id)
        return [_hook_of(row) for row in self._connection.execute(query)]

    def by_id(self, number: int) -> Hook | None:
        """Give one by its number."""
        row = self._connection.execute(select(hook).where(hook.c.id == number)).one_or_none()
        return None if row is None else _hook_of(row)

    def add(
        self,
        repository: int,
        url: str,
        secret: str,
        events: frozenset[HookEvent],
        *,
        active: bool,
        now: float,
    ) -> Hook:
        """Make one."""
        row = {"repository_id": repository, "url": url, "secret": secret, "events": " ".join(sorted(events))}
        insertion = insert(hook).values(**row, active=active, created=now).returning(hook.c.id)
        return Hook(
            self._connection.execute(insertion).scalar_one(), repository, url, secret, events, active, now
        )

    def change(
        self,
        number: int,
        *,
        url: str | None = None,
        secret: str | None = None,
        events: frozenset[HookEvent] | None = None,
        active: bool | None = None,
    ) -> None:
        """Change what is given."""
        words = None if events is None else " ".join(sorted(events))
        values = given(url=url, secret=secret, events=words, active=active)
        if values:
            self._connection.execute(update(hook).where(hook.c.id == number).values(values))

    def remove(self, number: int) -> None:
        """Forget one."""
        self._connection.execute(delete(hook).where(hook.c.id == number))

    def enqueue(self, hook_id: int, uuid: str, event: HookEvent, payload: str, *, now: float) -> Delivery:
        """Keep a message that is to be sent."""
        row = {
            "hook_id": hook_id,
            "uuid": uuid,
            "event": event.value,
            "payload": payload,
            "state": DeliveryState.WAITING.value,
            "made": now,
            "due": now,
            "tries": 0,
            "answer": "",
        }
        number = self._connection.execute(insert(delivery).values(row).returning(delivery.c.id)).scalar_one()
        made = self.delivery(number)
        assert made is not None
        return made

    def deliveries(self, hook_id: int, *, limit: int = 50) -> list[Delivery]:
        """Give a hook's messages, newest first."""
        query = (
            select(delivery).where(delivery.c.hook_id == hook_id).order_by(delivery.c.id.desc()).limit(limit)
        )
        return [_delivery_of(row) for row in self._connection.execute(query)]

    def delivery(self, number: int) -> Delivery | None:
        """Give one by its number."""
        row = self._connection.execute(select(delivery).where(delivery.c.id == number)).one_or_none()
        return None if row is None else _delivery_of(row)

    def is_due(self, *, now: float) -> bool:
        """Say whether a message is to be sent."""
        due = delivery.c.state == DeliveryState.WAITING.value, delivery.c.due <= now
        return self._connection.scalar(select(delivery.c.id).where(*due).limit(1)) is not None

    def claim(self, *, now: float, until: float) -> Delivery | None:
        """Take a message that is due; in PostgreSQL, one that nobody takes at this moment."""
        due = delivery.c.state == DeliveryState.WAITING.value, delivery.c.due <= now
        query = select(delivery).where(*due).order_by(delivery.c.due, delivery.c.id).limit(1)
        row = self._connection.execute(query.with_for_update(skip_locked=True)).one_or_none()
        if row is None:
            return None
        taken = update(delivery).where(delivery.c.id == row.id).values(due=until, tries=row.tries + 1)
        self._connection.execute(taken)
        return self.delivery(row.id)

    def settle(
        self, number: int, state: DeliveryState, *, status: int | None, answer: str, due: float
    ) -> None:
        """Note what became of a try."""
        values = {"state": state.value, "status": status, "answer": answer, "due": due}
        self._connection.execute(update(delivery).where(delivery.c.id == number).values(values))

    def forget(self, *, before: float) -> int:
        """Forget old messages."""
        old = delivery.c.made < before, delivery.c.state != DeliveryState.WAITING.value
        return self._connection.execute(delete(delivery).where(*old)).rowcount
