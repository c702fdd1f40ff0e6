"""Progress on a terminal, as JSON lines, or not at all."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rookery.core.progress import SILENT, Progress

JSON_INTERVAL = 0.5  # seconds between two reports of the same task


class Bars:
    """Bars with bytes, rate and time left; drawn only once something takes long enough to start a task."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bars: Any = None
        self._tasks: dict[str, Any] = {}

    def start(self, task: str, label: str, total: int | None = None, unit: str = "B") -> None:
        """Begin a bar."""
        with self._lock:
            if self._bars is None:
                self._bars = _rich_bars()
                self._bars.start()
            form = _bytes if unit == "B" else f"{{done}}/{{total}} {unit}".format
            self._tasks[task] = (self._bars.add_task(label, total=total, amount=""), form, [total])

    def set(self, task: str, done: int) -> None:
        """Move a bar."""
        with self._lock:
            if task in self._tasks:
                number, form, total = self._tasks[task]
                shown = form(done=done, total="?" if total[0] is None else total[0])
                self._bars.update(number, completed=done, amount=shown)

    def grow(self, task: str, total: int) -> None:
        """Give a bar its length."""
        with self._lock:
            if task in self._tasks:
                self._tasks[task][2][0] = total
                self._bars.update(self._tasks[task][0], total=total)

    def finish(self, task: str) -> None:
        """Take a bar away."""
        with self._lock:
            if task in self._tasks:
                self._bars.remove_task(self._tasks.pop(task)[0])

    def close(self) -> None:
        """Give the terminal back."""
        with self._lock:
            if self._bars is not None:
                self._bars.stop()


def _bytes(*, done: int, total: Any) -> str:
    from rich.filesize import decimal  # start-up: only a terminal has bars

    return decimal(done) if total == "?" else f"{decimal(done)}/{decimal(int(total))}"


def _rich_bars() -> Any:
    from rich.console import Console  # start-up: only a terminal has bars
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[amount]}"),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        # else results meant for a file or a pipe would be drawn above the bar, on standard error
        redirect_stdout=sys.stdout.isatty(),
    )


class JsonLines:
    """One JSON object a line on standard error: task, label, done, total, unit, seconds since the start."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tasks: dict[str, dict[str, Any]] = {}

    def _tell(self, task: str, event: str) -> None:
        import json  # start-up: asked for by programs only

        state = self._tasks[task]
        state["told"] = time.monotonic()
        line = {k: state[k] for k in ("label", "done", "total", "unit")}
        line |= {"progress": event, "task": task, "seconds": round(state["told"] - state["began"], 3)}
        sys.stderr.write(json.dumps(line, sort_keys=True) + "\n")
        sys.stderr.flush()

    def start(self, task: str, label: str, total: int | None = None, unit: str = "B") -> None:
        """Report the beginning of a task."""
        with self._lock:
            began = time.monotonic()
            self._tasks[task] = {
                "label": label,
                "done": 0,
                "total": total,
                "unit": unit,
                "began": began,
                "told": began,
            }
            self._tell(task, "start")

    def set(self, task: str, done: int) -> None:
        """Report at most twice a second."""
        with self._lock:
            if task in self._tasks:
                self._tasks[task]["done"] = done
                if time.monotonic() - self._tasks[task]["told"] >= JSON_INTERVAL:
                    self._tell(task, "update")

    def grow(self, task: str, total: int) -> None:
        """Note the total."""
        with self._lock:
            if task in self._tasks:
                self._tasks[task]["total"] = total

    def finish(self, task: str) -> None:
        """Report the end of a task."""
        with self._lock:
            if task in self._tasks:
                self._tell(task, "finish")
                del self._tasks[task]


@contextmanager
def terminal_progress(mode: str) -> Iterator[Progress]:
    """Give the listener for a mode: "auto" draws on a terminal only, "json", "none"."""
    if mode == "json":
        yield JsonLines()
    elif mode == "auto" and sys.stderr.isatty():
        bars = Bars()
        try:
            yield bars
        finally:
            bars.close()
    else:
        yield SILENT
