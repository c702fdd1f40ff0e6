"""`push`: the ordinary lines and summary, then every hint once."""

from __future__ import annotations

from typing import Any

from rookery.render.generic import Generic, Say
from rookery.render.words import generic_line


class Renderer(Generic):
    """Keeps the hints of all records, of those too that need no line, for the end."""

    def __init__(self, say: Say, **how: Any) -> None:
        super().__init__(say, **how)
        self._hints: dict[str, None] = {}

    def record(self, record: dict[str, Any]) -> None:
        """Show one record, and keep its hint."""
        if hint := record.get("hints"):
            self._hints[str(hint)] = None
        super().record(record)

    def show(self, record: dict[str, Any]) -> None:
        """Say the line without the hint."""
        self.say(generic_line({**record, "hints": None}, self.paint))

    def finish(self) -> None:
        """Say the summary, and the hints by number."""
        super().finish()
        if self._hints:
            self.say(self.paint("Hints: ", "yellow"))
        for number, hint in enumerate(self._hints, 1):
            self.say(f"{self.paint(str(number), 'yellow')}: {hint}")
