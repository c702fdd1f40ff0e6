"""Making a work tree ready for a command: inputs are fetched, outputs can be written into."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from rookery.annex.files import AnnexedFile, annexed, index_entries
from rookery.annex.keys import key_of_pointer
from rookery.annex.unlocking import put_copy
from rookery.core.log import get_log
from rookery.core.results import result
from rookery.dataset.globs import Globs
from rookery.dataset.grouping import below_root, by_dataset
from rookery.dataset.locate import GivenPath
from rookery.dataset.model import Dataset
from rookery.git.modes import GITLINK
from rookery.git.status import status
from rookery.steps.obtaining.obtain import obtain
from rookery.steps.obtaining.reach import Content, Wish, reach

log = get_log("rookery.run")

Record = dict[str, Any]


def _grouped(top: Dataset, paths: Iterable[Path]) -> Iterator[tuple[Path, list[str]]]:
    """Yield datasets with the paths in them; the root of a subdataset stands for what is in it."""
    given = [GivenPath(str(path), path, content=True) for path in paths]
    for root, inside in by_dataset(top.path, given, roots="inside").inside.items():
        yield root, below_root(root, inside)


def unsaved(top: Dataset, paths: Iterable[Path]) -> list[str]:
    """Give what at or below some paths is not as it was saved last, relative to the top."""
    found = []
    for root, below in _grouped(top, paths):
        for change in status(Dataset(root, top.ctx).repo, below, untracked="all"):
            found.append(os.path.relpath(root / change.path, top.path))
    return sorted(found)


def fetch_inputs(top: Dataset, globs: Globs, *, jobs: int | str | None) -> Iterator[Record]:
    """Get what a command reads; a specification that matches nothing is an error."""
    yield from install_on_the_way(top, globs)
    for miss in globs.misses:
        message = ("Input did not match existing file: %s", miss)
        yield result("run", top.path, "error", type="dataset", message=message)
    content: Content = {}
    for path in globs.absolute():
        if path == top.path or top.path in path.parents:
            for record in reach(top, path, Wish(), content):
                if record["status"] != "notneeded":  # said by `install_on_the_way`
                    yield record
        elif not path.exists():
            message = ("Input is outside the dataset, and not there: %s", str(path))
            yield result("run", top.path, "error", type="dataset", message=message)
    for root, paths in content.items():
        yield from obtain(Dataset(root, top.ctx), below_root(root, paths), refds=top.path, jobs=jobs)


def install_on_the_way(top: Dataset, globs: Globs) -> Iterator[Record]:
    """Install the subdatasets that specifications lead into, and look again what matches, until nothing is new."""
    seen: set[Path] = set()
    content: Content = {}
    while True:
        folders = {Path(os.path.normpath(globs.pwd / path)).parent for path in globs.expanded(dot=False)}
        fresh = sorted(folder for folder in folders - seen if top.path in folder.parents)
        if not fresh:
            return
        seen.update(fresh)
        for folder in fresh:
            for record in reach(top, folder, Wish(), content):
                if record.get("message") != "path does not exist":
                    yield record
        globs.forget()


def make_outputs_writable(top: Dataset, paths: Iterable[Path]) -> Iterator[Record]:
    """Unlock what a command will write: a file whose content is not here is removed instead.

    Below a folder only files with content are unlocked, the others stay as they
    are.  A file that is not tracked is a person's own and is left alone.
    """
    wanted = [path for path in paths if os.path.lexists(path)]
    for root, below in _grouped(top, wanted):
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
            put_copy(ds.repo, file.objpath, str(path))
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
