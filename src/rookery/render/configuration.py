"""How settings read: `name=value` with what it is for, or the bare value that was asked for."""

from __future__ import annotations

import os
from textwrap import wrap
from typing import Any

from rookery.render.generic import Generic


class Renderer(Generic):
    """Shows values so that programs can read them, and everything else as any result."""

    def record(self, record: dict[str, Any]) -> None:
        """Show one record."""
        action = record["action"]
        if record["status"] != "ok" or action not in ("get_configuration", "dump_configuration"):
            if "message" not in record and "name" in record:
                suffix = f"={record['value']}" if "value" in record else ""
                record = {**record, "message": f"{record['name']}{suffix}"}
            super().record(record)
            return
        value = "" if record["value"] is None else record["value"]
        if action == "get_configuration":
            self.say(f"{_place(record)}{value}")
            return
        for line in wrap(record.get("purpose", ""), initial_indent="# ", subsequent_indent="# "):
            self.say(line)
        self.say(f"{_place(record)}{self.paint(record['name'], 'bold')}={value}")


def _place(record: dict[str, Any]) -> str:
    """Say which dataset a value is of, when there can be several."""
    if not record.get("recursive"):
        return ""
    below = os.path.relpath(record["path"], record["refds"])
    return f"<ds>{'' if below == '.' else '/' + below}:"
