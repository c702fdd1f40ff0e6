"""Bringing one object into a store: copied, compared with its key, and then shown, all or nothing."""

from __future__ import annotations

import fcntl
import itertools
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial

from rookery.annex import checksum
from rookery.annex.keys import parse_key, size_of
from rookery.annex.nearby.content_locks import freeze, hold, thaw
from rookery.annex.outcome import Item, Listener
from rookery.annex.permissions import USUAL, Permissions
from rookery.annex.store import annex_dir, candidates
from rookery.core.errors import RookeryError
from rookery.git.repo import Repo

# The kernel copies this much at once, and it is compared while it is still in the cache.
PIECE = 8 << 20

# What is compared is read into one buffer, which stays in the processor's cache.
READ = 1 << 20

# Content of these keys has no checksum; its size has to do, for git-annex as well.
_BY_SIZE = ("WORM", "URL")

# How the names of files begin that are on their way.
DRAFT = ".rookery."

_serial = itertools.count()

Heard = Callable[[int], None]
Update = Callable[[memoryview], object]


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
    if checksum.hasher_of(parsed.backend) is not None:
        return True
    return parsed.backend in _BY_SIZE and parsed.size is not None


@contextmanager
def drafts(repo: Repo, shared: Permissions = USUAL) -> Iterator[str]:
    """Give git-annex's folder for what is not ready, held so that it is not swept meanwhile.

    What a killed process leaves in there git-annex removes after a week.
    """
    folder = str(annex_dir(repo) / "othertmp")
    handle = os.open(f"{folder}.lck", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        shared.share_file(handle)
        hold(handle, fcntl.F_RDLCK, wait=True)
        shared.make_folder(folder)
        yield folder
    finally:
        os.close(handle)


def place(
    source: str,
    into: Repo,
    key: str,
    *,
    folder: str,
    reserve: int,
    heard: Heard | None = None,
    link: bool = False,
    shared: Permissions = USUAL,
) -> None:
    """Bring an object to where a store wants it.  Raises Unplaced, OSError.

    `folder` is that of `drafts`.  `reserve` bytes of the disk stay free.  With
    `link` both stores share the file if the disk can do that.  `shared` is how
    the store's repository is.
    """
    bring = partial(copied, source, key, folder=folder, reserve=reserve, heard=heard, shared=shared)
    with _linked(source, key, folder, bring, shared) if link else bring() as draft:
        show(draft, candidates(into, key)[0], shared)


@contextmanager
def _linked(
    source: str,
    key: str,
    folder: str,
    otherwise: Callable[[], AbstractContextManager[str]],
    shared: Permissions,
) -> Iterator[str]:
    """Link an object into a folder as `copied` copies it, which is done `otherwise`: where it cannot be linked.

    What may be written to is not shared, nor what has other permissions than it is to have, nor what is not
    proven to be the content; it is read as well, though git-annex takes it unread (10.20261026).
    """
    draft = _draft(folder)
    try:
        os.link(source, draft, follow_symlinks=False)
    except OSError:  # another disk, one that has no links, too many of them
        with otherwise() as other:
            yield other
        return
    try:
        seen = os.lstat(draft)
        fits = stat.S_IMODE(seen.st_mode) == shared.content(stat.S_IMODE(seen.st_mode))
        if stat.S_ISREG(seen.st_mode) and fits and checksum.verified(key, draft):
            yield draft
            return
    finally:
        with suppress(FileNotFoundError):
            os.unlink(draft)
    with otherwise() as other:
        yield other


@contextmanager
def copied(
    source: str,
    key: str,
    *,
    folder: str,
    reserve: int,
    heard: Heard | None = None,
    shared: Permissions = USUAL,
) -> Iterator[str]:
    """Copy an object into a folder and give its path there, for the block to move it away.

    Raises Unplaced if it is not what the key says, OSError; nothing of it is
    left then, or if the block fails.
    """
    parsed = parse_key(key)
    assert parsed is not None
    hasher = checksum.hasher_of(parsed.backend)
    draft = _draft(folder)
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
            os.fchmod(target, shared.content(stat.S_IMODE(seen.st_mode)))
            os.utime(target, ns=(seen.st_mtime_ns, seen.st_mtime_ns))
        finally:
            os.close(target)
        yield draft
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(draft)
        raise
    finally:
        os.close(origin)


def _draft(folder: str) -> str:
    return f"{folder}/{DRAFT}{os.getpid()}.{time.monotonic_ns()}.{next(_serial)}"


def _copied(origin: int, target: int, update: Update | None, heard: Heard | None) -> int:
    """Copy all that is in a file, hand what arrived to `update`, and give its size.

    While a piece is compared the next one is copied: both go on outside of the
    interpreter's lock.
    """
    done = 0
    reader: ReadBack | None = None
    try:
        while step := _piece(origin, target, done):
            if reader is not None:
                reader.finish()
            if step < PIECE and not done:  # nearly always all of it
                if update is not None:
                    _read_back(target, done, step, update)
            elif update is not None:
                reader = ReadBack(target, done, step, update, alone=step == PIECE)
            done += step
            if heard is not None and step == PIECE:
                heard(done)
        if reader is not None:
            reader.finish()
    finally:
        if reader is not None:
            reader.wait()  # it reads a file that is closed next
    return done


class ReadBack:
    """Reads a piece of a file back and hands it on, in a thread of its own if it is long."""

    def __init__(self, file: int, at: int, size: int, update: Update, *, alone: bool) -> None:
        self._failure: Exception | None = None
        self._piece = (file, at, size, update)
        self._thread = threading.Thread(target=self._read) if alone else None
        if self._thread is None:
            self._read()
        else:
            self._thread.start()

    def finish(self) -> None:
        """Wait for it.  Raises what went wrong."""
        self.wait()
        if self._failure is not None:
            raise self._failure

    def wait(self) -> None:
        """Let it come to its end."""
        if self._thread is not None:
            self._thread.join()

    def _read(self) -> None:
        try:
            _read_back(*self._piece)
        except (OSError, Unplaced) as e:
            self._failure = e


def _read_back(file: int, at: int, size: int, update: Update) -> None:
    buffer = memoryview(bytearray(min(size, READ)))
    end = at + size
    while at < end:
        arrived = os.preadv(file, [buffer[: end - at]], at)
        if not arrived:
            raise Unplaced("the copy is shorter than what was written")
        update(buffer[:arrived])
        at += arrived


def _piece(origin: int, target: int, at: int) -> int:
    try:
        return os.copy_file_range(origin, target, PIECE, at, at)
    except OSError:
        data = os.pread(origin, PIECE, at)  # across file systems, or one that knows no such copy
        return os.pwrite(target, data, at) if data else 0


def show(draft: str, place: str, shared: Permissions = USUAL) -> None:
    """Move a finished object to its name; its folder may vanish meanwhile, since a drop takes it away."""
    folder = os.path.dirname(place)
    for attempt in range(10):
        try:
            made(folder, shared)
            mode = thaw(folder)
            try:
                os.rename(draft, place)
            finally:
                freeze(folder, mode, shared)
            return
        except FileNotFoundError:
            if attempt == 9:
                raise


def made(folder: str, shared: Permissions = USUAL, *, levels: int = 3) -> bool:
    """Make the folder of an object, and those above that are lacking; True is certain: it was not there before.

    `levels` says how many of the three may be lacking.  `os.makedirs` would look at each of them.
    """
    above = folder.rpartition("/")[0]
    try:
        for level in (above.rpartition("/")[0], above)[3 - levels :]:
            try:
                os.mkdir(level)
            except FileExistsError:
                continue
            shared.share_folder(level)
        os.mkdir(folder)
        shared.share_folder(folder)
    except FileExistsError:
        if not os.path.isdir(folder):
            raise
        return False
    except FileNotFoundError:
        shared.make_folder(folder)
        return False
    return True
