"""`copy-file`: copy files between datasets, with what is known about their content."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

from rookery.core.context import Context
from rookery.core.errors import RookeryError
from rookery.core.process import decode
from rookery.core.results import result
from rookery.dataset.locate import GivenPath, absolute, given_paths, require_dataset
from rookery.dataset.model import Dataset
from rookery.opkit.declare import Many, PathLikeText, Positional, Record, operation, option
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.opkit.parameters import Message
from rookery.steps.copying import Copied, Copier, Pair

Spec = tuple[Path, Path | None]


class UnclearRequest(RookeryError, ValueError):
    """It is not said what to copy, or where to."""


@operation()
def copy_file(
    ctx: Context,
    path: Annotated[Many, Positional("PATH", help="files to copy, and possibly where to")] = None,
    *,
    dataset: DatasetParameter = None,
    recursive: Annotated[
        bool, option("-r", "--recursive", help="copy folders with all that is in them")
    ] = False,
    target_dir: Annotated[
        PathLikeText | None,
        option("-t", "--target-dir", metavar="FOLDER", help="copy into this folder; default: DATASET"),
    ] = None,
    specs_from: Annotated[
        Any,
        option(
            "--specs-from",
            metavar="SOURCE",
            help="read what to copy from a file, or with '-' from standard input: on each line a path, "
            "or two separated by a null byte: from where, and where to",
        ),
    ] = None,
    message: Message = None,
) -> Iterator[Record]:
    """Copy files from one dataset to another, with their identity and where their content is known to be.

    An annexed file keeps its key; its content is copied if it is here, and the
    URLs it can be had from are registered in the other dataset.  With -d the
    copies are saved in DATASET, and in those between it and them.
    """
    if path and specs_from:
        raise UnclearRequest("Path argument(s) AND a specs-from specified, this is not supported.")
    ds = None if dataset is None else require_dataset(ctx, dataset, purpose="copy into")
    folder = None if target_dir is None else absolute(ctx, target_dir)
    specs, folder = _from_paths(ctx, path, ds, folder) if path else (_from_source(ctx, specs_from), folder)
    if folder is not None and ".git" in folder.parts:
        raise UnclearRequest(f"Target directory should not contain a .git directory: {folder}")
    if folder is None and ds is not None:
        folder = ds.path
    todo = _Todo(ds, folder, recursive=recursive)
    saved: list[Path] = []
    links: set[str] = set()
    for one in _in_order(todo.steps(specs), Copier(ctx)):
        if isinstance(one, Copied):
            yield _told(one)
            saved += [one.pair.target] if one.status == "ok" else []
            links |= {str(one.pair.target)} if one.linked else set()
        else:
            yield one
    if ds is not None and saved:
        given = [GivenPath(str(place), place, content=False) for place in saved]
        from rookery.steps.saving.save import How, save_datasets  # start-up: --help needs none of it

        for record in save_datasets(ds, given, upward=True, how=How(message=message)):
            if not (record["action"] == "add" and record["path"] in links):  # it was told already
                yield record


def _told(one: Copied) -> Record:
    more = {"destination": str(one.pair.target)} if one.about == one.pair.source else {}
    return result("copy_file", one.about, one.status, message=one.message, **more)


def _in_order(steps: Iterable[Pair | Record], copier: Copier) -> Iterator[Copied | Record]:
    """Copy what is to be copied, several files at a time, and yield everything in its order."""
    waiting: list[Pair | Record] = []

    def settled() -> Iterator[Copied | Record]:
        done = copier.copy(step for step in waiting if isinstance(step, Pair))
        for step in waiting:
            yield next(done) if isinstance(step, Pair) else step
        waiting.clear()

    for step in steps:
        waiting.append(step)
        if len(waiting) >= 1000:
            yield from settled()
    yield from settled()


def _from_paths(
    ctx: Context, typed: Many, ds: Dataset | None, folder: Path | None
) -> tuple[list[Spec], Path | None]:
    """Read paths as cp does: a last one that is a folder, or follows several, is where the others go."""
    paths = [one.path for one in given_paths(ctx, typed)]
    if folder is None and len(paths) == 1 and ds is None:
        raise UnclearRequest(
            "No target directory was given.", hints=["name one with -t, or a dataset with -d"]
        )
    if folder is None and len(paths) == 2 and not paths[1].is_dir():
        return [(paths[0], paths[1])], None
    if folder is None and len(paths) > 1:
        folder = paths.pop()
    return [(path, None) for path in paths], folder


def _from_source(ctx: Context, source: Any) -> Iterator[Spec]:
    """Read specifications: a file, standard input, or in Python a list of paths and pairs of paths."""
    if not source:
        raise UnclearRequest("Neither `paths` nor `specs_from` given.")
    if isinstance(source, (list, tuple)):
        for one in source:
            pair = one if isinstance(one, (list, tuple)) else (one, None)
            yield absolute(ctx, pair[0]), None if pair[1] is None else absolute(ctx, pair[1])
        return
    raw = ctx.read_input() if source == "-" else absolute(ctx, source).read_bytes()
    for line in raw.splitlines() if b"\n" in raw or b"\0" not in raw else [raw]:
        name, has_target, target = decode(line).partition("\0")
        if name:
            yield absolute(ctx, name), absolute(ctx, target.rstrip("\0")) if has_target and target else None


class _Todo:
    """From specifications to pairs of files."""

    def __init__(self, ds: Dataset | None, folder: Path | None, *, recursive: bool) -> None:
        self._ds = ds
        self._folder = folder
        self._recursive = recursive

    def steps(self, specs: Iterable[Spec]) -> Iterator[Pair | Record]:
        """Yield what is to be copied, and records of what cannot be."""
        for source, target in specs:
            place = target or (self._folder and self._folder / source.name)
            problem = self._problem(source, place)
            if problem is not None or place is None:
                yield result("copy_file", source, "impossible", message=problem)
                continue
            for pair in _pairs(source, place):
                if self._ds is not None and self._ds.path not in pair.target.parents:
                    where = str(self._folder or target)
                    why = ("reference dataset does not contain destination path: %s", where)
                    yield result("copy_file", where, "error", message=why)
                    break
                yield pair

    def _problem(self, source: Path, target: Path | None) -> str | None:
        if not self._recursive and _is_folder(source):
            return "recursion not enabled, omitting directory"
        if source.name == ".git" or (target is not None and ".git" in target.parts):
            return "refuse to place '.git' into destination dataset"
        return None if target else "need destination path or target directory"


def _pairs(source: Path, target: Path) -> Iterator[Pair]:
    """Yield what is to be copied where: a file, or everything in a folder."""
    if not _is_folder(source):
        yield Pair(source, target)
        return
    for folder, names, files in os.walk(source):
        names[:] = sorted(name for name in names if name != ".git")
        links = [name for name in names if os.path.islink(os.path.join(folder, name))]
        for name in sorted([*files, *links]):
            if name != ".git":
                place = Path(folder, name)
                yield Pair(place, target / place.relative_to(source))


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
