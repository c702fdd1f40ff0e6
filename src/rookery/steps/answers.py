"""What became of paths, as far as those who asked for them or for a folder above them have to be told at the end."""

from __future__ import annotations

import os
from collections.abc import Iterable


class Answers:
    """Takes an answer for each path, and keeps no more than can be asked for: of a million of them most are not.

    `asked` are the whole paths that somebody named.
    """

    def __init__(self, asked: Iterable[str]) -> None:
        self._asked = frozenset(asked)
        self._named: set[str] = set()
        self._above: set[str] = set()
        self._failures: list[str] = []

    def note(self, path: str, *, ok: bool) -> None:
        """Take the answer for one path."""
        if path in self._asked:
            self._named.add(path)
        if not ok:
            self._failures.append(path)
        cut = path.rfind(os.sep)
        while cut > 0:
            if (folder := path[:cut]) in self._asked:
                self._above.add(folder)
            cut = path.rfind(os.sep, 0, cut)

    def __contains__(self, path: str) -> bool:
        """Say whether there was an answer for a path that was asked for."""
        return path in self._named

    def below(self, folder: str) -> bool:
        """Say whether there was an answer for anything in a folder that was asked for."""
        return folder in self._above

    def failures_below(self, folder: str) -> list[str]:
        """Give what failed in a folder."""
        return [path for path in self._failures if path.startswith(f"{folder}{os.sep}")]
