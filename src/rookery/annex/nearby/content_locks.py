"""Git-annex's locks on content (version 10): the file KEY.lck beside an object, shared to keep, exclusive to drop.

Locks of open files are used, not of processes: threads of ours that work in
the same repository exclude each other too.  git-annex's record locks see them,
and they see git-annex's.
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

from rookery.annex.permissions import USUAL, Permissions
from rookery.annex.store import candidates
from rookery.core.errors import LockedError
from rookery.git.repo import Repo

SUFFIX = ".lck"
# A moment until which a copy was promised to be kept, to somebody who cannot hold a lock.
RETENTION = ".rtm"


class NotKept(LockedError):
    """A place that said to have a content does not keep it for us: it may be about to go."""


def supported() -> bool:
    """Say whether this system has locks of open files, in the layout known here."""
    return sys.platform == "linux" and struct.calcsize("P") == 8 and hasattr(fcntl, "F_OFD_SETLK")


class Found(NamedTuple):
    """An object: where it is, and what `lstat` says of it."""

    place: str
    seen: os.stat_result


def find(repo: Repo, key: str) -> Found | None:
    """Look for an object that is a plain file; None if there is none."""
    for path in candidates(repo, key):
        with suppress(FileNotFoundError, NotADirectoryError):
            seen = os.lstat(path)
            if stat.S_ISREG(seen.st_mode):
                return Found(path, seen)
    return None


def object_here(repo: Repo, key: str) -> str | None:
    """Give the path of an object that is a plain file; None if there is none."""
    found = find(repo, key)
    return None if found is None else found.place


@contextmanager
def kept(place: str, shared: Permissions = USUAL) -> Iterator[None]:
    """Keep an object from being dropped by anybody.  Raises LockedError if it is being dropped, OSError."""
    with _locked(place, fcntl.F_RDLCK, shared):
        yield


@contextmanager
def removable(place: str, shared: Permissions = USUAL) -> Iterator[None]:
    """Be the only one to do anything to an object.  Raises LockedError if somebody keeps it, OSError."""
    if os.path.lexists(place + RETENTION):
        raise LockedError(f"{place} is promised to be kept")
    with _locked(place, fcntl.F_WRLCK, shared):
        yield


@contextmanager
def thawed(folder: str, shared: Permissions = USUAL) -> Iterator[None]:
    """Allow changes in the folder of an object for the block; it may be gone after it."""
    mode = thaw(folder)
    try:
        yield
    finally:
        freeze(folder, mode, shared)


def thaw(folder: str) -> int:
    """Allow changes in the folder of an object until `freeze`, which wants the mode that this gives."""
    mode = stat.S_IMODE(os.stat(folder).st_mode)
    if not mode & stat.S_IWUSR:
        try:
            os.chmod(folder, mode | stat.S_IWUSR)
        except PermissionError:
            if not os.access(folder, os.W_OK):  # else it is shared with us, who are not its owner
                raise
    return mode


def freeze(folder: str, mode: int, shared: Permissions = USUAL) -> None:
    """Allow no changes in the folder of an object, if it is still there.

    `shared` tells who may make them all the same.  Should it not become write-protected again, what was
    done in it is done all the same: `git annex fsck` protects it.
    """
    try:
        os.chmod(folder, shared.frozen(mode))
    except OSError:
        pass


@contextmanager
def _locked(place: str, kind: int, shared: Permissions) -> Iterator[None]:
    file = place + SUFFIX
    with thawed(os.path.dirname(place), shared):
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        shared.share_file(handle)
        hold(handle, kind)
        if not is_at(handle, file):
            raise LockedError(f"{file} was replaced")
        try:
            yield
        finally:
            _clean(handle, file, shared)
    finally:
        os.close(handle)


def hold(handle: int, kind: int, *, wait: bool = False) -> None:
    """Lock an open file as a whole (F_RDLCK, F_WRLCK).  Raises LockedError if that cannot be at once."""
    whole_file = struct.pack("hhqqi", kind, os.SEEK_SET, 0, 0, 0)
    try:
        fcntl.fcntl(handle, fcntl.F_OFD_SETLKW if wait else fcntl.F_OFD_SETLK, whole_file)
    except (BlockingIOError, PermissionError) as e:
        raise LockedError("another process has the lock") from e


def is_at(handle: int, file: str) -> bool:
    """Say whether an open file still has this name."""
    try:
        return os.path.samestat(os.fstat(handle), os.stat(file))
    except FileNotFoundError:
        return False


def _clean(handle: int, file: str, shared: Permissions) -> None:
    """Take the lock file away if nobody else holds it, and the folder with it if nothing else is in there."""
    with suppress(LockedError, FileNotFoundError):
        hold(handle, fcntl.F_WRLCK)
        folder = os.path.dirname(file)
        with thawed(folder, shared):
            os.unlink(file)
            with suppress(OSError):
                os.rmdir(folder)
