"""Git's lock on the index, as we hold it: others can tell when its holder has died.

Git makes `index.lock`, writes the new index into it and renames it over the
old.  A process that is killed on the way leaves the file, and no Git command
works until a person removes it.  Ours has a mark instead of an index in it and
is locked by its holder (flock, which the kernel lets go of when a process ends,
however it ends): whoever meets the mark and gets that lock knows that it may be
removed.  For Git it is a lock like any other.  Configuration files, `.gitmodules`
among them, are locked by Git and by us in the same way.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rookery.core.errors import LockedError

MARK = b"rookery\n"

# How long to wait for another command to let go of the user's index, in seconds.
PATIENCE = 60.0


def lock_of(index: Path) -> Path:
    """Give the lock file of an index."""
    return index.with_name(index.name + ".lock")


@contextmanager
def index_lock(index: Path, *, drafts: Path | None = None) -> Iterator[Path]:
    """Hold the lock; gives where to write the new index, to be renamed over the old within the block.

    `drafts` is a folder where a draft that a killed process left behind bothers
    nobody, on the same file system: not beside the file, if that is in a work tree.
    Raises LockedError when somebody else holds it for longer than PATIENCE.
    """
    lock = lock_of(index)
    waits = pauses(lock)
    while True:
        try:
            handle = _made(lock)
            break
        except FileExistsError:
            take_over(lock)
            next(waits)
    draft = (drafts or index.parent) / f"{index.name}.rookery"  # one at a time: we hold the lock
    try:
        yield draft
    finally:
        draft.unlink(missing_ok=True)
        lock.unlink(missing_ok=True)
        os.close(handle)


def _made(lock: Path) -> int:
    """Make the lock, and give its handle.  Raises FileExistsError.

    It gets its name when it has its mark and is locked: one that was left without
    a mark by a process that was killed would be nobody's to take over.
    """
    nameless = getattr(os, "O_TMPFILE", 0)  # Linux has it, and most of its file systems
    try:
        handle = os.open(lock.parent, nameless | os.O_WRONLY | os.O_CLOEXEC, 0o666)
    except OSError:
        return _made_in_place(lock)
    try:
        _mark(handle)
        # With a folder named, whichever, it is the link that is followed (linkat(2)); a whole path does not need one.
        os.link(f"/proc/self/fd/{handle}", lock, src_dir_fd=handle)
    except BaseException as e:
        os.close(handle)
        if isinstance(e, FileExistsError) or not isinstance(e, OSError):
            raise
        return _made_in_place(lock)  # no links here, or no /proc
    return handle


def _made_in_place(lock: Path) -> int:
    handle = os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666)
    try:
        _mark(handle)
    except BaseException:
        lock.unlink(missing_ok=True)
        os.close(handle)
        raise
    return handle


def _mark(handle: int) -> None:
    fcntl.flock(handle, fcntl.LOCK_EX)
    os.write(handle, MARK)


def take_over(lock: Path) -> None:
    """Remove a lock of ours whose holder has died; leave any other as it is."""
    try:
        handle = os.open(lock, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Asked only under the lock, so that two who find it do not remove each other's successor.
        if os.read(handle, len(MARK) + 1) == MARK and os.path.samestat(os.fstat(handle), os.stat(lock)):
            lock.unlink()
    except (BlockingIOError, FileNotFoundError):
        pass  # its holder lives, or has let go of it just now
    finally:
        os.close(handle)


def pauses(lock: Path) -> Iterator[None]:
    """Sleep a little longer at each step; raise LockedError when patience ends."""
    deadline = time.monotonic() + PATIENCE
    pause = 0.005
    while time.monotonic() < deadline:
        time.sleep(pause)
        pause = min(pause * 2, 0.2)
        yield
    raise LockedError(
        f"{lock} is held by another process, or was left behind by one that was killed",
        hints=[f"if no other Git command runs here, remove {lock}"],
    )
