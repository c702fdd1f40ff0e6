"""Content on its way into the store from somewhere else: compared with its key as it comes, then shown, all or nothing.

What is large goes to the file in which git-annex keeps what has come of a key,
under its lock for downloads, so that each of us goes on where the other was cut
off (`annex/tmp/KEY`, `annex/transfer/download/lck/lck.KEY`; seen with
10.20261026).  What is small is kept in memory until it is known to be right.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import NamedTuple

from rookery.annex import checksum
from rookery.annex.keys import key_file, parse_key
from rookery.annex.nearby.content_locks import hold
from rookery.annex.nearby.placing import PIECE, Heard, ReadBack, Unplaced, show
from rookery.annex.outcome import Item
from rookery.annex.permissions import Permissions
from rookery.annex.store import annex_dir, candidates
from rookery.core.errors import LockedError
from rookery.git.repo import Repo

# Below this it is not worth to go on where a connection was cut, and a window of requests fits in memory.
LARGE = 1 << 20

# So much between two pieces of news for a listener.
STEP = 4 << 20

_serial = itertools.count()


class Inlet(NamedTuple):
    """Where content comes in: a store, its folder for drafts (`placing.drafts`), what stays free, how it is shared."""

    repo: Repo
    folder: str
    reserve: int
    shared: Permissions


class Arrival:
    """One content that is to come.  `ok` tells afterwards whether it has; `size` is None if the key tells none.

    First `begin`, then `write` as often as need be, then `finish`; `leave` in
    any case.
    """

    def __init__(self, inlet: Inlet, item: Item, heard: Heard | None = None) -> None:
        parsed = parse_key(item.key)
        assert parsed is not None, item.key
        self.item = item
        self.size = parsed.size
        self.large = parsed.size is None or parsed.size >= LARGE
        self.ok = False
        self.done = 0
        self._inlet = inlet
        self._digest = parsed.name.partition(".")[0]
        self.backend = parsed.backend
        self._hasher = checksum.hasher_of(parsed.backend)
        self._compared = 0
        self._comparing: ReadBack | None = None
        self._heard = heard
        self._told = 0
        self._pieces: list[bytes] = []
        self._draft: str | None = None
        self._file = -1
        self._held = ExitStack()

    def begin(self) -> int:
        """Make ready, and give how many bytes are there from a former attempt.

        Raises Unplaced, LockedError (another process is at it), OSError.
        """
        self._forget()
        disk = os.statvfs(self._inlet.folder)
        if disk.f_bavail * disk.f_frsize - (self.size or 0) < self._inlet.reserve:
            raise Unplaced(f"there is not enough room for {self.size} bytes")
        if self.large:
            self._draft = self._held.enter_context(_partial(self._inlet, self.item.key))
            self._file = os.open(self._draft, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
            self._held.callback(os.close, self._file)
            self._inlet.shared.share_file(self._file)
            self._read_back()
        return self.done

    def restart(self) -> None:
        """Throw away what has come."""
        self._forget()
        if self._file >= 0:
            os.ftruncate(self._file, 0)
            os.lseek(self._file, 0, os.SEEK_SET)

    def fits(self, coming: int) -> bool:
        """Say whether so many more bytes would make it whole."""
        return self.size is None or self.done + coming == self.size

    def write(self, piece: bytes | memoryview) -> None:
        """Take in what has come, which may change afterwards.  Raises OSError, Unplaced."""
        if self._file < 0:
            self._pieces.append(bytes(piece))
        else:
            _write(self._file, piece)
        self.done += len(piece)
        if self.large and self.done - self._compared >= PIECE:
            self._compare(alone=True)
        if self._heard is not None and self.done - self._told >= STEP:
            self._told = self.done
            self._heard(self.done)

    def finish(self) -> None:
        """Show the content in the store if it is what the key says.

        Raises Unplaced, OSError; what was wrong is thrown away.
        """
        wrong = self.size is not None and self.done != self.size
        if wrong or not self._is_right():
            self.restart()
            raise Unplaced(f"what came is not the content of {self.item.key}")
        if self._file < 0:
            name = f".rookery.{os.getpid()}.{time.monotonic_ns()}.{next(_serial)}"
            self._draft = os.path.join(self._inlet.folder, name)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._file = os.open(self._draft, flags, 0o666)
            self._held.callback(os.close, self._file)
            self._held.callback(self._discard)
            _write(self._file, b"".join(self._pieces))
        assert self._draft is not None
        place, shared = candidates(self._inlet.repo, self.item.key)[0], self._inlet.shared
        if (
            self.large
        ):  # shown first, as git-annex does: it could not go on with a draft that is write-protected
            show(self._draft, place, shared)
        os.fchmod(self._file, shared.content(stat.S_IMODE(os.fstat(self._file).st_mode)))
        if not self.large:
            show(self._draft, place, shared)
        self.ok = True

    def leave(self) -> None:
        """Let go of it; of what is large and not whole, git-annex's file for that is left."""
        self._settle()
        if self.large and not self.ok and not self.done:
            self._discard()
        self._held.close()
        self._pieces.clear()
        self._file = -1

    def _is_right(self) -> bool:
        """Say whether the checksum of all that came is the key's, if it has one."""
        if self._hasher is None:
            return True
        if self.large:
            self._compare(alone=False)
            self._compare(alone=False)  # nothing more: what the former was about to read has been read
        else:
            self._hasher.update(b"".join(self._pieces))
        return self._hasher.hexdigest() == self._digest

    def _compare(self, *, alone: bool) -> None:
        """Take what has been written since the last time into the checksum, in a thread of its own if `alone`.

        It is read back, so that it is what arrived that is compared.  Raises
        what went wrong with the piece before.
        """
        if self._comparing is not None:
            self._comparing.finish()
            self._comparing = None
        size = self.done - self._compared
        if size and self._hasher is not None:
            self._comparing = ReadBack(self._file, self._compared, size, self._hasher.update, alone=alone)
        self._compared = self.done

    def _settle(self) -> None:
        """Let no other thread be at work on the draft."""
        if self._comparing is not None:
            self._comparing.wait()
            self._comparing = None

    def _forget(self) -> None:
        self._settle()
        self.done = self._told = self._compared = 0
        self._hasher = checksum.hasher_of(self.backend)
        self._pieces.clear()

    def _read_back(self) -> None:
        """Take in what a former attempt has left."""
        there = os.fstat(self._file).st_size
        if self.size is None or there > self.size:
            self.restart()
            return
        self.done = self._told = os.lseek(self._file, 0, os.SEEK_END)
        self._compare(alone=True)

    def _discard(self) -> None:
        if self._draft is not None and not self.ok:
            with suppress(FileNotFoundError):
                os.unlink(self._draft)


@contextmanager
def _partial(inlet: Inlet, key: str) -> Iterator[str]:
    """Give git-annex's file for what has come of a key, held for us.  Raises LockedError, OSError."""
    annex = annex_dir(inlet.repo)
    name = key_file(key)
    folder = annex / "transfer" / "download" / "lck"
    inlet.shared.make_folder(str(folder))
    inlet.shared.make_folder(str(annex / "tmp"))
    lock = folder / f"lck.{name}"
    handle = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        inlet.shared.share_file(handle)
        hold(handle, fcntl.F_WRLCK)
        try:
            same = os.path.samestat(os.fstat(handle), os.stat(lock))
        except FileNotFoundError:
            same = False
        if not same:
            raise LockedError(f"{lock} was replaced")
        try:
            yield str(annex / "tmp" / name)
        finally:
            lock.unlink(missing_ok=True)
    finally:
        os.close(handle)


def _write(file: int, data: bytes | memoryview) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
