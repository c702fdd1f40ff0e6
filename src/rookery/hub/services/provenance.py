"""How a file came to be: which command made it, from which files, which commands made those; and what was made of it.

A run record names what a command read, and its commit has what it wrote.  History is
walked once from the newest commit to the oldest.  A wish to know who made a path
travels from each commit to the parent that has the same content, so that parallel
lines of work are not taken for each other; renames change the path on the way.  A second
walk over what was read, oldest first, follows what came of the file.

Everything here is a function of values; `services/lineage.py` reads them.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rookery.git.commits import Commit, Logged, Touched
from rookery.hub.services.runs import Run

# How much is shown: versions of files, steps back, inputs of one command, later uses.
MOST_VERSIONS = 150
MOST_STEPS = 12
MOST_INPUTS = 40
MOST_USES = 40


class Version(NamedTuple):
    """A file as a commit left it, under the name that it had then."""

    path: str
    commit: str


class Maker(NamedTuple):
    """What made a version: a command, or (without `run`) a person's commit.

    `inputs` are the versions that the command read, `unknown` those that it names and no
    commit has, `renamed` is the version under its former name.
    """

    commit: Commit
    run: Run | None
    inputs: tuple[Version, ...]
    unknown: tuple[str, ...]
    renamed: Version | None


class Use(NamedTuple):
    """A command that read the file, or something that was made of it, and what it wrote."""

    commit: Commit
    run: Run
    took: tuple[str, ...]
    made: tuple[str, ...]


class Lineage(NamedTuple):
    """All of it.  `root` is None where no commit has the path.  `cut` says what was left out, for people."""

    root: Version | None
    makers: dict[Version, Maker]
    uses: tuple[Use, ...]
    cut: tuple[str, ...]


@dataclass(eq=False)
class _Reader:
    """Who wants to know: a command, for its inputs; or one who follows a single file."""

    step: int
    found: list[Version] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    full: bool = False

    def add(self, version: Version) -> bool:
        """Take a version in; False if this path was told already, or there is no room."""
        if version.path in self.seen:
            return False
        self.seen.add(version.path)
        self.full = len(self.found) >= MOST_INPUTS
        if not self.full:
            self.found.append(version)
        return not self.full


class Wanted(NamedTuple):
    """Which paths a record's words mean: a file, all below a folder, a pattern."""

    word: str
    path: str
    pattern: re.Pattern[str] | None

    def fits(self, path: str) -> bool:
        """Say whether a path is meant."""
        if self.pattern is not None:
            return self.pattern.fullmatch(path) is not None
        return self.path in ("", path) or path.startswith(f"{self.path}/")


def wanted_of(run: Run) -> list[Wanted]:
    """Read the inputs of a record; they are told from the folder in which the command ran."""
    found = []
    for word in (*run.inputs, *run.extra_inputs):
        path = posixpath.normpath(posixpath.join(run.folder, word))
        if path.startswith(("../", "/")) or path == "..":
            continue
        form = _pattern(path) if set(path) & set("*?[{") else None
        found.append(Wanted(word, "" if path == "." else path, form))
    return found


