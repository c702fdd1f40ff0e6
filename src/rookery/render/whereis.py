"""How `whereis` reads: as `git annex whereis`, with dates."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

from rookery.core.results import text_of
from rookery.render.generic import Generic
from rookery.render.words import shown_path


class Renderer(Generic):
    """Shows each file with its copies; everything else as usual."""

    def show(self, record: dict[str, Any]) -> None:
        """Say the places of one file."""
        if "whereis" not in record:
            super().show(record)
            return
        places, untrusted = record["whereis"], record["untrusted"]
        count = record["copies"]
        copies = f"({count} {'copy' if count == 1 else 'copies'})"
        lines = [f"{self.paint('whereis', 'bold')} {shown_path(record)} {copies}", *map(_line, places)]
        if untrusted:
            lines.append("The following untrusted locations may also have copies:")
            lines += map(_line, untrusted)
        for place in (*places, *untrusted):
            lines += [f"  {place['remote'] or place['description']}: {url}" for url in place["urls"]]
        if message := text_of(record.get("message")):
            lines.append(f"  {self.paint(message, 'yellow')}")
        self.say("\n".join(lines))


def _line(place: dict[str, Any]) -> str:
    since = _moment(int(place["since"])) if place["since"] else "unknown"
    gone = ", but gone" if place.get("missing") else ""
    name = f"{place['description']} [here]".lstrip() if place["here"] else place["description"]
    return f"  \t{place['uuid']} -- {name} (since {since}{gone})"


@lru_cache(maxsize=64)  # files that came together have the same
def _moment(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
