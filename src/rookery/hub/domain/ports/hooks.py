"""Webhooks and their messages as they are kept."""

from __future__ import annotations

from typing import Protocol

from rookery.hub.domain.hooks import Delivery, DeliveryState, Hook, HookEvent


class Hooks(Protocol):
    """All hooks; and all messages, which several processes send without sending one twice."""

    def of_repository(self, repository: int, /) -> list[Hook]:
        """Give a repository's, oldest first."""

    def by_id(self, number: int, /) -> Hook | None:
        """Give one by its number."""

    def add(
        self,
        repository: int,
        url: str,
        secret: str,
        events: frozenset[HookEvent],
        /,
        *,
        active: bool,
        now: float,
    ) -> Hook:
        """Make one."""

    def change(
        self,
        number: int,
        /,
        *,
        url: str | None = None,
        secret: str | None = None,
        events: frozenset[HookEvent] | None = None,
        active: bool | None = None,
    ) -> None:
        """Change what is given."""

    def remove(self, number: int, /) -> None:
        """Forget one, with its messages."""

    def enqueue(self, hook: int, uuid: str, event: HookEvent, payload: str, /, *, now: float) -> Delivery:
        """Keep a message that is to be sent at once."""

    def deliveries(self, hook: int, /, *, limit: int = 50) -> list[Delivery]:
        """Give a hook's messages, newest first."""

    def delivery(self, number: int, /) -> Delivery | None:
        """Give one by its number."""

    def is_due(self, *, now: float) -> bool:
        """Say whether a message is to be sent."""

    def claim(self, *, now: float, until: float) -> Delivery | None:
        """Take a message that is due, so that nobody else takes it before `until`; None if none is."""

    def settle(
        self, number: int, state: DeliveryState, /, *, status: int | None, answer: str, due: float
    ) -> None:
        """Note what became of a try."""

    def forget(self, *, before: float) -> int:
        """Forget messages from before that time that are sent or failed; give how many."""
