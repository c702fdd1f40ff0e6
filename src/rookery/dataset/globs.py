"""Path specifications of a run: names and patterns, relative to the folder that the command runs in."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from pathlib import Path


class Globs:
    """Specifications and what they match.

    A `.` stands for everything and is never expanded.  Matches are sorted
    within each pattern, patterns stay in their order.  A pattern without a match
    whose folders have one (a subdataset that is not installed) matches those
    partly.
    """

    def __init__(self, specs: Iterable[str] | None, pwd: Path, *, expand: bool = False) -> None:
        given = list(specs or ())
        self.pwd = pwd
        self._expand = expand
        self._dot = ["."] if any(spec.strip() == "." for spec in given) else []
        self._patterns = [
            os.path.relpath(spec, pwd) if os.path.isabs(spec) else spec
            for spec in given
            if spec.strip() != "."
        ]
        self._hits: dict[str, list[str]] | None = None
        self._partial: dict[str, list[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._dot or self._patterns)

    @property
    def specs(self) -> list[str]:
        """What a record says: the specifications, or with `expand` what they match."""
        return self.expanded() if self._expand else [*self._dot, *self._patterns]

    def forget(self) -> None:
        """Look again at the next question: files came or went."""
        self._hits = None

    def _look(self) -> dict[str, list[str]]:
        if self._hits is None:
            self._hits = {}
            self._partial = {}
            for pattern in self._patterns:
                self._hits[pattern] = self._matches(pattern)
                if not self._hits[pattern]:
                    tries = (self._matches(folder) for folder in _folder_patterns(pattern))
                    self._partial[pattern] = next(filter(None, tries), [])
        return self._hits

    def _matches(self, pattern: str) -> list[str]:
        found = glob.glob(pattern, root_dir=self.pwd, recursive=True)
        return sorted({self._tidy(hit): None for hit in found})

    def _tidy(self, hit: str) -> str:
        tidy = os.path.relpath(os.path.join(self.pwd, hit), self.pwd)
        tidy += "" if os.path.basename(hit) else os.sep
        return hit if hit == os.path.join(os.curdir, tidy) else tidy

    def matched(self, *, dot: bool = True) -> list[str]:
        """Give what is there."""
        hits = self._look()
        found = [path for pattern in self._patterns for path in hits[pattern]]
        return [*(self._dot if dot else ()), *found]

    def expanded(self, *, dot: bool = True) -> list[str]:
        """Give what is there, and the patterns that match nothing as they are (or as far as folders match)."""
        hits = self._look()
        found = [
            path
            for pattern in self._patterns
            for path in hits[pattern] or self._partial.get(pattern) or [pattern]
        ]
        return [*(self._dot if dot else ()), *found]

    @property
    def misses(self) -> list[str]:
        """The specifications of which not even a folder is there."""
        hits = self._look()
        return [p for p in self._patterns if not hits[p] and not self._partial.get(p)]

    def absolute(self, *, dot: bool = True) -> list[Path]:
        """Give what is there as absolute paths."""
        return [Path(os.path.normpath(self.pwd / path)) for path in self.matched(dot=dot)]


def _folder_patterns(pattern: str) -> list[str]:
    """Give the leading folders of a pattern, longest first, as long as there is a wildcard in them."""
    found = []
    folder = os.path.dirname(pattern.rstrip(os.sep))
    while folder and folder != os.sep and glob.has_magic(folder):
        found.append(folder + os.sep)
        folder = os.path.dirname(folder)
    return found
