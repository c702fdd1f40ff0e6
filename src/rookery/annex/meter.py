"""The progress of moving content: bytes of all files together, one bar."""

from __future__ import annotations

from rookery.annex.content import Outcome
from rookery.annex.keys import size_of
from rookery.core.progress import Progress


class Meter:
    """Adds up what is done of each file; `total` are the bytes that keys tell beforehand."""

    def __init__(self, progress: Progress, task: str, label: str, total: int) -> None:
        self._progress = progress
        self._task, self._label, self._total = task, label, total
        self._done = 0
        self._under_way: dict[str, int] = {}

    def __enter__(self) -> Meter:
        self._progress.start(self._task, self._label, self._total)
        return self

    def __exit__(self, *failure: object) -> None:
        self._progress.finish(self._task)

    def hear(self, what: str, done: int, total: int | None) -> None:  # noqa: ARG002 - has the shape of Listener
        """Take news of one file (or key) under way."""
        self._under_way[what] = done
        self._tell()

    def settled(self, outcome: Outcome) -> None:
        """Count a file as done, whatever became of it."""
        self._under_way.pop(outcome.path or outcome.key, None)
        self._under_way.pop(outcome.key, None)
        self._done += size_of(outcome.key) or 0
        self._tell()

    def _tell(self) -> None:
        self._progress.set(self._task, self._done + sum(self._under_way.values()))
