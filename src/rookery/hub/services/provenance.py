"""How a file came to be: which command made it, from which files, which commands made those; and what was made of it.

A run record names what a command read, and its commit has what it wrote.  A wish to know who
made a path travels from the newest commit to the oldest, to the parent that has the same
content, so that parallel lines of work are not taken for each other; renames change the path on
the way.  What lies between two commits that matter is passed over, whatever its length.  A second
walk, oldest first, follows what came of the file.

Everything here is a function of values; `services/lineage.py` reads them.
"""

from __future__ import annotations

import heapq
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from rookery.git.commits import Commit
from rookery.hub.services.chronicle import Chronicle, Group
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

    def group(self, chronicle: Chronicle) -> Group:
        """Give all paths that it ever meant beside its own: whether that is a file or a folder, no record says."""
        if self.pattern is not None:
            return chronicle.fitting(self.pattern, re.split(r"[*?\[{]", self.path, maxsplit=1)[0])
        return chronicle.below(self.path)


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
    """What is wanted at one commit: single paths, and for words of records what is in a folder or fits a pattern."""

    def __init__(self) -> None:
        self.paths: dict[str, list[_Reader]] = {}
        self.groups: dict[tuple[_Reader, str], Group] = {}

    def __bool__(self) -> bool:
        return bool(self.paths or self.groups)

    def take(self, other: _Wishes) -> None:
        """Take in those of another child of the same commit."""
        for path, readers in other.paths.items():
            mine = self.paths.setdefault(path, [])
            mine.extend(reader for reader in readers if reader not in mine)
        self.groups |= other.groups

    def before(self, chronicle: Chronicle, position: int) -> int:
        """Give the last position up to this one at which anything wanted was changed; -1 if nothing was."""
        single = (chronicle.last(path, position) for path in self.paths)
        grouped = (group.before(position, reader.seen) for (reader, _), group in self.groups.items())
        return max(max(single, default=-1), max(grouped, default=-1))

    def met(self, chronicle: Chronicle, position: int) -> dict[str, list[_Reader]]:
        """Give the wanted paths that a commit changed, and who wants them because of a word."""
        found: dict[str, list[_Reader]] = {
            p: [] for p in self.paths if chronicle.last(p, position) == position
        }
        for (reader, _), group in self.groups.items():
            for path in group.names:
                if reader.full:
                    break
                if path not in reader.seen and chronicle.last(path, position) == position:
                    found.setdefault(path, []).append(reader)
        return found


class _Walk:
    """The first walk, from the newest commit to the oldest, from each that matters to the next."""

    def __init__(self, chronicle: Chronicle) -> None:
        self._chronicle = chronicle
        self._runs = chronicle.runs
        self._wishes: dict[int, _Wishes] = {}
        self._waiting: list[int] = []  # a heap: newest first
        self._commands: dict[int, _Reader] = {}
        self._former: dict[Version, _Reader] = {}
        self._commits: dict[Version, int] = {}
        self.cut: set[str] = set()

    def go(self, path: str, position: int) -> Version | None:
        """Follow a path from a commit; give the version that is there."""
        asking = _Reader(0)
        first = _Wishes()
        first.paths[path] = [asking]
        self._hand_on(position, first)
        while self._waiting:
            at = -heapq.heappop(self._waiting)
            self._visit(at, self._wishes.pop(at))
        return asking.found[0] if asking.found else None

    def _hand_on(self, position: int, wishes: _Wishes) -> None:
        """Let wishes go on from a commit: to the next that changed what they want, or that has not one parent."""
        if not wishes:
            return
        at = max(wishes.before(self._chronicle, position), self._chronicle.lowest(position))
        there = self._wishes.get(at)
        if there is None:
            self._wishes[at] = wishes
            heapq.heappush(self._waiting, -at)
        elif there is not wishes:
            there.take(wishes)

    def _visit(self, at: int, wishes: _Wishes) -> None:
        parents = self._chronicle.parents(at)
        # A merge is as one of its parents; one with a record holds what its command did, its own commits too.
        merges = len(self._chronicle.commits[at].parents) > 1 and at not in self._runs
        onward, aside = _Wishes(), _Wishes()
        if merges:
            aside.groups = dict(wishes.groups)
        for path, grouped in wishes.met(self._chronicle, at).items():
            readers = wishes.paths.pop(path, [])
            if merges:
                if readers:
                    aside.paths[path] = readers
                continue
            self._changed(path, at, list(dict.fromkeys([*readers, *grouped])), onward)
        self._without_what_was_met(wishes)
        wishes.take(onward)
        mainline = self._chronicle.commits[at].parents[:1]
        for parent in parents:
            first = self._chronicle.commits[parent].sha in mainline
            self._hand_on(parent, wishes if first else _copied(aside))

    @staticmethod
    def _without_what_was_met(wishes: _Wishes) -> None:
        """Forget words of commands for which no more is shown; a word of which nothing was met may still be."""
        for (reader, word), group in list(wishes.groups.items()):
            if reader.full and not reader.seen.isdisjoint(group.names):
                del wishes.groups[reader, word]

    def _changed(self, path: str, at: int, readers: list[_Reader], onward: _Wishes) -> None:
        if self._chronicle.gone(path, at):
            for reader in readers:
                reader.seen.add(path)  # there was none any more
            return
        version = Version(path, self._chronicle.commits[at].sha)
        told = [reader.add(version) for reader in readers]
        if any(reader.full for reader in readers):
            self.cut.add(f"of what a command read, {MOST_INPUTS} files are shown")
        if any(told):
            self._made(version, at, onward, min(reader.step for reader in readers))

    def _made(self, version: Version, at: int, onward: _Wishes, step: int) -> None:
        if version in self._commits:
            return
        if len(self._commits) >= MOST_VERSIONS:
            self.cut.add(f"{MOST_VERSIONS} files are shown")
            return
        self._commits[version] = at
        run, former = self._runs.get(at), self._chronicle.former(version.path, at)
        if step >= MOST_STEPS:
            if run is not None or former is not None:
                self.cut.add(f"{MOST_STEPS} steps back are shown")
            return
        if former is not None:
            self._former[version] = reader = _Reader(step + 1)
            onward.paths.setdefault(former, []).append(reader)
        if run is None or at in self._commands:
            return
        self._commands[at] = reader = _Reader(step + 1)
        for wanted in wanted_of(run):
            if wanted.pattern is None:
                onward.paths.setdefault(wanted.path, []).append(reader)  # one file comes from one parent
            onward.groups[reader, wanted.word] = wanted.group(self._chronicle)

    def makers(self) -> dict[Version, Maker]:
        """Give what made each version, after the walk."""
        return dict(self._maker(version, at) for version, at in self._commits.items())

    def _maker(self, version: Version, at: int) -> tuple[Version, Maker]:
        run, reader = self._runs.get(at), self._commands.get(at)
        inputs = _in_order(run, reader.found) if run and reader else ()
        former = self._former.get(version)
        renamed = former.found[0] if former and former.found else None
        unknown: list[str] = []
        if run and reader:
            unknown = [w.word for w in wanted_of(run) if not any(w.fits(path) for path in reader.seen)]
        return version, Maker(self._chronicle.commits[at], run, inputs, tuple(unknown), renamed)


