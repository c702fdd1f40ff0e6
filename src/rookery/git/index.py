"""The index: read natively, and changed through Git."""

from __future__ import annotations

import io
import struct
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from rookery.core.errors import CommandError
from rookery.core.process import decode, encode
from rookery.git import modes
from rookery.git.index_lock import lock_of, pauses, take_over
from rookery.git.index_stat import Where
from rookery.git.repo import Repo

# Optional extensions that change nothing about what the entries mean (gitformat-index(5)).
_HARMLESS = frozenset((b"TREE", b"REUC", b"UNTR", b"FSMN", b"EOIE", b"IEOT"))

# Those that keep entries elsewhere, or leave some out (split and sparse index).
ELSEWHERE = (b"link", b"sdir")

# Up to so many paths are looked for one by one.
_FEW = 16

# Bytes that an entry takes at least (in version 4, which shortens paths).
_LEAST = 64

# One number for each of them, instead of one for each entry.
_MODES = {mode: mode for mode in (modes.FILE, modes.EXECUTABLE, modes.SYMLINK, modes.GITLINK)}

# Beyond this size, looking for young files would cost more than a program that Git starts to read them.
SMALL = 1 << 16

# Caches about the work tree that each write has to keep right: Git does that.
CACHES = (b"UNTR", b"FSMN")

_FIXED = struct.Struct(">10I20sH")


class IndexEntry(NamedTuple):
    """One entry.  `size` and `mtime_ns` are those of the file when it was last compared, 0 if never."""

    path: str
    mode: int
    sha: str
    stage: int
    size: int
    mtime_ns: int
    assume_valid: bool = False
    skip_worktree: bool = False
    intent_to_add: bool = False


class NewEntry(NamedTuple):
    """What an index is to say about a path from now on; mode 0 takes the path away."""

    path: str
    mode: int
    sha: str


def index_file(repo: Repo) -> Path:
    """Give the file that programs started through this handle use as index."""
    private = repo.runner.env.get("GIT_INDEX_FILE")
    return repo.root / private if private else repo.gitdir / "index"


def entries_at_most(repo: Repo) -> int:
    """Give how many entries there can be in the index, by its size."""
    try:
        return index_file(repo).stat().st_size // _LEAST
    except FileNotFoundError:
        return 0


def read_index(repo: Repo) -> Iterator[IndexEntry]:
    """Yield all entries in Git's order; empty if there is no index yet.

    Formats that are not read here (split and sparse index, sha256, anything
    with a required extension) are asked of Git.
    """
    try:
        data = index_file(repo).read_bytes()
    except FileNotFoundError:
        return
    places = places_of(repo, data)
    if places is None:
        yield from _from_git(repo)
        return
    places.reverse()
    while places:  # what has been told takes no room any more, beside what the reader makes of it
        path, begin, more, _ = places.pop()
        yield _entry(data, path, begin, more)


def paths_of_mode(repo: Repo, mode: int) -> Iterator[bytes]:
    """Yield the paths of the entries of one mode, in Git's order, and make nothing of all the others."""
    try:
        data = index_file(repo).read_bytes()
    except FileNotFoundError:
        return
    places = places_of(repo, data)
    if places is None:
        yield from (encode(entry.path) for entry in _from_git(repo) if entry.mode == mode)
        return
    wanted = mode.to_bytes(4, "big")
    for path, begin, _, _ in places:
        if data[begin + 24 : begin + 28] == wanted:
            yield path


def contents_listed(repo: Repo) -> Iterator[tuple[bytes, int, str]]:
    """Yield path, mode and content name of each entry, and make nothing else of it: in a third of the time."""
    try:
        data = index_file(repo).read_bytes()
    except FileNotFoundError:
        return
    # Gone through twice, and none kept: a list of the places would take three times as much as the index.
    if not is_plain(repo, data) or not _is_harmless(data, _end_of_entries(data)):
        yield from ((encode(entry.path), entry.mode, entry.sha) for entry in _from_git(repo))
        return
    for path, begin, _, _ in raw_entries(data):
        yield path, data[begin + 26] << 8 | data[begin + 27], data[begin + 40 : begin + 60].hex()


