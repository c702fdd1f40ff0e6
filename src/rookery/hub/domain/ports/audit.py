"""The audit log: only ever added to."""

from __future__ import annotations

from typing import Protocol

from rookery.hub.domain.records import Event


class Audit(Protocol):
    """Who did, or tried, what."""

    def add(self, event: Event) -> None:
        """Write a line."""

    def newest(self, *, subject: str = "", limit: int = 100) -> list[Event]:
        """Give the last lines, newest first; `subject` limits them to one thing."""
