"""How siblings that were made read: `create_sibling_webdav(ok): . [name: url]`."""

from __future__ import annotations

from typing import Any

from rookery.render.generic import Generic
from rookery.render.words import STATUS_COLOURS, shown_path


class Renderer(Generic):
    """A line for each sibling that was made; what failed reads as any result."""

    def show(self, record: dict[str, Any]) -> None:
        """Say the line."""
        if record["status"] != "ok" or "sibling_webdav" not in str(record["action"]):
            super().show(record)
            return
        action = self.paint(record["action"], "bold")
        status = self.paint("ok", STATUS_COLOURS["ok"])
        url = f": {record['url']}" if "url" in record else ""
        name = self.paint(str(record["name"]), "magenta")
        self.say(f"{action}({status}): {shown_path(record)} [{name}{url}]")
