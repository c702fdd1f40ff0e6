"""How a look at a deposit reads: `refs: 3`, `good XDLRA--refs`, `bad SHA256-... (why)`."""

from __future__ import annotations

import time
from typing import Any

from rookery.core.results import text_of
from rookery.core.sizes import natural
from rookery.render.generic import Generic

COLOURS = {"good": "green", "bad": "red", "mended": "yellow", "removed": "magenta"}


class Renderer(Generic):
    """A line for each thing that is there."""

    def show(self, record: dict[str, Any]) -> None:
        """Say the line."""
        if record.get("type") != "deposit" or "name" not in record:
            super().show(record)
        elif "value" in record:
            self.say(f"{record['name']}: {_shown(record['name'], record['value'])}")
        else:
            verdict = str(record["verdict"])
            why = f" ({text_of(record['message'])})" if record.get("message") else ""
            self.say(f"{self.paint(verdict, COLOURS[verdict])} {record['name']}{why}")


def _shown(name: str, value: str | int) -> str:
    """Give a value as people read it: the time of a record in their own time, a size in its unit."""
    if name.startswith("record of "):
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(int(value)))
    return natural(int(value)) if name == "bytes" else str(value)
