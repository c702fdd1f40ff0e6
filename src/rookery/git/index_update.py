"""Changing a few entries of the user's index natively, without losing what Git knows about the files.

Git's own commands would either read and filter the files again (a filter may
then decide otherwise than it did when the file was taken in) or forget their
stat data (the next status would read them all).  Here the entries are taken,
with their stat data, from the private index that they were made in.

Anything beyond the plain formats is left to Git: see `update_entries`.
"""

from __future__ import annotations

import itertools
import os
import stat as statmode
import struct
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from rookery.core import files
from rookery.core.process import encode
from rookery.git import modes
from rookery.git.index import (
    NewEntry,
    index_file,
    places_of,
    put_entries,
    refresh,
    walked,
)
from rookery.git.index_lock import index_lock
from rookery.git.repo import Repo

_NO_STAT = bytes(40)
_EXTENDED = 0x4000
_INTENT_TO_ADD = 0x2000
_NAME_MASK = 0x0FFF
# Files larger than this are left to Git to compare.
_LARGE = 1 << 24
# Up to so many entries, and bytes, an index is changed in process faster than Git can be started.
_FEW = 100
_SMALL = 1 << 17
# Parts of an index that are written at once.
_TOGETHER = 1_000
# Caches about the work tree that each write has to keep right: Git does that.
_CACHES = (b"UNTR", b"FSMN")


class Raw(NamedTuple):
    """An entry as it is stored: its path, 40 bytes of stat data with the mode, the name's 20 bytes, flags."""

    path: bytes
    stat: bytes
    sha: bytes
    flags: int
    more: int

    @property
    def stage(self) -> int:
        """The side of a conflict, 0 if settled."""
        return self.flags >> 12 & 3

    @property
    def mode(self) -> int:
        """Git's mode bits."""
        return int.from_bytes(self.stat[24:28], "big")

    @property
    def fresh(self) -> bool:
        """Say whether the stat data tells anything."""
        return self.stat[:24] != _NO_STAT[:24]


class Place(NamedTuple):
    """Where in the file an entry is."""

    path: bytes
    begin: int
    more: int
    end: int

    def raw(self, data: bytes) -> Raw:
        """Take the entry out of the file."""
        at = self.begin
        flags = int.from_bytes(data[at + 60 : at + 62], "big")
        return Raw(self.path, data[at : at + 40], data[at + 40 : at + 60], flags, self.more)


def bring_up_to_date(repo: Repo, entries: Iterable[NewEntry], source: Repo | None = None) -> None:
    """Make the user's index agree with what was just committed, for these paths only.

    `source` has the private index that the entries were made in.  Raises
    LockedError when another command does not let go of the index.
    """
    entries = list(entries)
    if not entries:
        return
    if not index_file(repo).exists():
        repo.run("read-tree", "--empty")  # a first one, of the version that is wanted here
    unknown = update_entries(repo, entries, source)
    if unknown is None:
        put_entries(repo, entries)
        unknown = [entry.path for entry in entries if entry.mode not in (0, modes.GITLINK)]
    refresh(repo, unknown)


def update_entries(repo: Repo, entries: Iterable[NewEntry], source: Repo | None = None) -> list[str] | None:
    """Make the index say this about these paths; stat data comes from `source`'s index, and of links is made new.

    Gives the paths of regular files that have no stat data now; None if this
    index is not one for us, and nothing was done.  Entries that are there
    already are left as they are.  Raises LockedError.
    """
    file = index_file(repo)
    wanted = {encode(entry.path): entry for entry in entries}
    with index_lock(file) as draft:
        try:
            data = file.read_bytes()
        except FileNotFoundError:
            return None
        places = places_of(repo, data)
        if places is None:
            return None
        extensions = dict(_extensions(data, places[-1][3] if places else 12))
        if any(name in extensions for name in _CACHES):
            return None
        there = {place[0]: Place(*place).raw(data) for place in places if place[0] in wanted}
        changed = {path: entry for path, entry in wanted.items() if not _same(there.get(path), entry)}
        if not changed:
            return []
        known = _from_source(source, changed) if source is not None else {}
        added = [_made(repo, p, e, known.get(p)) for p, e in changed.items() if e.mode]
        unknown = [os.fsdecode(raw.path) for raw in added if not raw.fresh and raw.mode >> 12 == 0o10]
        tree = _invalidated(extensions.get(b"TREE", b""), changed)
        more = [(b"TREE", tree)] if tree else []
        more += [(name, extensions[name]) for name in (b"REUC",) if name in extensions]
        _write(file, draft, _spliced(data, places, changed, added), more)
    return unknown


