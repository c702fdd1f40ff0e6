"""Records of `run`: as usual, without a summary; a dry run is spelled out."""

from __future__ import annotations

from typing import Any

from rookery.render.generic import Generic


class Renderer(Generic):
    """Shows a run."""

    def show(self, record: dict[str, Any]) -> None:
        """Say one record's line, or what a dry run found."""
        details = record.get("dry_run_info")
        if details is None:
            super().show(record)
        else:
            for line in self._dry_run(record, details):
                self.say(line)

    def _dry_run(self, record: dict[str, Any], details: dict[str, Any]) -> list[str]:
        if record.get("dry_run_mode") == "command":
            return [details["cmd_expanded"]]
        command = record["run_info"]["cmd"]
        lines = [self.paint("Dry run information", "magenta"), self._entry("location", details["pwd_full"])]
        for name in ("inputs", "outputs"):
            if details[name]:
                lines.append(self._entry(f"expanded {name}", details[name], apart=True))
        lines.append(self._entry("command", command, apart=True))
        if command != details["cmd_expanded"]:
            lines.append(self._entry("expanded command", details["cmd_expanded"], apart=True))
        return lines

    def _entry(self, key: str, value: Any, *, apart: bool = False) -> str:
        between = "\n  " if apart else " "
        return f" {self.paint(key, 'bold')}:{between}{value}"
