"""Atomic writes and file locks: the only writer of bookkeeping files."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rookery.core.errors import LockedError


def write(
    path: Path,
    content: bytes | str,
    *,
    mode: int | None = None,
    durable: bool = False,
    drafts: Path | None = None,
) -> None:
    """Replace a file in one step: readers see the old or the new, whole; on failure the old one stays.

    A new file gets the permissions of the one it replaces, else `mode`, else
    what the umask gives.  `durable` waits until it is on the disk.  `drafts` is a
    folder where a draft that a killed process left behind bothers nobody: name
    one for files of a work tree, whose own folders are saved.
    """
    raw = content.encode() if isinstance(content, str) else content
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode is None:
        with suppress(FileNotFoundError):
            mode = path.stat().st_mode & 0o7777
    folder = path.parent
    if drafts is not None:
        make_folder(drafts)
        if drafts.stat().st_dev == folder.stat().st_dev:  # a rename cannot cross file systems
            folder = drafts
    draft = folder / f".{path.name}.{os.getpid()}.{time.monotonic_ns()}.tmp"
    try:
        with open(draft, "xb") as out:
            out.write(raw)
            if mode is not None:
                os.fchmod(out.fileno(), mode)
            if durable:
                out.flush()
                os.fsync(out.fileno())
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def replace_with_link(path: Path, target: str, *, drafts: Path) -> None:
    """Put a symlink where a file is, or nothing, in one step; `drafts` is a folder for what is not ready yet."""
    draft = _draft(path, drafts)
    os.symlink(target, draft)
    _into_place(draft, path)


def replace_with_copy(path: Path, source: Path, *, drafts: Path) -> None:
    """Put a writable copy of a file where one is, or nothing, in one step; links are followed."""
    draft = _draft(path, drafts)
    try:
        with open(source, "rb") as old, open(draft, "xb") as new:
            seen = os.fstat(old.fileno())
            copy_bytes(old.fileno(), new.fileno(), seen.st_size)
            os.fchmod(new.fileno(), seen.st_mode & 0o777 | 0o200)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _into_place(draft, path)


def _draft(path: Path, drafts: Path) -> Path:
    make_folder(drafts)
    if drafts.stat().st_dev != path.parent.stat().st_dev:
        drafts = path.parent  # a rename cannot cross file systems
    return drafts / f".{os.getpid()}.{time.monotonic_ns()}.tmp"


def _into_place(draft: Path, path: Path) -> None:
    try:
        os.replace(draft, path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def copy_bytes(source: int, target: int, size: int) -> None:
    """Copy `size` bytes between open files in the kernel, which shares the blocks where the file system can."""
    done = 0
    while done < size:
        try:
            step = os.copy_file_range(source, target, size - done)
        except OSError:
            if done:
                raise
            step = os.sendfile(target, source, 0, size)  # across file systems, or one that knows no such copy
        if not step:
            raise OSError(f"the file ends after {done} of {size} bytes")
        done += step


def make_folder(folder: Path) -> None:
    """Make a folder of our own, and those above it, for all who may write where it is made.

    A repository may be one of several people (core.sharedRepository): what the
    first of them leaves has to serve the others, whatever the umask.
    """
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    share(folder, folder.parent, stat.S_IRWXG)


def share(made: Path | int, around: Path, bits: int) -> None:
    """Give the group those of some permissions that it has for the folder around.

    A sticky folder (/tmp) keeps people apart, and what is somebody else's is theirs to share.
    """
    seen, model = os.stat(made), around.stat().st_mode
    lacking = model & bits & ~seen.st_mode
    if lacking and model & stat.S_IWGRP and not model & stat.S_ISVTX and seen.st_uid == os.geteuid():
        os.chmod(made, stat.S_IMODE(seen.st_mode) | lacking)


@contextmanager
def opened_folder(folder: Path | str) -> Iterator[int | None]:
    """Open a folder for calls that name files below it (`dir_fd`); None if it cannot be.

    The kernel has a shorter way to go from there: of 20,000 looks in a row a third of the time.
    """
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)


@contextmanager
def locked(path: Path, *, shared: bool = False, wait: float | None = None) -> Iterator[None]:
    """Hold an advisory lock on a file (made if missing, left behind) for the length of the block.

    `wait` seconds at most, None for as long as it takes; then LockedError.  The
    kernel frees the lock when the process ends, however it ends.  POSIX record
    locks are used, which git-annex and DataLad can see.
    """
    make_folder(path.parent)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        share(handle, path.parent, stat.S_IRGRP | stat.S_IWGRP)
        _acquire(handle, path, shared=shared, wait=wait)
        yield
    finally:
        os.close(handle)


def _acquire(handle: int, path: Path, *, shared: bool, wait: float | None) -> None:
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    if wait is None:
        fcntl.lockf(handle, kind)
        return
    deadline = time.monotonic() + wait
    pause = 0.005
    while True:
        try:
            fcntl.lockf(handle, kind | fcntl.LOCK_NB)
            return
        except (BlockingIOError, PermissionError):
            if time.monotonic() >= deadline:
                raise LockedError(
                    f"{path} is locked by another process",
                    hints=["wait for the other command to end and run this one again"],
                ) from None
            time.sleep(pause)
            pause = min(pause * 2, 0.2)