def put_alone(repo: Repo, entries: Iterable[NewEntry]) -> None:
    """Make an index say this about these paths that nobody else writes meanwhile: a private one, or under a lock.

    As `put_entries`, nothing is said of the files themselves.  A small index is
    written in process, and appears whole; a lock beside it would stay if we were killed.
    """
    rest = iter(entries)
    few = list(itertools.islice(rest, _FEW + 1))
    data = _small(repo) if len(few) <= _FEW else None
    places = None if data is None else places_of(repo, data)
    if data is None or places is None:
        put_entries(repo, itertools.chain(few, rest))  # many are not kept here
        return
    extensions = dict(_extensions(data, places[-1][3] if places else 12))
    wanted = {encode(entry.path): entry for entry in few}
    added = [_unknown(path, entry) for path, entry in wanted.items() if entry.mode]
    tree = _invalidated(extensions.get(b"TREE", b""), wanted)
    file = index_file(repo)
    draft = file.with_name(f"{file.name}.rookery")
    _write(file, draft, _spliced(data, places, wanted, added), [(b"TREE", tree)] if tree else [])


def _small(repo: Repo) -> bytes | None:
    """Read an index, if it is a small one without caches about the work tree."""
    try:
        with open(index_file(repo), "rb") as file:
            data = file.read(_SMALL + 1)
    except FileNotFoundError:
        return None
    return None if len(data) > _SMALL or any(name in data for name in _CACHES) else data


def _unknown(path: bytes, entry: NewEntry) -> Raw:
    """Make an entry that knows nothing of the file."""
    stat = _NO_STAT[:24] + entry.mode.to_bytes(4, "big") + _NO_STAT[28:]
    return Raw(path, stat, bytes.fromhex(entry.sha), min(len(path), _NAME_MASK), 0)


def write_first(file: Path, entries: Iterable[NewEntry]) -> None:
    """Write an index of version 2 where there is none, and nobody else writes one; it says nothing of the files."""
    raws = [_unknown(encode(one.path), one) for one in entries]
    draft = file.with_name(f"{file.name}.rookery")
    _write(file, draft, _spliced(b"DIRC" + struct.pack(">II", 2, 0), [], {}, raws), [])


def _extensions(data: bytes, at: int) -> Iterator[tuple[bytes, bytes]]:
    while at < len(data) - 20:
        size = int.from_bytes(data[at + 4 : at + 8], "big")
        yield data[at : at + 4], data[at + 8 : at + 8 + size]
        at += 8 + size


def _same(raw: Raw | None, entry: NewEntry) -> bool:
    if raw is None:
        return not entry.mode
    settled = not raw.stage and not raw.more & _INTENT_TO_ADD
    return settled and raw.mode == entry.mode and raw.sha.hex() == entry.sha


def _from_source(source: Repo, wanted: dict[bytes, NewEntry]) -> dict[bytes, Raw]:
    """Find entries with trustworthy stat data: made of the same content, and before the index was written.

    A file that changed in the very tick in which that index was written may
    look unchanged for ever (Git calls it racy): its stat data is not taken.
    """
    try:
        data = index_file(source).read_bytes()
        written = index_file(source).stat().st_mtime_ns
    except FileNotFoundError:
        return {}
    found = {}
    for place in walked(source, data) or ():
        entry = wanted.get(place[0])
        if entry is None or not _same(raw := Place(*place).raw(data), entry):
            continue
        seconds, nanoseconds = struct.unpack_from(">II", raw.stat, 8)
        if raw.fresh and seconds * 1_000_000_000 + nanoseconds < written:
            found[raw.path] = raw
    return found


def _made(repo: Repo, path: bytes, entry: NewEntry, known: Raw | None) -> Raw:
    flags = min(len(path), _NAME_MASK)
    sha = bytes.fromhex(entry.sha)
    if known is not None:
        stat = known.stat
    else:
        stat = _stat_of(os.path.join(encode(str(repo.root)), path), sha, link=entry.mode == modes.SYMLINK)
    return Raw(path, stat[:24] + entry.mode.to_bytes(4, "big") + stat[28:], sha, flags, 0)


def _stat_of(path: bytes, sha: bytes, *, link: bool) -> bytes:
    """Give the stat data of a symlink or file if it is, byte for byte, what was committed."""
    import hashlib  # start-up

    try:
        found = os.lstat(path)
        if statmode.S_ISLNK(found.st_mode) != link or found.st_size > _LARGE:
            return _NO_STAT
        if link:
            content = os.readlink(path)
        else:
            with open(path, "rb") as file:
                content = file.read()
    except OSError:
        return _NO_STAT
    name = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False)
    if name.digest() != sha:
        return _NO_STAT
    numbers = (
        *divmod(found.st_ctime_ns, 1_000_000_000),
        *divmod(found.st_mtime_ns, 1_000_000_000),
        found.st_dev,
        found.st_ino,
        0,
        found.st_uid,
        found.st_gid,
        found.st_size,
    )
    return struct.pack(">10I", *(number & 0xFFFFFFFF for number in numbers))


