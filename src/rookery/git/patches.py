"""Changes as Git shows them to people: which files, and the lines that differ, from one process that may be left early.

The form is that of git-diff(1), "generating patch text with -p", behind the raw
one: `git diff-tree --raw -p -z` writes all raw records, an empty one, then the
patches in the same order (seen with Git 2.39 and 2.47).  A change of kind (file to symlink) is
one raw record and two patches.
"""

from __future__ import annotations

import itertools
import re
import signal
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rookery.core.process import decode
from rookery.git import modes
from rookery.git.repo import Repo
from rookery.git.trees import Difference, parse_raw

# Git takes what is larger for binary (core.bigFileThreshold): its lines are in no patch.
LARGEST_TEXT = 256 << 10

# So many bytes of patches are read at most, and no further ones are asked for then.
LARGEST_PATCHES = 2 << 20

# Renames are looked for among so many files that came and went; exact ones always.
_RENAMES = 400

_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@(.*)")


class Line(NamedTuple):
    """One line of a hunk: `kind` is "+", "-" or " "; its number on either side (None: not there)."""

    kind: str
    old: int | None
    new: int | None
    text: str
    ends: bool = True  # False: the file ends without a line break


class Hunk(NamedTuple):
    """Lines around a change; `heading` is what Git takes for the nearest heading above."""

    old: int
    new: int
    heading: str
    lines: tuple[Line, ...]


class Patch(NamedTuple):
    """How the lines of a file changed.  With `binary` there are none to show."""

    hunks: tuple[Hunk, ...] = ()
    binary: bool = False

    @property
    def added(self) -> int:
        """How many lines came."""
        return sum(line.kind == "+" for hunk in self.hunks for line in hunk.lines)

    @property
    def removed(self) -> int:
        """How many lines went."""
        return sum(line.kind == "-" for hunk in self.hunks for line in hunk.lines)


class Changed(NamedTuple):
    """Differences from `skip` on, with patches as far as they were read; `total` counts all differences."""

    found: list[tuple[Difference, Patch | None]]
    total: int


def read_changes(
    repo: Repo,
    old: str | None,
    new: str,
    *,
    skip: int = 0,
    limit: int = 300,
    paths: Sequence[str] = (),
    most: int = LARGEST_PATCHES,
) -> Changed:
    """Read what differs from commit or tree `old` (None: nothing at all) to the commit `new`, renames found.

    `most` is how many bytes of patches are read.  One process; a second one where `skip`
    leaves out what comes first, so that its patches are not made in vain.
    Revisions are whole names.  Raises CommandError for unknown ones.
    """
    argv = ["--literal-pathspecs", "-c", f"core.bigFileThreshold={LARGEST_TEXT}", "diff-tree", "-r", "-z"]
    argv += ["--raw", "--no-abbrev", "-M", f"-l{_RENAMES}", "--ignore-submodules=none"]
    argv += ["--no-color", "--no-ext-diff", "--no-textconv", *(["-p"] if not skip else [])]
    sides = [modes.empty_tree(new) if old is None else old, new]
    with repo.stream(*argv, *sides, "--", *paths, ok=(0, -signal.SIGTERM)) as out:
        output = _Output(out.chunks())
        listed: list[Difference] = []
        total = 0
        for one in parse_raw(output.records()):
            if skip <= total < skip + limit:
                listed.append(one)
            total += 1
        patches = _matched(listed, output, most) if not skip else []
        out.stop()  # no need to wait for patches that nobody will see
    if not skip or not listed:
        return Changed(list(zip(listed, patches, strict=True)), total)
    wanted = [path for one in listed for path in (one.from_path, one.path) if path is not None]
    return read_changes(repo, old, new, limit=limit, paths=wanted, most=most)._replace(total=total)


class _Output:
    """What Git writes, taken apart: records first, then lines."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""
        self.cut = False  # whether lines were left unread

    def records(self) -> Iterator[bytes]:
        """Yield records up to the empty one, or to the end."""
        for piece in self._chunks:
            *whole, self._rest = (self._rest + piece).split(b"\0")
            for at, record in enumerate(whole):
                if not record:
                    self._rest = b"\0".join([*whole[at + 1 :], self._rest])
                    return
                yield record

    def lines(self, most: int) -> Iterator[bytes]:
        """Yield the lines behind the records, so many bytes at most."""
        rest, taken = self._rest, len(self._rest)
        for piece in itertools.chain([b""], self._chunks):
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
            taken += len(piece)
            if taken > most:
                self.cut = True
                return


def _matched(listed: Sequence[Difference], output: _Output, most: int) -> list[Patch | None]:
    """Give each difference its patch; None where none was read any more."""
    doubled = [
        (one.old_mode ^ one.new_mode) >> 12 != 0 and one.old_mode * one.new_mode != 0 for one in listed
    ]
    wanted = len(listed) + sum(doubled)
    found = list(itertools.islice(read_patches(output.lines(most)), wanted + 1))
    if output.cut:
        found = found[:-1]  # the last one may not be whole
    patches: list[Patch | None] = []
    at = 0
    for two in doubled:
        part = found[at : at + 1 + two]
        whole = len(part) == 1 + two
        hunks = tuple(hunk for one in part for hunk in one.hunks)
        patches.append(Patch(hunks, any(one.binary for one in part)) if whole else None)
        at += 1 + two
    return patches


def read_patches(lines: Iterable[bytes]) -> Iterator[Patch]:
    """Parse patches, one after the other, whatever the names in them are."""
    reading = iter(lines)
    hunks: list[Hunk] | None = None
    binary = False
    for line in reading:
        if line.startswith(b"diff --git "):
            if hunks is not None:
                yield Patch(tuple(hunks), binary)
            hunks, binary = [], False
        elif hunks is not None and (found := _HUNK.match(line)):
            hunks.append(_hunk(found, reading))
        elif line.startswith(b"Binary files "):
            binary = True
        elif line.startswith(b"\\") and hunks and hunks[-1].lines:
            hunks[-1] = _unended(hunks[-1])
    if hunks is not None:
        yield Patch(tuple(hunks), binary)


def _hunk(found: re.Match[bytes], reading: Iterator[bytes]) -> Hunk:
    """Read as many lines as the head of a hunk announces; fewer if there are no more."""
    old, new = int(found[1]), int(found[3])
    left_old = int(found[2]) if found[2] is not None else 1
    left_new = int(found[4]) if found[4] is not None else 1
    at_old, at_new = old, new
    lines: list[Line] = []
    while left_old > 0 or left_new > 0:
        raw = next(reading, None)
        if raw is None:
            break
        kind, text = decode(raw[:1]) or " ", decode(raw[1:])
        if kind == "\\":
            lines[-1:] = [line._replace(ends=False) for line in lines[-1:]]
            continue
        goes, comes = kind != "+", kind != "-"
        lines.append(Line(kind, at_old if goes else None, at_new if comes else None, text))
        at_old, left_old = at_old + goes, left_old - goes
        at_new, left_new = at_new + comes, left_new - comes
    return Hunk(old, new, decode(found[5]).strip(), tuple(lines))


def _unended(hunk: Hunk) -> Hunk:
    return hunk._replace(lines=(*hunk.lines[:-1], hunk.lines[-1]._replace(ends=False)))
