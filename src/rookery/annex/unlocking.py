"""A locked file becomes one of its own, for a program to write into: a copy of the object, in one step.

The index is not told.  To Git the file has changed its type, as if somebody had
replaced it; the next save takes it in, and `git checkout -- FILE` locks it again.
"""

from __future__ import annotations

import os
import stat
import time

from rookery.annex.store import annex_dir
from rookery.core.files import copy_bytes
from rookery.git.repo import Repo


def put_copy(repo: Repo, place: str, file: str) -> None:
    """Put a writable copy of an object where a file is; readers see the old or the new, whole.

    Times are the object's, so that programs that compare them see no change.
    """
    draft = _draft_for(repo, file)
    try:
        with open(place, "rb") as source, open(draft, "xb") as target:
            seen = os.fstat(source.fileno())
            copy_bytes(source.fileno(), target.fileno(), seen.st_size)
            os.fchmod(target.fileno(), stat.S_IMODE(seen.st_mode) | stat.S_IWUSR)
        os.utime(draft, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        os.replace(draft, file)
    except BaseException:
        try:
            os.unlink(draft)
        except FileNotFoundError:
            pass  # it has become the file, or never was
        raise


def _draft_for(repo: Repo, file: str) -> str:
    """Give a place for a draft that no save takes in if we are killed: git-annex's folder for such, which it clears."""
    folder = str(annex_dir(repo) / "othertmp")
    os.makedirs(folder, exist_ok=True)
    beside = os.path.dirname(file)
    if os.stat(folder).st_dev != os.stat(beside).st_dev:
        folder = beside  # a rename cannot cross file systems
    return os.path.join(folder, f".rookery.{os.getpid()}.{time.monotonic_ns()}")
