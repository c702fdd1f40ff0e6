"""Records of `run-procedure`: as usual; discovered ones and help texts have lines of their own."""

from __future__ import annotations

from typing import Any

from rookery.core.results import text_of
from rookery.render.generic import Generic
from rookery.render.words import shown_path


class Renderer(Generic):
    """Shows procedures."""

    def show(self, record: dict[str, Any]) -> None:
        """Say one record."""
        name, message = record.get("procedure_name"), text_of(record.get("message"))
        if record["status"] != "ok" or name is None:
            super().show(record)
        elif record["action"] == "discover_procedure":
            shown = self.paint(name, "bold") if record["state"] == "executable" else name
            self.say(f"{shown} ({record['path']}) [{message}]")
        else:
            self.say(f"{self.paint(name, 'bold')} ({shown_path(record)})\n{message}")
