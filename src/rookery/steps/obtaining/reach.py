"""Getting to paths: the subdatasets on the way to them are installed, and those below them if that is wished."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rookery.core.results import result
from rookery.dataset.hierarchy import Limit, Subdataset, registered, walk
from rookery.dataset.model import Dataset
from rookery.git.repo import find_root
from rookery.steps.obtaining.cloning import After
from rookery.steps.obtaining.install import install_below, install_trail
from rookery.steps.obtaining.settle import Setup

Record = dict[str, Any]

# What was asked for, by the dataset that it is in.
Content = dict[Path, list[Path]]


class Wish(NamedTuple):
    """How far to go, and how what is installed on the way is set up."""

    recursive: bool = False
    limit: Limit = None
    setup: Setup = Setup()
    after: After | None = None
    jobs: int | None = None
    dry_run: bool = False


def reach(top: Dataset, path: Path, wish: Wish, content: Content) -> Iterator[Record]:
    """Go to a path below `top`; on return `content` has it, and what is below it, by dataset.

    A path that no subdataset brings is reported as impossible.
    """
    if _is_something(path):
        root = _root_of(top, path)
        if root != top.path and root not in content:
            yield result("get", root, "notneeded", type="dataset", refds=top.path, contains=[str(path)])
        content.setdefault(root, []).append(path)
    else:
        yield from _go_down(top, path, wish, content)
        if not os.path.lexists(path) and not (wish.dry_run and _missing(top, path)):
            message = "path does not exist"
            yield result("get", path, "impossible", refds=top.path, message=message)
    if wish.recursive and path.is_dir():
        yield from _go_on(top, path, wish, content)


def _is_something(path: Path) -> bool:
    """Say whether a path is there: a folder only if it is not empty, for it may be a missing subdataset's."""
    if path.is_dir() and not path.is_symlink():
        with os.scandir(path) as entries:
            return next(entries, None) is not None
    return os.path.lexists(path)


def _root_of(top: Dataset, path: Path) -> Path:
    """Give the root of the dataset that a path is in: itself, where it is one."""
    return find_root(path if path.is_dir() and not path.is_symlink() else path.parent) or top.path


def _missing(top: Dataset, path: Path) -> Subdataset | None:
    """Give the subdataset that would have to be installed first to get to a path."""
    trail = walk(top, recursive=True, containing=[path])
    return next((sub for sub in trail if not sub.present), None)


def _go_down(top: Dataset, path: Path, wish: Wish, content: Content) -> Iterator[Record]:
    """Install one subdataset after the other until the path is there, or none is left that could bring it."""
    if wish.dry_run:
        if (sub := _missing(top, path)) is not None:
            yield _foreseen(top, sub)
        return
    installed = False
    for record in install_trail(top, path, setup=wish.setup, after=wish.after):
        installed = installed or (record["action"] == "install" and record["status"] == "ok")
        yield {**record, "contains": [str(path)]} if os.path.lexists(path) else record
    if installed and os.path.lexists(path):
        content.setdefault(_root_of(top, path), []).append(path)


def _go_on(top: Dataset, path: Path, wish: Wish, content: Content) -> Iterator[Record]:
    """Install what is below a path; entries of `.gitmodules` that say so are left out."""
    start = Dataset(_root_of(top, path), top.ctx)
    if wish.limit == "existing":
        for sub in walk(start, recursive=True, under=[path], state="present"):
            content.setdefault(sub.path, []).append(sub.path)
        return
    if wish.dry_run:
        for sub in _to_install(start, path, wish.limit, content):
            yield _foreseen(top, sub)
        return
    records = install_below(
        start, under=[path], limit=wish.limit, setup=wish.setup, jobs=wish.jobs, after=wish.after
    )
    for record in records:
        place = Path(record["path"])
        is_here = record["action"] == "install" and record["status"] in ("ok", "notneeded")
        known = place in content
        if is_here:
            content.setdefault(place, []).append(place)
        if record["status"] != "notneeded":
            yield {**record, "contains": [str(place)]}
        elif not known and start.path != top.path:  # as DataLad does, which counts them in its summary
            yield {**record, "refds": str(top.path), "contains": [str(place)]}


def _to_install(start: Dataset, path: Path, limit: Limit, content: Content) -> Iterator[Subdataset]:
    """Yield what is missing below a path as far as can be known before anything is installed."""
    if isinstance(limit, int) and limit <= 0:
        return
    for sub in registered(start):
        if sub.path != path and path not in sub.path.parents:
            continue
        if sub.properties.get("datalad-recursiveinstall") == "skip":
            continue
        if not sub.present:
            yield sub
            continue
        content.setdefault(sub.path, []).append(sub.path)
        deeper = limit - 1 if isinstance(limit, int) else limit
        yield from _to_install(Dataset(sub.path, start.ctx), sub.path, deeper, content)


def _foreseen(top: Dataset, sub: Subdataset) -> Record:
    return result(
        "install [dry-run]",
        sub.path,
        type="dataset",
        refds=top.path,
        message="would be installed; what is in it is not known before",
    )
