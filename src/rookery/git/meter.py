"""Git's progress meter, read off its standard error and told to a listener."""

from __future__ import annotations

import re

from rookery.core.process import decode
from rookery.core.progress import Progress

_PHASE = re.compile(
    r"(?:remote: )?(?P<phase>[A-Z][a-z]+(?: [a-z]+)*): +\d+% \((?P<done>\d+)/(?P<total>\d+)\)"
)


class Meter:
    """Hears pieces of standard error; keeps the lines that are not the meter, in `words`.

    Call it with each piece, in order; `finish` when the program has ended.
    """

    def __init__(self, progress: Progress, task: str, label: str) -> None:
        self._progress = progress
        self._task = task
        self._label = label
        self._phase = ""
        self._rest = b""
        self.words: list[str] = []

    def __call__(self, piece: bytes) -> None:
        """Hear a piece."""
        *lines, self._rest = re.split(rb"[\r\n]", self._rest + piece)
        for line in lines:
            self._line(decode(line))

    def _line(self, line: str) -> None:
        found = _PHASE.match(line)
        if not found:
            if line.strip():
                self.words.append(line.rstrip())
            return
        if found["phase"] != self._phase:
            if self._phase:
                self._progress.finish(self._task)
            self._phase = found["phase"]
            self._progress.start(
                self._task, f"{self._label}: {self._phase}", int(found["total"]), self._phase.split()[-1]
            )
        self._progress.set(self._task, int(found["done"]))

    def finish(self) -> None:
        """End the task, and take the last line in."""
        if self._rest:
            self._line(decode(self._rest))
            self._rest = b""
        if self._phase:
            self._progress.finish(self._task)
            self._phase = ""
