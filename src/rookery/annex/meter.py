"""The progress of content that is moved or taken in: all files together, one bar."""

from __future__ import annotations

import threading

from rookery.annex.keys import size_of
from rookery.annex.outcome import Outcome
from rookery.core.progress import Progress


class Meter:
    """Adds up what is done of each file; `total` is what is known beforehand, in bytes or another unit.

    News may come from any thread.
    """

    def __init__(self, progress: Progress, task: str, label: str, total: int, unit: str = "B") -> None:
        self._progress = progress
        self._task, self._label, self._total = task, label, total
        self.unit = unit
        self._done = 0
        self._told = 0
        self._step = total // 500  # many small files need not be told one by one
        self._under_way: dict[str, int] = {}
        self._moved: set[str] = set()
        self._given_up: set[str] = set()
        self._counting = threading.RLock()

    def __enter__(self) -> Meter:
        self._progress.start(self._task, self._label, self._total, self.unit)
        return self

    def __exit__(self, *failure: object) -> None:
        self._progress.finish(self._task)

    def hear(self, what: str, done: int, total: int | None) -> None:  # noqa: ARG002 - has the shape of Listener
        """Take news of one file (or key) under way."""
        with self._counting:
            self._under_way[what] = done
            self._tell()

    def settled(self, outcome: Outcome) -> None:
        """Count a key that was moved once, whatever the number of its names; one that was not leaves the total.

        So what is shown as done has been done, and it comes to the whole at the end.
        """
        with self._counting:
            self._settle(outcome)

    def count(self, what: str, amount: int) -> None:
        """Count one file as done with its whole amount."""
        with self._counting:
            self._under_way.pop(what, None)
            self._done += amount
            self._tell()

    def _settle(self, outcome: Outcome) -> None:
        heard = [self._under_way.pop(what, 0) for what in (outcome.path or outcome.key, outcome.key)]
        key = outcome.key
        if key in self._moved:
            return
        known = size_of(key) if self.unit == "B" else 1
        if outcome.ok and not outcome.silent:
            self._moved.add(key)
            amount = max(heard) if known is None else known
            if known is None or key in self._given_up:
                self._expect(amount)
            self._done += amount
        elif key not in self._given_up:
            self._given_up.add(key)
            self._expect(-(known or 0))
        self._tell()

    def _expect(self, more: int) -> None:
        if more:
            self._total += more
            self._progress.grow(self._task, self._total)

    def _tell(self) -> None:
        done = self._done + sum(self._under_way.values())
        if abs(done - self._told) >= self._step or done == self._total:
            self._told = done
            self._progress.set(self._task, done)
