"""Which files are open for writing right now, and by whom: read from Linux's /proc, no program started."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")


class CannotSeeOpenFilesError(OSError):
    """This system does not show which files are open."""


def writers(files: Iterable[str]) -> dict[str, list[int]]:
    """Map those of some files that other processes have open for writing to the numbers of these processes.

    Files are compared by what they are, not by name: a program that came by
    another path, or from inside a container, is found too.  Those of other
    people are seen by root only.  Raises CannotSeeOpenFilesError.
    """
    if not (PROC / "self" / "fdinfo").is_dir():
        raise CannotSeeOpenFilesError("this system does not show which files are open")
    wanted: dict[tuple[int, int], list[str]] = {}
    for file in files:
        try:
            seen = os.lstat(file)
        except OSError:
            continue  # gone meanwhile: nothing to ask about
        wanted.setdefault((seen.st_dev, seen.st_ino), []).append(file)
    found: dict[str, list[int]] = {}
    for folder in PROC.iterdir() if wanted else ():
        if folder.name.isdecimal() and int(folder.name) != os.getpid():
            for which in _written(folder, wanted.keys()):
                for file in wanted[which]:
                    found.setdefault(file, []).append(int(folder.name))
    return found


def _written(process: Path, wanted: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """Find those of some files (device, inode) that one process may write to."""
    written: set[tuple[int, int]] = set()
    try:
        names = os.listdir(process / "fd")
    except OSError:
        return written  # it has ended, or is somebody else's
    for name in names:
        try:
            if not os.readlink(process / "fd" / name).startswith("/"):
                continue  # a pipe, a socket
            seen = os.stat(process / "fd" / name)
            which = (seen.st_dev, seen.st_ino)
            if which in wanted and which not in written and _for_writing(process / "fdinfo" / name):
                written.add(which)
        except OSError:
            continue  # closed meanwhile
    return written


def _for_writing(info: Path) -> bool:
    for line in info.read_text("ascii", "replace").splitlines():
        if line.startswith("flags:"):
            return int(line.split()[1], 8) & os.O_ACCMODE != os.O_RDONLY
    return False
