"""How a look at a deposit reads: `refs: 3`, `good XDLRA--refs`, `bad SHA256-... (why)`."""

from __future__ import annotations

from typing import Any

from rookery.core.results import text_of
from rookery.render.generic import Generic

COLOURS = {"good": "green", "bad": "red", "mended": "yellow", "removed": "magenta"}


class Renderer(Generic):
    """A line for each thing that is there."""

    def show(self, record: dict[str, Any]) -> None:
        """Say the line."""
        if record.get("type") != "deposit" or "name" not in record:
            super().show(record)
        elif "value" in record:
            self.say(f"{record['name']}: {record['value']}")
        else:
            verdict = str(record["verdict"])
            why = f" ({text_of(record['message'])})" if record.get("message") else ""
            self.say(f"{self.paint(verdict, COLOURS[verdict])} {record['name']}{why}")