def _in_order(run: Run, found: list[Version]) -> tuple[Version, ...]:
    """Sort what a command read as its record names it."""
    words = wanted_of(run)
    ranked = [(next((n for n, one in enumerate(words) if one.fits(v.path)), len(words)), v) for v in found]
    return tuple(version for _, version in sorted(ranked))


def _copied(wishes: _Wishes) -> _Wishes:
    twin = _Wishes()
    twin.take(wishes)
    return twin


def trace(chronicle: Chronicle, sha: str, path: str) -> Lineage:
    """Follow a file of a commit of the chronicle."""
    position = chronicle.positions[sha]
    walk = _Walk(chronicle)
    root = walk.go(path, position)
    makers = walk.makers()
    uses, more = ([], False) if root is None else _uses(chronicle, root, position)
    cut = sorted(walk.cut) + ([f"{MOST_USES} commands that used it are shown"] if more else [])
    return Lineage(root, makers, tuple(uses), tuple(cut))


def _uses(chronicle: Chronicle, root: Version, end: int) -> tuple[list[Use], bool]:
    """Follow what came of a version up to a commit, oldest first; say whether there is more than is given."""
    begin = chronicle.positions[root.commit]
    within = chronicle.ancestors(end, since=begin)
    uses: list[Use] = []
    touched: dict[int, frozenset[str]] = {begin: frozenset({root.path})}
    for at in range(begin + 1, end + 1):
        before = _any_of([touched[one] for one in chronicle.parents(at) if one in touched])
        if not before or at not in within:
            continue
        run = chronicle.runs.get(at)
        took = tuple(_taken(run, before)) if run else ()
        if run and took:
            if len(uses) == MOST_USES:
                return uses, True
            made = [path for path in chronicle.paths[at] if not chronicle.gone(path, at)]
            uses.append(Use(chronicle.commits[at], run, took[:MOST_INPUTS], tuple(made[:MOST_INPUTS])))
            before |= set(made)
        touched[at] = _moved(chronicle, at, before)
    return uses, False


def _any_of(sets: Sequence[frozenset[str]]) -> frozenset[str]:
    """Give what is in any of them; mostly there is one, and nothing is copied."""
    return sets[0] if len(sets) == 1 else frozenset[str]().union(*sets)


def _taken(run: Run, paths: frozenset[str]) -> Iterator[str]:
    wanted = wanted_of(run)
    return (path for path in sorted(paths) if any(one.fits(path) for one in wanted))


def _moved(chronicle: Chronicle, at: int, paths: frozenset[str]) -> frozenset[str]:
    """Give the paths under which what they named is after a commit."""
    changed = chronicle.paths[at]
    if len(chronicle.commits[at].parents) > 1 or paths.isdisjoint(changed):
        return paths
    gone = {path for path in paths.intersection(changed) if chronicle.gone(path, at)}
    if not gone:
        return paths
    renamed = {path for path in changed if chronicle.former(path, at) in gone}
    return paths - gone | renamed
