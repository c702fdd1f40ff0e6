"""A history as provenance needs it: which commit changed which path, found without a walk over the commits between.

Commits stand oldest first and are named by their positions, so that what is
pushed later is added at the end.  Nothing here is read from a disk; `services/lineage.py` does that.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from rookery.git.commits import Commit, Logged
from rookery.hub.services.runs import Run

# How one change is kept: the commit's position, and whether the path was gone after it.
_GONE = 1

# Of a group of more paths than these, one does not ask each for its last change.
_FEW = 500


class Group:
    """Paths that one word of a record means, and the positions at which any of them was changed."""

    def __init__(self, chronicle: Chronicle, names: Sequence[str]) -> None:
        self.names = names
        self._chronicle = chronicle
        self._all: list[int] | None = None

    def before(self, position: int, told: set[str]) -> int:
        """Give the last position up to this one at which a path that was not told yet was changed; -1 if none was."""
        if len(self.names) <= _FEW:
            last = self._chronicle.last
            return max((last(name, position) for name in self.names if name not in told), default=-1)
        if self._all is None:
            self._all = sorted({at for name in self.names for at in self._chronicle.changes_of(name)})
        there = bisect_right(self._all, position)
        return self._all[there - 1] if there else -1


class Chronicle:
    """Commits of one history and what they changed.  It grows at its end only, also while others read it."""

    def __init__(self, *, cut: bool) -> None:
        self.cut = cut  # older commits were left out
        self.commits: list[Commit] = []
        self.positions: dict[str, int] = {}
        self.runs: dict[int, Run] = {}
        self.unread: list[Commit] = []  # with a record that could not be read so far
        self.paths: list[tuple[str, ...]] = []  # what each commit changed, as Git sorts it
        self.size = 0
        self._changes: dict[str, Sequence[int]] = {}
        self._former: dict[tuple[str, int], str] = {}
        self._lowest: list[int] = []
        self._names: list[str] = []

    def grow(self, newest_first: Iterable[Logged]) -> None:
        """Add commits that come after all that are here."""
        fresh: set[str] = set()
        for logged in reversed(list(newest_first)):
            self._add(logged, fresh)
        self._names = sorted([*self._names, *fresh])  # a new list: somebody may be reading the old one

    def _add(self, logged: Logged, fresh: set[str]) -> None:
        at, commit = len(self.commits), logged.commit
        stays, gone = (2 * at,), (2 * at + _GONE,)  # one for all paths of a commit: most are changed once
        changed = []
        for status, path, former in logged.changes():
            changed.append(path)
            self._note(path, gone if status == "D" else stays, fresh)
            if status == "R" and former is not None:
                self._former[path, at] = former
                changed.append(former)
                self._note(former, gone, fresh)
        linear = at and commit.parents == (self.commits[-1].sha,)
        self._lowest.append(self._lowest[-1] if linear else at)
        self.paths.append(tuple(changed))
        self.size += 10 + len(changed)
        self.commits.append(commit)
        self.positions[commit.sha] = at

    def _note(self, path: str, change: tuple[int], fresh: set[str]) -> None:
        known = self._changes.get(path)
        if known is None:
            fresh.add(path)
            self._changes[path] = change
        elif isinstance(known, list):
            known.extend(change)
        else:
            self._changes[path] = [*known, *change]

    def changes_of(self, path: str) -> list[int]:
        """Give all positions at which a path was changed."""
        return [change >> 1 for change in self._changes.get(path, ())]

    def last(self, path: str, position: int) -> int:
        """Give the last position up to this one at which a path was changed; -1 if it never was."""
        known = self._changes.get(path, ())
        there = bisect_right(known, 2 * position + _GONE)
        return known[there - 1] >> 1 if there else -1

    def gone(self, path: str, position: int) -> bool:
        """Say whether a commit, which changed the path, left none of that name."""
        known = self._changes.get(path, ())
        there = bisect_left(known, 2 * position)
        return there < len(known) and known[there] == 2 * position + _GONE

    def former(self, path: str, position: int) -> str | None:
        """Give the name from which a commit renamed a path."""
        return self._former.get((path, position))

    def lowest(self, position: int) -> int:
        """Give the oldest of the commits that lead here with one parent each, one after the other."""
        return self._lowest[position]

    def parents(self, position: int) -> list[int]:
        """Give the positions of a commit's parents, as far as they are here."""
        known = (self.positions.get(parent) for parent in self.commits[position].parents)
        return [parent for parent in known if parent is not None]

    def below(self, folder: str) -> Group:
        """Give all paths that were ever below a folder."""
        if not folder:
            return Group(self, self._names)
        names = self._names
        first, end = bisect_left(names, f"{folder}/"), bisect_left(names, f"{folder}0")  # "0" comes after "/"
        return Group(self, names[first:end])

    def fitting(self, pattern: re.Pattern[str], beginning: str) -> Group:
        """Give all paths that ever fitted a pattern, which must begin like this."""
        names = self._names
        found = []
        for name in names[bisect_left(names, beginning) :]:
            if not name.startswith(beginning):
                break
            if pattern.fullmatch(name):
                found.append(name)
        return Group(self, found)

    def ancestors(self, position: int, *, since: int) -> set[int]:
        """Give a commit and those it comes from, down to a position."""
        found = {position}
        for at in range(position, since - 1, -1):
            if at in found:
                found.update(self.parents(at))
        return found
