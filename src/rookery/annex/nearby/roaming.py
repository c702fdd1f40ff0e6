"""One lock file that guards one object after the other, by a second name beside each, and is not made anew.

To make, lock and remove a file for each of thousands of objects takes longer
than all else that a drop does: without a journal ext4 passes over every inode
that was freed in the last minutes when it looks for one (measured: 60 to 300 us
a file; a name given and taken away 8 us each, where two renames between folders
take 13 us each and keep other processes waiting).  For everybody else a lock
file that lost its name is removed: who waits for it looks whether it still has
it, and tries again.

Its first name is in git-annex's folder for what is not ready; between two
objects we are the only holder of its lock.
"""

from __future__ import annotations

import errno
import fcntl
import itertools
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from rookery.annex.nearby.content_locks import RETENTION, SUFFIX, freeze, hold, kept, removable, thaw
from rookery.annex.nearby.placing import drafts
from rookery.annex.permissions import Permissions
from rookery.core.errors import LockedError
from rookery.git.repo import Repo

_serial = itertools.count()

# What a file system answers that gives a file one name only, or no more of them.
_UNABLE = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


class RoamingLock:
    """A lock file of ours for the objects of one store, one at a time; close it after use.

    `parking` is the store's folder of drafts (`placing.drafts`, to be held for as long).
    Where the file cannot go, another is made as ever.
    """

    def __init__(self, parking: str, shared: Permissions) -> None:
        name = f".rookery.lock.{os.getpid()}.{time.monotonic_ns()}.{next(_serial)}"
        self._parked = os.path.join(parking, name)
        self._shared = shared
        self._handle: int | None = None
        self._identity = (0, 0)
        self._able = True

    def close(self) -> None:
        """Take the file away."""
        self._give_up()

    @contextmanager
    def kept(self, place: str) -> Iterator[None]:
        """Keep an object from being dropped by anybody.  Raises LockedError if it is being dropped, OSError."""
        folder = os.path.dirname(place)
        mode = thaw(folder)
        try:
            if not self._named(place):
                with kept(place, self._shared):
                    yield
                return
            try:
                hold(self._opened(), fcntl.F_RDLCK)
                yield
            finally:
                self._back(place, shared=True)
        finally:
            freeze(folder, mode, self._shared)

    @contextmanager
    def removable(self, place: str) -> Iterator[None]:
        """Be the only one to do anything to an object.  Raises LockedError if somebody keeps it, OSError.

        Its folder is thawed for the block, and goes at its end if it is empty then.
        Somebody who tries to lock the object meanwhile may freeze it.
        """
        if os.path.lexists(place + RETENTION):
            raise LockedError(f"{place} is promised to be kept")
        folder = os.path.dirname(place)
        mode = thaw(folder)
        try:
            if not self._named(place):
                with removable(place, self._shared):
                    yield
                return
            try:
                yield
            finally:
                self._back(place, shared=False)
        finally:
            try:
                os.rmdir(folder)
            except OSError:  # the object is still there, or somebody is about to bring it
                freeze(folder, mode, self._shared)

    def _named(self, place: str) -> bool:
        """Name the file, locked for ourselves, as an object's; False if there is one, or it cannot be named so."""
        if not self._able:
            return False
        file = place + SUFFIX
        self._opened()
        try:
            os.link(self._parked, file)
        except FileExistsError:
            return False
        except FileNotFoundError:
            if not os.path.lexists(self._parked):
                self._give_up()  # somebody swept the folder: the next object gets a new file
            raise
        except OSError as e:
            if e.errno not in _UNABLE:
                raise
            self._able = False
            return False
        if self._is_at(file):
            return True
        self._give_up()
        raise LockedError(f"{file} was replaced")

    def _is_at(self, file: str) -> bool:
        try:
            seen = os.stat(file)
        except FileNotFoundError:
            return False
        return (seen.st_dev, seen.st_ino) == self._identity

    def _back(self, place: str, *, shared: bool) -> None:
        """Take the file away from an object, unless somebody else has come to hold it."""
        try:
            if shared:
                hold(self._opened(), fcntl.F_WRLCK)
            os.unlink(place + SUFFIX)
        except (LockedError, OSError):
            self._give_up()  # it stays where it is, and another one is made for the next object

    def _opened(self) -> int:
        if self._handle is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._handle = os.open(self._parked, flags, 0o666)
            seen = os.fstat(self._handle)
            self._identity = (seen.st_dev, seen.st_ino)
            self._shared.share_file(self._handle)
            hold(self._handle, fcntl.F_WRLCK)
        return self._handle

    def _give_up(self) -> None:
        if self._handle is not None:
            with suppress(FileNotFoundError):
                os.unlink(self._parked)
            os.close(self._handle)
            self._handle = None


class Locks:
    """Roaming locks for any number of stores and threads, made as they are needed; close them after use.

    A copy of the process makes its own: a lock of an open file would be held by both.
    """

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._open = ExitStack()
        self._folders: dict[str, str] = {}
        self._idle: dict[str, list[RoamingLock]] = {}
        self._mutex = threading.Lock()

    def close(self) -> None:
        """Take all lock files of this process away."""
        self._be_own()
        self._open.close()
        self._begin()

    @contextmanager
    def kept(self, repo: Repo, place: str, shared: Permissions) -> Iterator[None]:
        """Keep an object of a repository that is shared so, see `RoamingLock.kept`."""
        lock, idle = self._borrowed(repo, shared)
        try:
            with lock.kept(place):
                yield
        finally:
            idle.append(lock)

    @contextmanager
    def removable(self, repo: Repo, place: str, shared: Permissions) -> Iterator[None]:
        """Be the only one to do anything to an object of such a repository, see `RoamingLock.removable`."""
        lock, idle = self._borrowed(repo, shared)
        try:
            with lock.removable(place):
                yield
        finally:
            idle.append(lock)

    def _borrowed(self, repo: Repo, shared: Permissions) -> tuple[RoamingLock, list[RoamingLock]]:
        """Give a lock that nobody uses, and the list that it goes back to."""
        top = str(repo.commondir)
        self._be_own()
        with self._mutex:
            idle = self._idle.setdefault(top, [])
            return (idle.pop() if idle else self._made(repo, top, shared)), idle

    def _be_own(self) -> None:
        if self._pid != os.getpid():
            self._of_parent = self._open  # not closed, nor collected, which closes too: it is still at work
            self._begin()

    def _made(self, repo: Repo, top: str, shared: Permissions) -> RoamingLock:
        if top not in self._folders:
            self._folders[top] = self._open.enter_context(drafts(repo, shared))
        lock = RoamingLock(self._folders[top], shared)
        self._open.callback(lock.close)
        return lock
