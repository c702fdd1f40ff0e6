"""The progress of content that is moved or taken in: all files together, one bar."""

from __future__ import annotations

from rookery.annex.content import Outcome
from rookery.annex.keys import size_of
from rookery.core.progress import Progress


class Meter:
    """Adds up what is done of each file; `total` is what is known beforehand, in bytes or another unit."""

    def __init__(self, progress: Progress, task: str, label: str, total: int, unit: str = "B") -> None:
        self._progress = progress
        self._task, self._label, self._total = task, label, total
        self.unit = unit
        self._done = 0
        self._told = 0
        self._step = total // 500  # many small files need not be told one by one
        self._under_way: dict[str, int] = {}

    def __enter__(self) -> Meter:
        self._progress.start(self._task, self._label, self._total, self.unit)
        return self

    def __exit__(self, *failure: object) -> None:
        self._progress.finish(self._task)

    def hear(self, what: str, done: int, total: int | None) -> None:  # noqa: ARG002 - has the shape of Listener
        """Take news of one file (or key) under way."""
        self._under_way[what] = done
        self._tell()

    def settled(self, outcome: Outcome) -> None:
        """Count a file that was moved as done, whatever became of it."""
        self._under_way.pop(outcome.key, None)
        self.count(outcome.path or outcome.key, size_of(outcome.key) or 0)

    def count(self, what: str, amount: int) -> None:
        """Count one file as done with its whole amount."""
        self._under_way.pop(what, None)
        self._done += amount
        self._tell()

    def _tell(self) -> None:
        done = self._done + sum(self._under_way.values())
        if abs(done - self._told) >= self._step or done == self._total:
            self._told = done
            self._progress.set(self._task, done)
