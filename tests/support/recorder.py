"""A listener to progress that remembers what it heard, and minds the rules."""

from __future__ import annotations


class Recorder:
    """Remembers the last state of each task, and what was shown on the way."""

    def __init__(self) -> None:
        self.label: dict[str, str] = {}
        self.unit: dict[str, str] = {}
        self.total: dict[str, int | None] = {}
        self.done: dict[str, int] = {}
        self.ended: list[str] = []

    def start(self, task: str, label: str, total: int | None = None, unit: str = "B") -> None:
        assert task not in self.total, "a task begins once"
        self.label[task], self.unit[task], self.total[task], self.done[task] = label, unit, total, 0

    def set(self, task: str, done: int) -> None:
        assert task not in self.ended
        self.done[task] = done
        total = self.total[task]
        assert total is None or done <= total

    def grow(self, task: str, total: int) -> None:
        self.total[task] = total

    def finish(self, task: str) -> None:
        self.ended.append(task)

    @property
    def only(self) -> tuple[str, str, int, int | None]:
        """Give label, unit, done and total of the one task, which has ended."""
        (task,) = self.ended
        assert set(self.total) == {task}
        return self.label[task], self.unit[task], self.done[task], self.total[task]