def _pattern(path: str) -> re.Pattern[str]:
    """Translate a pattern as the shell means it; a `{word}` stands for anything."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    text = ""
    for piece in re.findall(r"\*\*/|\*\*|\*|\?|\[!?[^\]/]+\]|\{[^{}/]*\}|.", path, re.DOTALL):
        if piece.startswith("[") and len(piece) > 1:
            inside = re.escape(piece[1:-1].removeprefix("!")).replace(r"\-", "-")
            text += f"[{'^' if piece[1] == '!' else ''}{inside}]"
        elif piece.startswith("{") and len(piece) > 1:
            text += "[^/]*"
        else:
            text += parts.get(piece) or re.escape(piece)
    try:
        return re.compile(f"{text}(?:/.*)?", re.DOTALL)
    except re.error:
        return re.compile(re.escape(path))


class _Wishes:
    """What is wanted at one commit: paths as they are, all below folders, what fits patterns."""

    def __init__(self) -> None:
        self.paths: dict[str, list[_Reader]] = {}
        self.folders: dict[str, list[_Reader]] = {}
        self.patterns: dict[tuple[_Reader, str], re.Pattern[str]] = {}

    def __bool__(self) -> bool:
        return bool(self.paths or self.folders or self.patterns)

    def add(self, wanted: Wanted, reader: _Reader) -> None:
        """Wish for what a word of a record means: whether it is a file or a folder, nobody knows yet."""
        if wanted.pattern is not None:
            self.patterns[reader, wanted.word] = wanted.pattern
            return
        self.paths.setdefault(wanted.path, []).append(reader)
        self.folders.setdefault(wanted.path, []).append(reader)

    def take(self, other: _Wishes) -> None:
        """Take in those of another child of the same commit."""
        for path, readers in other.paths.items():
            self.paths.setdefault(path, []).extend(readers)
        for path, readers in other.folders.items():
            mine = self.folders.setdefault(path, [])
            mine.extend(reader for reader in readers if reader not in mine)
        self.patterns |= other.patterns

    def for_any(self) -> _Wishes:
        """Give those that do not end with the first file that fits."""
        twin = _Wishes()
        twin.folders = {path: list(readers) for path, readers in self.folders.items()}
        twin.patterns = dict(self.patterns)
        return twin

    def may_meet(self, logged: Logged) -> bool:
        """Say whether a commit may have changed anything that is wanted: most have not."""
        if self.patterns or "" in self.folders:
            return True
        return any(map(logged.may_touch, self.paths)) or any(map(logged.may_touch, self.folders))

    def around(self, path: str) -> Iterator[_Reader]:
        """Yield who wants a path because of a folder above it, or of a pattern."""
        if self.folders:
            above = path
            while above:
                above = above.rpartition("/")[0]
                yield from self.folders.get(above, ())
        for (reader, _), pattern in self.patterns.items():
            if pattern.fullmatch(path):
                yield reader


class _Walk:
    """The first walk, from the newest commit to the oldest."""

    def __init__(self, history: Sequence[Logged], runs: Mapping[str, Run]) -> None:
        self._history = history
        self._runs = runs
        self._wishes: dict[str, _Wishes] = {}
        self._commands: dict[str, _Reader] = {}
        self._former: dict[Version, _Reader] = {}
        self._commits: dict[Version, Commit] = {}
        self.cut: set[str] = set()

    def go(self, path: str) -> Version | None:
        """Follow a path from the first commit of the history; give the version that is there."""
        asking = _Reader(0)
        first = _Wishes()
        first.paths[path] = [asking]
        self._wishes[self._history[0].commit.sha] = first
        for logged in self._history:
            wishes = self._wishes.pop(logged.commit.sha, None)
            if wishes:
                self._visit(logged, wishes)
        return asking.found[0] if asking.found else None

    def _visit(self, logged: Logged, wishes: _Wishes) -> None:
        commit = logged.commit
        # A merge is as one of its parents; one with a record holds what its command did, its own commits too.
        merges = len(commit.parents) > 1 and commit.sha not in self._runs
        onward = _Wishes()
        aside = wishes.for_any() if merges else _Wishes()
        for change in logged.changes() if wishes.may_meet(logged) else ():
            readers = wishes.paths.pop(change.path, [])
            if merges:
                if readers:
                    aside.paths[change.path] = readers
                continue
            readers = [*readers, *wishes.around(change.path)]
            if readers:
                self._changed(change, commit, readers, onward)
        wishes.take(onward)
        for parent, wished in zip(
            commit.parents, (wishes, *[aside] * (len(commit.parents) - 1)), strict=False
        ):
            self._hand_on(parent, wished)

    def _changed(self, change: Touched, commit: Commit, readers: list[_Reader], onward: _Wishes) -> None:
        if change.status == "D":
            for reader in readers:
                reader.seen.add(change.path)  # there was none any more
            return
        version = Version(change.path, commit.sha)
        told = [reader.add(version) for reader in dict.fromkeys(readers)]
        if any(reader.full for reader in readers):
            self.cut.add(f"of what a command read, {MOST_INPUTS} files are shown")
        if any(told):
            self._made(version, commit, change.from_path, onward, min(reader.step for reader in readers))

    def _hand_on(self, parent: str, wishes: _Wishes) -> None:
        there = self._wishes.get(parent)
        if there is None and wishes:
            self._wishes[parent] = wishes
        elif there is not None and there is not wishes:
            there.take(wishes)

    def _made(self, version: Version, commit: Commit, former: str | None, onward: _Wishes, step: int) -> None:
        if version in self._commits:
            return
        if len(self._commits) >= MOST_VERSIONS:
            self.cut.add(f"{MOST_VERSIONS} files are shown")
            return
        self._commits[version] = commit
        run = self._runs.get(commit.sha)
        if step >= MOST_STEPS:
            if run is not None or former is not None:
                self.cut.add(f"{MOST_STEPS} steps back are shown")
            return
        if former is not None:
            self._former[version] = reader = _Reader(step + 1)
            onward.paths.setdefault(former, []).append(reader)
        if run is None or commit.sha in self._commands:
            return
        self._commands[commit.sha] = reader = _Reader(step + 1)
        for wanted in wanted_of(run):
            onward.add(wanted, reader)

    def makers(self) -> dict[Version, Maker]:
        """Give what made each version, after the walk."""
        return dict(self._maker(version, commit) for version, commit in self._commits.items())

    def _maker(self, version: Version, commit: Commit) -> tuple[Version, Maker]:
        run, reader = self._runs.get(commit.sha), self._commands.get(commit.sha)
        inputs = _in_order(run, reader.found) if run and reader else ()
        former = self._former.get(version)
        renamed = former.found[0] if former and former.found else None
        unknown: list[str] = []
        if run and reader:
            unknown = [w.word for w in wanted_of(run) if not any(w.fits(path) for path in reader.seen)]
        return version, Maker(commit, run, inputs, tuple(unknown), renamed)


def _in_order(run: Run, found: list[Version]) -> tuple[Version, ...]:
    """Sort what a command read as its record names it."""
    words = wanted_of(run)
    ranked = [(next((n for n, one in enumerate(words) if one.fits(v.path)), len(words)), v) for v in found]
    return tuple(version for _, version in sorted(ranked))


def trace(history: Sequence[Logged], runs: Mapping[str, Run], path: str) -> Lineage:
    """Follow a file of the first commit of a history, whose commits come after their children."""
    if not history:
        return Lineage(None, {}, (), ())
    walk = _Walk(history, runs)
    root = walk.go(path)
    makers = walk.makers()
    uses, more = ([], False) if root is None else _uses(history, runs, root)
    cut = sorted(walk.cut) + ([f"{MOST_USES} commands that used it are shown"] if more else [])
    return Lineage(root, makers, tuple(uses), tuple(cut))


def _uses(history: Sequence[Logged], runs: Mapping[str, Run], root: Version) -> tuple[list[Use], bool]:
    """Follow what came of a version, oldest commit first; say whether there is more than is given."""
    uses: list[Use] = []
    touched: dict[str, frozenset[str]] = {}
    begun = False
    for logged in reversed(history):
        sha = logged.commit.sha
        if sha == root.commit:
            touched[sha], begun = frozenset({root.path}), True
            continue
        if not begun:
            continue
        before = frozenset[str]().union(
            *(touched.get(parent, frozenset()) for parent in logged.commit.parents)
        )
        if not before:
            continue
        run = runs.get(sha)
        took = tuple(_taken(run, before)) if run else ()
        if run and took:
            if len(uses) == MOST_USES:
                return uses, True
            made = tuple(change.path for change in logged.changes() if change.status != "D")
            uses.append(Use(logged.commit, run, took[:MOST_INPUTS], made[:MOST_INPUTS]))
            before |= set(made)
        touched[sha] = _moved(logged, before)
    return uses, False


def _taken(run: Run, paths: frozenset[str]) -> Iterator[str]:
    wanted = wanted_of(run)
    return (path for path in sorted(paths) if any(one.fits(path) for one in wanted))


def _moved(logged: Logged, paths: frozenset[str]) -> frozenset[str]:
    """Give the paths under which what they named is after a commit."""
    if len(logged.commit.parents) > 1:
        return paths
    if not any(map(logged.may_touch, paths)):
        return paths
    gone = {change.path for change in logged.changes() if change.status == "D"}
    renamed = {c.from_path: c.path for c in logged.changes() if c.status == "R" and c.from_path in paths}
    if not renamed and not gone & paths:
        return paths
    return frozenset(renamed.get(path, path) for path in paths - gone)
