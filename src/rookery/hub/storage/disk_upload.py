"""One content that comes in, on disk: hashed while it is written, synced, and shown by a rename.

A process that is killed leaves the part that came; the next upload goes on
behind it.  What is shown was compared with its key, all of it, the part from
before included.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from rookery.annex import checksum
from rookery.annex.keys import Key, parse_key
from rookery.annex.nearby.content_locks import thawed
from rookery.hub.domain.errors import BadName, BadOffset, InUse

PIECE = 1 << 20

_ADVISE = getattr(os, "posix_fadvise", None)  # macOS has none


def sync_folder(folder: Path) -> None:
    """Have a folder's entries on the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class DiskUpload:
    """What `domain.ports.objects.Upload` says: from `partial`, through `verify`, to `target`."""

    def __init__(self, key: str, partial: Path, target: Path, offset: int) -> None:
        self._parsed = _parsed(key)
        self._key = key
        self._partial = partial
        self._target = target
        self._handle = _opened(partial, key)
        try:
            self._begin(offset)
        except BaseException:
            os.close(self._handle)
            raise

    def _begin(self, offset: int) -> None:
        there = os.fstat(self._handle).st_size
        if not 0 <= offset <= there:
            raise BadOffset(f"{self._key} cannot go on at {offset}: {there} bytes are here", held=there)
        self._hasher = checksum.hasher_of(self._parsed.backend)
        os.ftruncate(self._handle, offset)
        self.held = 0
        while self.held < offset:
            piece = os.pread(self._handle, min(PIECE, offset - self.held), self.held)
            if not piece:
                raise BadOffset(f"{self._key} is shorter than it was", held=self.held)
            self._take(piece)
        os.lseek(self._handle, offset, os.SEEK_SET)

    def _take(self, data: bytes) -> None:
        if self._hasher is not None:
            self._hasher.update(data)
        self.held += len(data)

    def write(self, data: bytes, /) -> None:
        """Take in what comes next."""
        left = memoryview(data)
        while left:
            left = left[os.write(self._handle, left) :]
        self._take(data)

    def hurry(self) -> None:
        """Have the system begin to write, as Linux does on this advice; what is not yet written stays in memory."""
        if _ADVISE is not None:
            _ADVISE(self._handle, 0, 0, os.POSIX_FADV_DONTNEED)

    def verify(self) -> bool:
        """Compare with the key, and sync.  Wrong content is removed, so that the next try begins anew."""
        right = self._parsed.size in (None, self.held)
        if right and self._hasher is not None:
            right = checksum.is_of(self._parsed, self._hasher)
        if not right:
            self._partial.unlink(missing_ok=True)
            return False
        os.fsync(self._handle)
        return True

    def place(self, *, settled: bool = True) -> None:
        """Rename it to where it belongs, and have that on the disk."""
        fresh = [
            folder
            for folder in (self._target.parent, *self._target.parents[1:4])
            if settled and not folder.exists()
        ]
        self._target.parent.mkdir(parents=True, exist_ok=True)
        with thawed(str(self._target.parent)):
            os.rename(self._partial, self._target)
            os.fchmod(self._handle, 0o444)  # not before: a part that stays must be writable
            if settled:
                sync_folder(self._target.parent)
        for folder in fresh:
            sync_folder(folder.parent)

    def close(self) -> None:
        """Let go.  A part stays, nothing does not."""
        if self.held == 0:
            with suppress(FileNotFoundError):
                if os.path.samestat(os.stat(self._partial), os.fstat(self._handle)):
                    self._partial.unlink()
        os.close(self._handle)


def _parsed(key: str) -> Key:
    parsed = parse_key(key)
    if parsed is None:
        raise BadName(f"{key!r} is not a key")
    return parsed


def _opened(partial: Path, key: str) -> int:
    """Open and lock a part; what somebody moved away between the two is not it."""
    partial.parent.mkdir(parents=True, exist_ok=True)
    while True:
        handle = os.open(partial, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(handle), os.stat(partial)):
                return handle
        except BlockingIOError as e:
            os.close(handle)
            raise InUse(f"{key} is being uploaded by somebody else") from e
        except FileNotFoundError:
            pass
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