def entries_at(repo: Repo, paths: Collection[str]) -> Iterator[IndexEntry]:
    """Yield the entries of these very paths, without making something of all the others."""
    try:
        data = index_file(repo).read_bytes()
    except FileNotFoundError:
        return
    places = places_at(repo, data, frozenset(map(encode, paths)))
    if places is None:
        yield from (entry for entry in _from_git(repo) if entry.path in paths)
        return
    yield from (_entry(data, path, begin, more) for path, begin, more, _ in places)


def may_hold_submodules(repo: Repo) -> bool:
    """Say whether an entry of a submodule may be in the index; False is certain, and costs no parsing."""
    try:
        data = index_file(repo).read_bytes()
    except FileNotFoundError:
        return False
    # The mode 160000 as an entry spells it; a split index ("link") keeps its entries elsewhere.
    return b"\0\0\xe0\0" in data or b"link\0" in data


def places_of(repo: Repo, data: bytes) -> list[Where] | None:
    """Find the entries (`raw_entries`); None unless all of this index is understood, down to its last extension."""
    if not is_plain(repo, data):
        return None
    places = list(raw_entries(data))
    return places if _is_harmless(data, places[-1][3] if places else 12) else None


def places_at(repo: Repo, data: bytes, wanted: Collection[bytes]) -> list[Where] | None:
    """Find the entries of these paths as `places_of` does, without keeping the others."""
    if not is_plain(repo, data):
        return None
    # What a file of version 2 or 3 holds nowhere is no entry of it; one search is a hundredth of a walk.
    if len(wanted) <= _FEW and data[7] != 4 and not any(name in data for name in ELSEWHERE):
        wanted = [path for path in wanted if path + b"\0" in data]
        if not wanted:
            return []
    found = []
    end = 12
    for place in raw_entries(data):
        if place[0] in wanted:
            found.append(place)
        end = place[3]
    return found if _is_harmless(data, end) else None


def is_plain(repo: Repo, data: bytes) -> bool:
    """Say whether this is an index of a version that is read here."""
    known = data[:4] == b"DIRC" and int.from_bytes(data[4:8], "big") in (2, 3, 4)
    return known and name_length(repo) == 40


def _end_of_entries(data: bytes) -> int:
    end = 12
    for place in raw_entries(data):
        end = place[3]
    return end


def _is_harmless(data: bytes, at: int) -> bool:
    """Say whether all extensions, which begin here, change nothing about what the entries mean."""
    while at < len(data) - 20:
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "big")
        if name not in _HARMLESS:
            return False
        at += 8 + size
    return True


def name_length(repo: Repo) -> int:
    """Give how many hexadecimal digits the names of objects have: 40, or 64 in a sha256 repository."""
    try:
        config = (repo.commondir / "config").read_bytes().lower()
    except FileNotFoundError:
        return 40
    return 64 if b"objectformat" in config and b"sha256" in config else 40


def raw_entries(data: bytes) -> Iterator[Where]:
    """Yield for each entry its path, where it begins, its extended flags (0: none), and where the next begins."""
    version, count = struct.unpack_from(">II", data, 4)
    at, path = 12, b""
    for _ in range(count):
        begin = at
        flags = data[at + 60] << 8 | data[at + 61]
        name, more = at + 62, 0
        if version >= 3 and flags & 0x4000:
            more = data[name] << 8 | data[name + 1]
            name += 2
        if version == 4:
            strip, name = _varint(data, name)
            end = data.index(0, name)
            path = path[: len(path) - strip] + data[name:end]
            at = end + 1
        else:
            length = flags & 0x0FFF
            end = name + length if length < 0x0FFF else data.index(0, name)
            path = data[name:end]
            at += (end - at + 8) & ~7
        yield path, begin, more, at


