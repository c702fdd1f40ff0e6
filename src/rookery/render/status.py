"""How states read: ` modified: data/one.csv (file)`, and a last line when nothing is to be saved."""

from __future__ import annotations

import os
from typing import Any

from rookery.core.sizes import binary
from rookery.render.generic import Generic, Say

COLOURS = {
    "untracked": "red",
    "modified": "red",
    "deleted": "red",
    "added": "green",
    "unknown": "yellow",
}
WIDTH = len("untracked")


class Renderer(Generic):
    """A line for each thing that is not clean; annexed files are counted and summed up at the end.

    Paths are shown from the dataset when the reader named it or stands at its
    root, else in full.
    """

    brief = True

    def __init__(self, say: Say, **how: Any) -> None:
        super().__init__(say, **how)
        self._sizes: list[tuple[int, bool | None]] = []
        self._all_clean = True

    def record(self, record: dict[str, Any]) -> None:
        """Show one record, unless it is of something clean."""
        if record.get("state") != "clean":
            self._all_clean = False
        self._sizes += record.get("unchanged", ())
        if "key" in record:
            self._sizes.append((_size(record), record.get("has_content")))
        if record["status"] != "ok" or record["action"] not in ("status", "diff"):
            super().record(record)
        elif record.get("state") != "clean":
            self.show(record)

    def show(self, record: dict[str, Any]) -> None:
        """Say the state of one thing."""
        if record["status"] != "ok" or record["action"] not in ("status", "diff"):
            super().show(record)
            return
        refds, path = record.get("refds"), record["path"]
        if refds is not None and self.seen_from in (None, refds):
            path = os.path.relpath(path, refds)
        state = record.get("state", "unknown")
        kind = f" ({self.paint(record['type'], 'magenta')})" if record.get("type") else ""
        fill = " " * max(0, WIDTH - len(state))
        self.say(f"{fill}{self.paint(state, COLOURS.get(state, 'bold'))}: {path}{kind}")

    def finish(self) -> None:
        """Say how much annexed content there is, and whether all is saved."""
        if self._sizes:
            self.say(_annexed(self._sizes))
        if self._all_clean:
            self.say("nothing to save, working tree clean")


def _size(record: dict[str, Any]) -> int:
    """Give the size of annexed content; of one whose key does not tell, that of what is here."""
    if record.get("bytesize") is not None:
        return int(record["bytesize"])
    return os.stat(record["objloc"]).st_size if record.get("has_content") else 0


def _annexed(sizes: list[tuple[int, bool | None]]) -> str:
    files = "file" if len(sizes) == 1 else "files"
    total = binary(sum(size for size, _ in sizes))
    if all(here is None for _, here in sizes):
        return f"{len(sizes)} annex'd {files} ({total} recorded total size)"
    present = binary(sum(size for size, here in sizes if here))
    return f"{len(sizes)} annex'd {files} ({present}/{total} present/total size)"
