"""What became of content that was to be moved: the answer that every engine gives for each path or key."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

Verb = Literal["get", "drop", "copy", "move"]

# git-annex's own words when its reserve or the disk is exhausted; it has no exit code for it.
OUT_OF_SPACE = re.compile(r"not enough free space|No space left on device|Disk quota exceeded", re.IGNORECASE)


class Outcome(NamedTuple):
    """What became of one path, or of one key where there was no path.

    `note` is git-annex's own remark ("from origin..."); `errors` are messages
    of a failure, `wanted` the repositories that it says have a copy.  `silent`
    means that there was nothing to do and so nothing was said.
    """

    path: str | None
    key: str
    ok: bool
    note: str = ""
    errors: tuple[str, ...] = ()
    wanted: tuple[tuple[str, str], ...] = ()
    silent: bool = False

    @property
    def why(self) -> str:
        """All that was said, one line per reason."""
        return "\n".join(text for text in (*self.errors, self.note) if text)

    @property
    def message(self) -> str | None:
        """What a record says of it: the remark on one line; nothing where there are error messages."""
        if self.errors:
            return None
        lines = (
            n for n in self.note.splitlines() if n != "checksum..." and not n.startswith("checking file")
        )
        return "; ".join(line for line in lines if line) or None

    @property
    def error_message(self) -> str | None:
        """The error messages, one per line."""
        return "\n".join(self.errors) or None

    @property
    def out_of_space(self) -> bool:
        """Whether a disk or the reserve was full."""
        return bool(OUT_OF_SPACE.search(self.why))


# (path or key, bytes done, bytes in all if known); called from any thread
Listener = Callable[[str, int, int | None], None]

Clock = Callable[[], float]


class Item(NamedTuple):
    """One thing to act on: a key, and the path (below the top) that it was asked for by, if any."""

    path: str | None
    key: str

    @property
    def name(self) -> str:
        """What a listener knows it by."""
        return self.path or self.key
