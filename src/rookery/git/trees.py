"""Trees: what is in one, what differs between two."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rookery.core.process import decode
from rookery.git import modes
from rookery.git.repo import Repo

# Beyond this many bytes of path arguments the caller's paths are not put on the command line (Linux takes
# 2 MB with the environment, macOS 1 MB) but picked from the whole listing.
ARGUMENT_ROOM = 100_000


class Entry(NamedTuple):
    """One entry of a tree.  `size` is None unless asked for, and for anything but a blob."""

    mode: int
    kind: str
    sha: str
    path: str
    size: int | None = None


class Difference(NamedTuple):
    """One path that two trees disagree about.

    `status` is A, D, M, T (another kind of thing), or R and C with `score` and
    `from_path` when renames were asked for.  Mode 0 and a name of zeros stand
    for absence.
    """

    status: str
    path: str
    old_mode: int
    new_mode: int
    old_sha: str
    new_sha: str
    from_path: str | None = None
    score: int | None = None


def fit_on_command_line(paths: Sequence[str]) -> bool:
    """Say whether paths may be given as arguments."""
    return sum(map(len, paths)) + 8 * len(paths) < ARGUMENT_ROOM


class Selection:
    """Paths at or below any of the given ones; nothing given, or ".", selects everything."""

    def __init__(self, paths: Sequence[str]) -> None:
        cleaned = [p.rstrip("/") for p in paths]
        self._all = not cleaned or "." in cleaned or "" in cleaned
        self._paths = frozenset(cleaned)

    def __contains__(self, path: object) -> bool:
        if self._all:
            return True
        if not isinstance(path, str):
            return False
        path = path.rstrip("/")
        if path in self._paths:
            return True
        cut = path.rfind("/")
        while cut >= 0:
            if path[:cut] in self._paths:
                return True
            cut = path.rfind("/", 0, cut)
        return False


def ls_tree(
    repo: Repo,
    treeish: str,
    paths: Sequence[str] = (),
    *,
    recursive: bool = True,
    sizes: bool = False,
    with_trees: bool = False,
) -> Iterator[Entry]:
    """Yield what is in a tree, at or below `paths` (relative to the root) if given, as Git lists it.

    Raises CommandError if there is no such tree.
    """
    argv = ["ls-tree", "-z", "--full-tree"]
    argv += ["-r"] * recursive + ["-l"] * sizes + ["-t"] * with_trees
    few = recursive and fit_on_command_line(paths)
    wanted = Selection(() if few else paths)
    picked = [p.rstrip("/") for p in paths] if few and paths and "." not in paths else []
    for record in repo.records(*argv, treeish, *(["--", *picked] if picked else [])):
        meta, _, name = record.partition(b"\t")
        mode, kind, sha, *rest = decode(meta).split()
        path = decode(name)
        if path in wanted:
            size = int(rest[0]) if rest and rest[0] != "-" else None
            yield Entry(int(mode, 8), kind, sha, path, size)


# An entry as it is stored: its mode in octal digits, its name, its object's name in bytes.
Stored = tuple[bytes, bytes, bytes]

_STORED = {
    length: re.compile(rb"([0-7]+) ([^\0]+)\0(.{%d})" % (length // 2), re.DOTALL) for length in (40, 64)
}


def parse_tree(content: bytes, length: int = 40) -> list[Stored]:
    """Take a tree object apart; `length` is that of an object's name in letters.

    The form is that of gitformat-object(5): `MODE NAME NUL OBJECT` for each entry.  100,000 take 30 ms.
    """
    return _STORED[length].findall(content)


def diff_trees(
    repo: Repo, old: str | None, new: str, paths: Sequence[str] = (), *, renames: bool = False
) -> Iterator[Difference]:
    """Yield what differs from tree or commit `old` (None: nothing at all) to `new`, file by file."""
    if old is None:
        old = modes.empty_tree(repo.text("rev-parse", "--verify", "--end-of-options", f"{new}^{{tree}}"))
    few = fit_on_command_line(paths)
    limit = ["--", *paths] if few and paths else []
    argv = [
        "--literal-pathspecs",
        "diff-tree",
        "-r",
        "-z",
        "--raw",
        "--no-abbrev",
        "--ignore-submodules=none",
    ]
    argv.append("-M" if renames else "--no-renames")
    wanted = Selection(() if few else paths)
    for difference in parse_raw(repo.records(*argv, old, new, *limit)):
        if difference.path in wanted:
            yield difference


def parse_raw(records: Iterator[bytes]) -> Iterator[Difference]:
    """Parse the `--raw -z` form of Git's diff family."""
    for meta in records:
        old_mode, new_mode, old_sha, new_sha, status = decode(meta).lstrip(":").split(" ")
        first = decode(next(records))
        moved = status[0] in "RC"
        yield Difference(
            status[0],
            decode(next(records)) if moved else first,
            int(old_mode, 8),
            int(new_mode, 8),
            old_sha,
            new_sha,
            first if moved else None,
            int(status[1:]) if moved and status[1:] else None,
        )
