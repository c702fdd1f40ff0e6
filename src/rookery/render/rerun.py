"""Records of `rerun`: as usual; a script that was asked for on the output is shown as it is."""

from __future__ import annotations

from typing import Any

from rookery.render.generic import Generic


class Renderer(Generic):
    """Shows a repetition."""

    def show(self, record: dict[str, Any]) -> None:
        """Say one record's line, or the script."""
        script = record.get("script")
        if script is None:
            super().show(record)
        else:
            self.say(script.removesuffix("\n"))
