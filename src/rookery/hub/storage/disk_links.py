"""Files that several repositories have: hard links, so that each can go without the others losing anything.

Nobody ever writes into such a file: contents and Git's objects are replaced, not changed.
"""

from __future__ import annotations

import errno
import os
import shutil
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from rookery.annex.nearby.content_locks import thawed
from rookery.core.files import copy_bytes
from rookery.hub.storage.disk_upload import sync_folder

# No link across file systems, none where they are unknown or forbidden, no more than so many (65,000 in ext4).
_NO_LINKS = (errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


def share(source: str, target: Path) -> int:
    """Show a file under another name too; where links are not to be had, as a copy, which shares its blocks if it can.

    Gives the size.  Raises FileNotFoundError if the source has gone.
    """
    while True:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with thawed(str(target.parent)):
                _put(source, target)
                return target.stat().st_size
        except FileNotFoundError:
            if not os.path.exists(source):
                raise
            # Somebody who dropped the same content has taken the empty folder away.


def _put(source: str, target: Path) -> None:
    draft = target.with_name(f".{os.getpid()}.{threading.get_ident()}.{time.monotonic_ns()}.tmp")
    try:
        _link_or_copy(source, draft)
        os.replace(draft, target)
    finally:
        draft.unlink(missing_ok=True)  # it stays if both were one file already


def _link_or_copy(source: str, draft: Path) -> None:
    try:
        os.link(source, draft)
    except OSError as e:
        if e.errno not in _NO_LINKS:
            raise
        with open(source, "rb") as old, open(draft, "xb") as new:
            copy_bytes(old.fileno(), new.fileno(), os.fstat(old.fileno()).st_size)
            os.fchmod(new.fileno(), 0o444)
            os.fsync(new.fileno())


def settle(targets: Iterable[Path]) -> None:
    """Have the names of files on the disk, and the folders above them as deep as a content lies.

    All links are made before: the first of these calls writes what the others only ask for.
    """
    folders = {folder for target in targets for folder in target.parents[:4]}
    for folder in sorted(folders, key=lambda one: -len(one.parts)):
        with suppress(FileNotFoundError):  # dropped since
            sync_folder(folder)


def link_objects(source: Path, target: Path) -> None:
    """Link the objects of one Git repository into another, as far as they are there.

    What Git tidies away meanwhile is missing then; a fetch brings it.
    """
    for folder, names, files in os.walk(source):
        names[:] = [name for name in names if name != "info"]
        into = target / os.path.relpath(folder, source)
        into.mkdir(exist_ok=True)
        # Packs come before what tells of them, which means nothing without them.
        for name in sorted(files, key=lambda one: not one.endswith(".pack")):
            of_pack = os.path.basename(folder) == "pack"
            if (
                of_pack
                and not (into / f"{name.partition('.')[0]}.pack").exists()
                and not name.endswith(".pack")
            ):
                continue  # an index of several packs too, and what is not ready yet
            if name.startswith("tmp_") or name.endswith((".lock", ".keep")):
                continue
            with suppress(FileNotFoundError, FileExistsError):
                _link_or_copy(os.path.join(folder, name), into / name)


def copy_keeping_links(seen: dict[tuple[int, int], str], source: str, target: str) -> None:
    """Copy a file as `shutil.copy2` does; one that was copied under another name is linked to that copy."""
    found = os.stat(source, follow_symlinks=False)
    there = seen.get((found.st_dev, found.st_ino)) if found.st_nlink > 1 else None
    if there is not None:
        try:
            os.link(there, target)
            return
        except OSError as e:
            if e.errno not in _NO_LINKS:
                raise
    shutil.copy2(source, target, follow_symlinks=False)
    seen[found.st_dev, found.st_ino] = target
