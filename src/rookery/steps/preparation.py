"""Making a work tree ready for a command: inputs are fetched, outputs can be written into."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rookery.annex.files import AnnexedFile, annexed, index_entries
from rookery.annex.keys import key_of_pointer
from rookery.annex.unlocking import put_copy
from rookery.core.results import result
from rookery.dataset.globs import Globs
from rookery.dataset.model import Dataset
from rookery.git.modes import GITLINK
from rookery.git.repo import find_root
from rookery.git.status import status
from rookery.steps.obtain import obtain

log = logging.getLogger("rookery.run")

Record = dict[str, Any]


def by_dataset(top: Dataset, paths: Iterable[Path]) -> dict[Path, list[str]]:
    """Sort paths by the dataset that they are in: root -> paths below it; those outside `top` are left out.

    The root of a subdataset counts as a path in itself, as everything in it.
    """
    found: dict[Path, list[str]] = {}
    for path in paths:
        if path != top.path and top.path not in path.parents:
            continue
        root = find_root(path)
        if root is None or (root != top.path and top.path not in root.parents):
            root = top.path
        found.setdefault(root, []).append(os.path.relpath(path, root))
    return found


def unsaved(top: Dataset, paths: Iterable[Path]) -> list[str]:
    """Give what at or below some paths is not as it was saved last, relative to the top."""
    found = []
    for root, below in by_dataset(top, paths).items():
        for change in status(Dataset(root, top.ctx).repo, below, untracked="all"):
            found.append(os.path.relpath(root / change.path, top.path))
    return sorted(found)


def fetch_inputs(top: Dataset, globs: Globs, *, jobs: int | str | None) -> Iterator[Record]:
    """Get what a command reads; a specification that matches nothing is an error."""
    for miss in globs.misses:
        message = ("Input did not match existing file: %s", miss)
        yield result("run", top.path, "error", type="dataset", message=message)
    for root, paths in by_dataset(top, globs.absolute()).items():
        yield from obtain(Dataset(root, top.ctx), paths, refds=top.path, jobs=jobs)


def make_outputs_writable(top: Dataset, paths: Iterable[Path]) -> Iterator[Record]:
    """Unlock what a command will write: a file whose content is not here is removed instead.

    Below a folder only files with content are unlocked, the others stay as they
    are.  A file that is not tracked is a person's own and is left alone.
    """
    wanted = [path for path in paths if os.path.lexists(path)]
    for root, below in by_dataset(top, wanted).items():
        ds = Dataset(root, top.ctx)
        named = set(below)
        entries = [e for e in index_entries(ds.repo, below) if e.mode != GITLINK]
        in_annex = {file.path: file for file in annexed(ds.repo, entries)}
        for entry in entries:
            file = in_annex.get(entry.path)
            if file is not None:
                yield from _make_writable(ds, top, file, named=entry.path in named)
            elif entry.path in named:
                why = "non-annex file; cannot unlock"
                yield _record(top, "unlock", ds.path / entry.path, "notneeded", message=why)


def _make_writable(ds: Dataset, top: Dataset, file: AnnexedFile, *, named: bool) -> Iterator[Record]:
    path = ds.path / file.path
    if not _stands_for(path, file):
        return  # it is a file of its own already
    if file.present and file.locked:
        try:
            put_copy(file.objpath, str(path))
        except OSError as e:
            yield _record(top, "unlock", path, "error", message=str(e), exception=e)
        else:
            yield _record(top, "unlock", path, "ok")
    elif named:
        yield remove_output(top, path)


def _stands_for(path: Path, file: AnnexedFile) -> bool:
    """Say whether the work tree has the symlink, or the bare pointer, and not the content itself."""
    if path.is_symlink():
        return file.locked
    try:
        with open(path, "rb") as start:
            return not file.locked and key_of_pointer(start.read(32 * 1024)) is not None
    except OSError:
        return False


def remove_output(top: Dataset, path: Path) -> Record:
    """Take a file away so that a command can make it anew."""
    try:
        os.unlink(path)
    except OSError as e:
        return _record(
            top, "run.remove", path, "error", message=("Removing file failed: %s", str(e)), exception=e
        )
    return _record(top, "run.remove", path, "ok", message="Removed file")


def _record(top: Dataset, action: str, path: Path, status: Any, **more: Any) -> Record:
    return result(action, path, status, type="file", refds=top.path, **more)