def _spliced(
    data: bytes,
    places: list[tuple[bytes, int, int, int]],
    changed: dict[bytes, NewEntry],
    coming: list[Raw],
) -> list[bytes]:
    """Put the new entries among the old ones, which are copied as they are; gives the parts of the new file.

    Of many new ones none is kept beside its part: the list is empty then.
    What is in the way goes: files where folders come, and the reverse.
    """
    version = data[7]
    added = {raw.path for raw in coming}
    folders = {parent for path in added for parent in _parents(path)}
    below = _below(added)
    coming.sort(reverse=True)
    parts: list[bytes] = [b""]
    count, start, end, before, torn = 0, 12, 12, b"", False
    for place in places:
        path, begin, _, after = place
        while coming and coming[-1].path <= path:
            parts.append(data[start:end])
            new = coming.pop()
            parts.append(_encoded(new, version, before))
            start, end, before, torn, count = begin, begin, new.path, True, count + 1
        if path in changed or path in folders or below(path):
            parts.append(data[start:end])
            start, end, torn = after, after, True
            continue
        if torn and version == 4:  # what it has in common with the one before is another length now
            parts.append(data[start:end])
            parts.append(_encoded(Place(*place).raw(data), version, before))
            start = after
        end, before, torn, count = after, path, False, count + 1
    parts.append(data[start:end])
    while coming:
        new = coming.pop()
        parts.append(_encoded(new, version, before))
        before, count = new.path, count + 1
    parts[0] = b"DIRC" + struct.pack(">II", version, count)
    return parts


def _below(added: Collection[bytes]) -> Callable[[bytes], bool]:
    """Make the question whether a path is inside of a new entry (which then takes its place)."""
    if len(added) < 20:
        prefixes = tuple(path + b"/" for path in added)
        return lambda path: path.startswith(prefixes)
    return lambda path: any(parent in added for parent in _parents(path))


def _encoded(raw: Raw, version: int, before: bytes) -> bytes:
    head = raw.stat + raw.sha + raw.flags.to_bytes(2, "big")
    head += raw.more.to_bytes(2, "big") if raw.flags & _EXTENDED else b""
    if version == 4:
        common = _common(before, raw.path)
        return head + _offset(len(before) - common) + raw.path[common:] + b"\0"
    size = len(head) + len(raw.path)
    return head + raw.path + bytes(8 - size % 8)


def _parents(path: bytes) -> Iterator[bytes]:
    cut = path.rfind(b"/")
    while cut > 0:
        yield path[:cut]
        cut = path.rfind(b"/", 0, cut)


def _invalidated(tree: bytes, changed: Iterable[bytes]) -> bytes:
    """Mark the folders of changed paths in the cached trees as unknown (gitformat-index(5), "Cache tree")."""
    if not tree:
        return b""
    stale = {b"", *(parent for path in changed for parent in (path, *_parents(path)))}
    out: list[bytes] = []
    at = 0
    above: list[list[object]] = []  # for each open folder: its path, and how many subfolders are to come
    while at < len(tree):
        name_end = tree.index(0, at)
        line_end = tree.index(b"\n", name_end)
        name = tree[at:name_end]
        count, subtrees = tree[name_end + 1 : line_end].split(b" ")
        while above and not above[-1][1]:
            above.pop()
        parent = above[-1][0] if above else b""
        assert isinstance(parent, bytes)
        path = (parent + b"/" + name if parent else name) if above else b""
        if above:
            above[-1][1] = int(str(above[-1][1])) - 1
        at = line_end + 1
        valid = not count.startswith(b"-")
        sha = tree[at : at + 20] if valid else b""
        at += 20 if valid else 0
        if path in stale:
            count, sha = b"-1", b""
        out.append(name + b"\0" + count + b" " + subtrees + b"\n" + sha)
        above.append([path, int(subtrees)])
    return b"".join(out)


def _write(file: Path, draft: Path, parts: list[bytes], extensions: list[tuple[bytes, bytes]]) -> None:
    import hashlib  # start-up

    for name, content in extensions:
        parts.append(name + len(content).to_bytes(4, "big") + content)
    hasher = hashlib.sha1(usedforsecurity=False)
    with open(draft, "wb") as out:
        for start in range(
            0, len(parts), _TOGETHER
        ):  # not all at once: a large index would be there three times
            piece = b"".join(parts[start : start + _TOGETHER])
            hasher.update(piece)
            out.write(piece)
        out.write(hasher.digest())
    try:  # more than the umask gives, where several people work
        os.chmod(draft, statmode.S_IMODE(file.stat().st_mode))
    except FileNotFoundError:
        files.share(draft, file.parent, statmode.S_IRGRP | statmode.S_IWGRP)
    os.replace(draft, file)


def _common(one: bytes, other: bytes) -> int:
    """Count the bytes that two paths begin with alike."""
    shorter = min(len(one), len(other))
    if one[:shorter] == other[:shorter]:
        return shorter
    return next(n for n in range(shorter) if one[n] != other[n])


def _offset(number: int) -> bytes:
    """Write Git's offset encoding, see `index._varint`."""
    out = [number & 0x7F]
    while number := number >> 7:
        number -= 1
        out.append(0x80 | number & 0x7F)
    return bytes(reversed(out))
