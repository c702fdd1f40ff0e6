"""What an operation tells about its progress, and the two simplest listeners.

Operations call; faces listen.  Silent unless a face says otherwise, so library
code never draws on anybody's terminal.
"""

from __future__ import annotations

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
