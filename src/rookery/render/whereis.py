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
        count = record["copies"]
        copies = f"({count} {'copy' if count == 1 else 'copies'})"
        self.say(f"{self.paint('whereis', 'bold')} {shown_path(record)} {copies}")
        for place in record["whereis"]:
            self.say(_line(place))
        if record["untrusted"]:
            self.say("The following untrusted locations may also have copies:")
            for place in record["untrusted"]:
                self.say(_line(place))
        for place in (*record["whereis"], *record["untrusted"]):
            for url in place["urls"]:
                self.say(f"  {place['remote'] or place['description']}: {url}")
        if message := text_of(record.get("message")):
            self.say(f"  {self.paint(message, 'yellow')}")


def _line(place: dict[str, Any]) -> str:
    since = _moment(int(place["since"])) if place["since"] else "unknown"
    gone = ", but gone" if place.get("missing") else ""
    name = f"{place['description']} [here]".lstrip() if place["here"] else place["description"]
    return f"  \t{place['uuid']} -- {name} (since {since}{gone})"


@lru_cache(maxsize=64)  # files that came together have the same
def _moment(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
