"""The action summary: how many results of each action and status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class Tally:
    """Counts results by action and status."""

    def __init__(self) -> None:
        self.counts: dict[str, dict[str, int]] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one record."""
        by_status = self.counts.setdefault(str(record["action"]), {})
        by_status[str(record["status"])] = by_status.get(str(record["status"]), 0) + 1

    @property
    def total(self) -> int:
        """How many records were counted."""
        return sum(sum(by_status.values()) for by_status in self.counts.values())

    def lines(self) -> list[str]:
        """Give the summary, sorted by action and status (contract 2.2)."""
        return [
            "action summary:",
            *(
                f"  {action} ({', '.join(f'{status}: {n}' for status, n in sorted(by_status.items()))})"
                for action, by_status in sorted(self.counts.items())
            ),
        ]
