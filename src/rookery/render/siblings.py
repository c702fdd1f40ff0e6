"""How siblings read: `.: gin(+) [https://gin.example.org/me/data (git)]`."""

from __future__ import annotations

import os
from typing import Any

from rookery.render.generic import Generic
from rookery.render.words import hint_lines


class Renderer(Generic):
    """A line per sibling: `+` where an annex is known, `-` where there is none to use, `?` where nobody asked."""

    def record(self, record: dict[str, Any]) -> None:
        """Show one record."""
        action, status = record["action"], record["status"]
        if action == "remove-sibling" and status == "notneeded":
            self.tally.add(record)
            warning = self.paint("Warning", "yellow")
            self.say(f'{warning}: No sibling "{record["name"]}" in dataset {record["path"]}')
        elif status != "ok" or not str(action).endswith("-sibling"):
            super().record(record)
        else:
            self.tally.add(record)
            self.say(sibling_line(record) + hint_lines(record.get("hints")))

    def finish(self) -> None:
        """Say nothing more: the lines are all there is to know."""


def sibling_line(record: dict[str, Any]) -> str:
    """Give the line of one sibling."""
    refds = record.get("refds")
    place = os.path.relpath(record["path"], refds) if refds else record["path"]
    sign = "+" if "annex-uuid" in record else "-" if record.get("annex-ignore") else "?"
    what = record.get("annex-externaltype", "git")
    spec = f"{record['url']} ({what})" if "url" in record else what
    return f"{place}: {record['name']}({sign}) [{spec}]"
