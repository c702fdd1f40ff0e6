"""Records of `foreach-dataset`: as usual, or with `relpath` only what commands printed, each line behind its path."""

from __future__ import annotations

from typing import Any

from rookery.render.generic import Generic


class Renderer(Generic):
    """Shows what was done in each dataset."""

    def show(self, record: dict[str, Any]) -> None:
        """Say one record's line, or the lines that the command printed."""
        prefix = record.get("relpath")
        if prefix is None:
            super().show(record)
            return
        for line in record.get("stdout", "").splitlines():
            self.say(prefix + line)
        for line in record.get("stderr", "").splitlines():
            self.complain(prefix + line)
        if record["status"] != "ok":
            super().show(record)
