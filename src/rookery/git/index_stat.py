"""What an index knows of files: their stat data, by which Git tells without reading them that they did not change."""

from __future__ import annotations

import os
import stat as statmode
import struct
from collections.abc import Iterable

from rookery.core.process import encode
from rookery.git import modes
from rookery.git.repo import Repo

# Where an entry is, see `index.raw_entries`.
Where = tuple[bytes, int, int, int]

NO_STAT = bytes(40)
_STAT = struct.Struct(">10I")
_WORD = 0xFFFFFFFF
_SECOND = 1_000_000_000
# Of the flags of an entry, the first byte; of its further flags.
_ASSUME_VALID = 0x80
_SKIP_WORKTREE = 0x4000
# Files larger than this are left to Git to compare.
_LARGE = 1 << 24


def stat_of(path: bytes, sha: bytes, *, link: bool) -> bytes:
    """Give the stat data of a symlink or file if it is, byte for byte, what was committed."""
    import hashlib  # start-up

    try:
        found = os.lstat(path)
        if statmode.S_ISLNK(found.st_mode) != link or found.st_size > _LARGE:
            return NO_STAT
        if link:
            content = os.readlink(path)
        else:
            with open(path, "rb") as file:
                content = file.read()
    except OSError:
        return NO_STAT
    name = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False)
    if name.digest() != sha:
        return NO_STAT
    return _packed(found)


def link_stat_of(path: bytes, target: bytes) -> bytes:
    """Give the stat data of a symlink if it leads there."""
    try:
        return _packed(os.lstat(path)) if os.readlink(path) == target else NO_STAT
    except OSError:
        return NO_STAT


def _packed(found: os.stat_result) -> bytes:
    ctime, mtime = found.st_ctime_ns, found.st_mtime_ns
    return _STAT.pack(
        ctime // _SECOND & _WORD,
        ctime % _SECOND,
        mtime // _SECOND & _WORD,
        mtime % _SECOND,
        found.st_dev & _WORD,
        found.st_ino & _WORD,
        0,
        found.st_uid & _WORD,
        found.st_gid & _WORD,
        found.st_size & _WORD,
    )


def told_apart(
    repo: Repo, data: bytes, places: Iterable[Where], written_ns: int
) -> tuple[bytes, list[bytes]]:
    """Mark the entries as unknown whose files Git would take for unchanged once this index is written again.

    A file that was changed in the very second in which its entry was made looks
    as it did; Git reads it only because the index is as young (its documentation
    calls that racy).  Who writes the index anew, as we do, has to look first.
    Gives the index with sizes of 0 there, as Git marks them, and the paths.
    """
    root = encode(str(repo.root))
    changed = [place for place in young(data, places, written_ns) if _looks_unchanged(root, place, data)]
    if not changed:
        return data, []
    marked = bytearray(data)
    for _, at, _, _ in changed:
        marked[at + 36 : at + 40] = bytes(4)
    return bytes(marked), [place[0] for place in changed]


def forgotten(data: bytes, places: Iterable[Where], written_ns: int) -> bytes:
    """Give the index without the stat data of those files that Git would read when it writes this index again."""
    known = bytearray(data)
    for _, at, _, _ in young(data, places, written_ns):
        known[at : at + 24] = bytes(24)
        known[at + 28 : at + 40] = bytes(12)
    return bytes(known)


def young(data: bytes, places: Iterable[Where], written_ns: int) -> list[Where]:
    """Find the files that are as old as the index in seconds, which are what Git compares, as it is mostly built."""
    since = (written_ns // 1_000_000_000).to_bytes(4, "big")
    return [place for place in places if data[place[1] + 8 : place[1] + 12] >= since]


def is_of(root: bytes, data: bytes, place: Where) -> bool | None:
    """Say whether an entry's stat data is that of the file at its path, as Git compares it; None if that is not asked.

    The contents and the device are not compared, the times by their seconds.
    """
    path, at, more, _ = place
    kind = data[at + 26] >> 4
    if data[at + 60] & _ASSUME_VALID or more & _SKIP_WORKTREE or kind == modes.GITLINK >> 12:
        return None
    try:
        found = os.lstat(os.path.join(root, path))
    except OSError:
        return None
    if found.st_mode >> 12 != kind:
        return None
    ctime, _, mtime, _, _, ino, _, uid, gid, size = struct.unpack_from(">10I", data, at)
    now = (found.st_ctime_ns // 1_000_000_000, found.st_mtime_ns // 1_000_000_000)
    numbers = (*now, found.st_ino, found.st_uid, found.st_gid, found.st_size)
    return (ctime, mtime, ino, uid, gid, size) == tuple(number & 0xFFFFFFFF for number in numbers)


def _looks_unchanged(root: bytes, place: Where, data: bytes) -> bool:
    """Say whether a file may have another content although its kind and size are those of its entry."""
    path, at, more, _ = place
    mode = int.from_bytes(data[at + 24 : at + 28], "big")
    size = int.from_bytes(data[at + 36 : at + 40], "big")
    if data[at + 60] & _ASSUME_VALID or more & _SKIP_WORKTREE:
        return False  # nobody is to look
    path = os.path.join(root, path)
    try:
        found = os.lstat(path)
    except OSError:
        return False
    if statmode.S_IFMT(found.st_mode) != statmode.S_IFMT(mode) or found.st_size & 0xFFFFFFFF != size:
        return False
    return stat_of(path, data[at + 40 : at + 60], link=mode == modes.SYMLINK) == NO_STAT
