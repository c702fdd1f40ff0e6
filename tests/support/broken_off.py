"""Do something with a hub in a process that kills itself at the nth point at which it can be seen to act.

A point is a program that is started, a name that is made, moved or removed on the disk, and an
order to the database.  `python -m support.broken_off FOLDER POINT DEED` says how many there are, at its end.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import event

from rookery.hub.opening import Opened, open_hub
from rookery.hub.services.merge_styles import Style
from rookery.hub.services.uploads import Arrived, Wish
from rookery.hub.settings import read_settings
from support.hubs import HubInside

SEEN = frozenset({"subprocess.Popen", "os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir"})


class Points:
    """Counts what is done, and kills at one of them (0: at none)."""

    def __init__(self, last: int) -> None:
        self.count = 0
        self._last = last

    def one(self, *_: Any, **__: Any) -> None:
        """Pass one."""
        self.count += 1
        if self.count == self._last:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, opened: Opened) -> None:
        """Begin to count."""
        engine = opened.database.engine
        event.listen(engine, "before_cursor_execute", self.one)
        event.listen(engine, "commit", self.one)
        sys.addaudithook(lambda name, _: self.one() if name in SEEN else None)


def merge(hub: HubInside, style: Style) -> None:
    """Merge the first pull request of ada's data, as ada."""
    hub.opened.hub.merging.merge(hub.person("ada"), 1, 1, style=style)


def upload(hub: HubInside) -> None:
    """Put two files into ada's data, one of them into the annex."""
    coming = [hub.opened.settings.data.parent / name for name in ("small.txt", "large.dat")]
    base = hub.opened.hub.browsing.at(hub.person("ada"), 1).commit
    wish = Wish("main", "new", "", base)
    hub.opened.hub.uploads.commit(hub.person("ada"), 1, wish, [Arrived(one.name, one) for one in coming])


DEEDS: Mapping[str, Callable[[HubInside], None]] = {
    "upload": upload,
    **{f"merge-{style}": lambda hub, style=style: merge(hub, style) for style in Style},  # type: ignore[misc]
}


def main() -> None:
    """Do it."""
    folder, point, deed = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    opened = open_hub(read_settings(folder, os.environ), os.environ, time.time)
    points = Points(point)
    points.watch(opened)
    DEEDS[deed](HubInside(opened, time.time))  # type: ignore[arg-type]  # no clock is turned here
    print(points.count)


if __name__ == "__main__":
    main()