def _entry(data: bytes, path: bytes, at: int, more: int) -> IndexEntry:
    _, _, mtime, nanoseconds, _, _, mode, _, _, size, sha, flags = _FIXED.unpack_from(data, at)
    return IndexEntry(
        decode(path),
        _MODES.get(mode, mode),
        sha.hex(),
        flags >> 12 & 3,
        size,
        mtime * 1_000_000_000 + nanoseconds,
        bool(flags & 0x8000),
        bool(more & 0x4000),
        bool(more & 0x2000),
    )


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Read Git's offset encoding: each further byte adds one, so that every number has one spelling."""
    byte = data[at]
    value = byte & 0x7F
    while byte & 0x80:
        at += 1
        byte = data[at]
        value = (value + 1) << 7 | byte & 0x7F
    return value, at + 1


def _from_git(repo: Repo) -> Iterator[IndexEntry]:
    """Read `ls-files --debug`: after each NUL come lines of numbers, and then the next entry."""
    records = repo.records("ls-files", "--stage", "--debug", "-z", "--full-name", ":/")
    head = next(records, b"")
    for record in records:
        numbers, _, following = record.partition(b"flags: ")
        flags, _, after = following.partition(b"\n")
        words = decode(numbers).replace(":", " ").split()
        meta, _, path = head.partition(b"\t")
        mode, sha, stage = decode(meta).split()
        bits = int(flags, 16)
        yield IndexEntry(
            decode(path),
            int(mode, 8),
            sha,
            int(stage),
            int(words[words.index("size") + 1]),
            int(words[4]) * 1_000_000_000 + int(words[5]),
            bool(bits & 0x8000),
            bool(bits & 1 << 30),
            bool(bits & 1 << 29),
        )
        head = after


def put_entries(repo: Repo, entries: Iterable[NewEntry]) -> None:
    """Make the index say this about these paths; a file in the way of a folder, or the reverse, gives way."""
    nothing = "0" * name_length(repo)
    listing = io.BytesIO()  # one text from the start: a list of its lines would take as much again
    for entry in entries:
        sha, path = encode(entry.sha or nothing), encode(entry.path)
        listing.write(b"%06o %s 0\t%s\0" % (entry.mode, sha, path))
    if lines := listing.getvalue():
        _patiently(repo, ("update-index", "-z", "--replace", "--index-info"), lines)


def write_tree(repo: Repo) -> str:
    """Write the index as a tree and give its name."""
    return repo.text("write-tree")


def _patiently(repo: Repo, argv: tuple[str, ...], stdin: bytes) -> None:
    """Run an index command again and again for as long as another process holds `index.lock`."""
    lock = lock_of(index_file(repo))
    waits = pauses(lock)
    while True:
        try:
            repo.run(*argv, stdin=stdin)
            return
        except CommandError as e:
            if f"{lock.name}': File exists" not in e.stderr:
                raise
        take_over(lock)
        next(waits)


def stage(repo: Repo, paths: Iterable[str]) -> None:
    """Have Git stage files as they are in the work tree, also those that it is told to ignore."""
    listing = b"".join(encode(path) + b"\0" for path in paths)
    if listing:
        argv = ("--literal-pathspecs", "add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul")
        _patiently(repo, argv, listing)


def stage_unfiltered(repo: Repo, paths: Iterable[str], driver: str) -> None:
    """Have Git stage files without asking one filter driver; all else (line ends, other filters) is as always.

    Raises CommandError if one of them cannot be read; nothing is staged then.
    """
    listing = b"".join(encode(path) + b"\0" for path in paths)
    if listing:
        off = [f"filter.{driver}.{word}" for word in ("clean=", "process=", "required=false")]
        argv = [part for setting in off for part in ("-c", setting)]
        _patiently(repo, (*argv, "update-index", "--add", "--replace", "-z", "--stdin"), listing)


def refresh(repo: Repo, paths: Iterable[str]) -> None:
    """Let Git compare files with the index, so that the next status need not read them."""
    listing = b"".join(encode(path) + b"\0" for path in paths)
    if listing:
        argv = ("--literal-pathspecs", "add", "--refresh", "--pathspec-from-file=-", "--pathspec-file-nul")
        _patiently(repo, argv, listing)
