"""The completion script as it is, for a shell to read."""

from __future__ import annotations

from typing import Any

from rookery.render.generic import Generic


class Renderer(Generic):
    """Shows the script and nothing else."""

    def record(self, record: dict[str, Any]) -> None:
        """Show one record."""
        self.say(str(record["content"]).removesuffix("\n"))
