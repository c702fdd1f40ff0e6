"""Bringing one object into a store: copied, compared with its key, and then shown, all or nothing."""

from __future__ import annotations

import fcntl
import itertools
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from rookery.annex import checksum
from rookery.annex.keys import parse_key, size_of
from rookery.annex.nearby.content_locks import hold, thawed
from rookery.annex.outcome import Item, Listener
from rookery.annex.store import annex_dir, candidates
from rookery.core.errors import RookeryError
from rookery.git.repo import Repo

# The kernel copies this much at once, and it is compared while it is still in the cache.
PIECE = 8 << 20

# Content of these keys has no checksum; its size has to do, for git-annex as well.
_BY_SIZE = ("WORM", "URL")

_serial = itertools.count()

Heard = Callable[[int], None]


def listening(listener: Listener | None, item: Item) -> Heard | None:
    """Make the news of one object out of a listener to all; None if nobody listens."""
    if listener is None:
        return None
    size = size_of(item.key)
    return lambda done: listener(item.name, done, size)


class Unplaced(RookeryError):
    """The content did not come; nothing of it is left."""


def checkable(key: str) -> bool:
    """Say whether content can be compared with a key here as git-annex would do it."""
    parsed = parse_key(key)
    if parsed is None or "\n" in key or parsed.chunk is not None or parsed.chunk_size is not None:
        return False
    if checksum.hasher(parsed.backend) is not None:
        return True
    return parsed.backend in _BY_SIZE and parsed.size is not None


@contextmanager
def drafts(repo: Repo) -> Iterator[str]:
    """Give git-annex's folder for what is not ready, held so that it is not swept meanwhile.

    What a killed process leaves in there git-annex removes after a week.
    """
    folder = str(annex_dir(repo) / "othertmp")
    handle = os.open(f"{folder}.lck", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        hold(handle, fcntl.F_RDLCK, wait=True)
        os.makedirs(folder, exist_ok=True)
        yield folder
    finally:
        os.close(handle)


def place(
    source: str, into: Repo, key: str, *, folder: str, reserve: int, heard: Heard | None = None
) -> None:
    """Bring an object to where a store wants it.  Raises Unplaced, OSError.

    `folder` is that of `drafts`.  `reserve` bytes of the disk stay free.
    """
    parsed = parse_key(key)
    assert parsed is not None
    hasher = checksum.hasher(parsed.backend)
    draft = os.path.join(folder, f".rookery.{os.getpid()}.{next(_serial)}")
    origin = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        seen = os.fstat(origin)
        if not stat.S_ISREG(seen.st_mode) or (parsed.size is not None and seen.st_size != parsed.size):
            raise Unplaced(f"{source} has not the size of its content")
        if hasher is None and (seen.st_nlink > 1 or seen.st_mode & 0o222):
            raise Unplaced(f"{source} may have been changed")
        disk = os.statvfs(folder)
        if disk.f_bavail * disk.f_frsize - seen.st_size < reserve:
            raise Unplaced(f"there is not enough room for {seen.st_size} bytes")
        target = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            size = _copied(origin, target, None if hasher is None else hasher.update, heard)
            digest = None if hasher is None else hasher.hexdigest()
            if size != seen.st_size or digest not in (None, parsed.name.partition(".")[0]):
                raise Unplaced(f"{source} is not the content of {key}")
            os.fchmod(target, stat.S_IMODE(seen.st_mode) & ~0o222)
            os.utime(target, ns=(seen.st_mtime_ns, seen.st_mtime_ns))
        finally:
            os.close(target)
        _show(draft, candidates(into, key)[0])
    finally:
        os.close(origin)
        with suppress(FileNotFoundError):
            os.unlink(draft)


def _copied(origin: int, target: int, update: Callable[[bytes], object] | None, heard: Heard | None) -> int:
    """Copy all that is in a file, hand what arrived to `update`, and give its size."""
    done = 0
    while step := _piece(origin, target, done):
        end = done + step
        while update is not None and done < end:
            arrived = os.pread(target, end - done, done)
            if not arrived:
                raise Unplaced("the copy is shorter than what was written")
            update(arrived)
            done += len(arrived)
        done = end
        if heard is not None and step == PIECE:
            heard(done)
    return done


def _piece(origin: int, target: int, at: int) -> int:
    try:
        return os.copy_file_range(origin, target, PIECE, at, at)
    except OSError:
        data = os.pread(origin, PIECE, at)  # across file systems, or one that knows no such copy
        return os.pwrite(target, data, at) if data else 0


def _show(draft: str, place: str) -> None:
    """Move a finished object to its name; its folder may vanish meanwhile, since a drop takes it away."""
    folder = os.path.dirname(place)
    for attempt in range(10):
        try:
            os.makedirs(folder, exist_ok=True)
            with thawed(folder):
                os.rename(draft, place)
            return
        except FileNotFoundError:
            if attempt == 9:
                raise
