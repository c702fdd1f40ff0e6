"""What an operation tells about its progress, and the two simplest listeners.

Operations call; faces listen.  Silent unless a face says otherwise, so library
code never draws on anybody's terminal.
"""

from __future__ import annotations

import threading
from typing import Protocol


class Progress(Protocol):
    """A listener.  `task` names one bar for as long as it lives; calls may come from any thread."""

    def start(self, task: str, label: str, total: int | None = None, unit: str = "B") -> None:
        """Begin a task; `total` in `unit` ("B" for bytes, else a plural noun), None if unknown."""

    def set(self, task: str, done: int) -> None:
        """Say how much is done, counted from the start of the task."""

    def grow(self, task: str, total: int) -> None:
        """Say that the total is now known to be `total`."""

    def finish(self, task: str) -> None:
        """End a task, done or not."""


class Silent:
    """The listener that hears nothing."""

    def start(self, task: str, label: str, total: int | None = None, unit: str = "B") -> None:
        """Hear nothing."""

    def set(self, task: str, done: int) -> None:
        """Hear nothing."""

    def grow(self, task: str, total: int) -> None:
        """Hear nothing."""

    def finish(self, task: str) -> None:
        """Hear nothing."""


SILENT = Silent()


class Together:
    """Tells the tasks of several datasets as one, whose total grows as they begin; itself a listener.

    Leaving the block ends the one task, whatever happened in it.
    """

    def __init__(self, listener: Progress, task: str, label: str, unit: str = "B") -> None:
        self._listener = listener
        self._task, self._label, self._unit = task, label, unit
        self._lock = threading.Lock()
        self._done: dict[str, int] = {}
        self._totals: dict[str, int] = {}

    def __enter__(self) -> Progress:
        # whoever finds nobody listening saves himself the counting
        return SILENT if self._listener is SILENT else self

    def __exit__(self, *failure: object) -> None:
        if self._totals:
            self._listener.finish(self._task)

    def start(self, task: str, label: str, total: int | None = None, unit: str = "B") -> None:  # noqa: ARG002 - the shape of Progress
        """Add a task."""
        with self._lock:
            first = not self._totals
            self._totals[task] = total or 0
            whole = sum(self._totals.values())
            if first:
                self._listener.start(self._task, self._label, whole, self._unit)
            else:
                self._listener.grow(self._task, whole)

    def set(self, task: str, done: int) -> None:
        """Say how much of one task is done, and so of all."""
        with self._lock:
            self._done[task] = done
            self._listener.set(self._task, sum(self._done.values()))

    def grow(self, task: str, total: int) -> None:
        """Change the total of one task, and so of all."""
        with self._lock:
            self._totals[task] = total
            self._listener.grow(self._task, sum(self._totals.values()))

    def finish(self, task: str) -> None:
        """Keep what a task has done: it counts until all have ended."""
