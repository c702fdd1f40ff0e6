"""`unlock`: make annexed files editable."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from rookery.annex.editable import unlock as unlock_files
from rookery.annex.files import AnnexedFile, index_files
from rookery.core.context import Context
from rookery.core.results import result
from rookery.core.sizes import natural
from rookery.dataset.grouping import below_root, by_dataset
from rookery.dataset.hierarchy import datasets_below
from rookery.dataset.locate import given_paths, require_dataset
from rookery.dataset.model import Dataset
from rookery.git.index import read_index
from rookery.opkit.declare import Many, Positional, Record, operation
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.opkit.parameters import DryRun, RecursionLimit, Recursive


@operation()
def unlock(
    ctx: Context,
    path: Annotated[Many, Positional("PATH", help="what to unlock; without it, the whole dataset")] = None,
    *,
    dataset: DatasetParameter = None,
    recursive: Recursive = False,
    recursion_limit: RecursionLimit = None,
    dry_run: DryRun = False,
) -> Iterator[Record]:
    """Make annexed files editable: real files, writable, in place of links to protected content.

    The content in the annex is untouched; a save records what was changed and
    locks the files again.
    """
    ds = require_dataset(ctx, dataset, purpose="unlock")
    given = given_paths(ctx, path)
    groups: dict[Path, list[Path] | None] = {ds.path: None}
    if given:
        there = []
        for one in given:
            if os.path.lexists(one.path):
                there.append(one)
            else:
                message = "path does not exist"
                yield result("unlock", one.path, "impossible", type="file", refds=ds.path, message=message)
        inside, outside = by_dataset(
            ds.path, there, roots="inside" if recursive or dataset is None else "rsync"
        )
        groups = dict(inside)
        for path_ in outside:
            yield result(
                "unlock",
                path_,
                "error",
                refds=ds.path,
                message=("path not underneath the reference dataset %s", f"Dataset({ds.path})"),
            )
    for root, paths in groups.items():
        top = Dataset(root, ctx)
        yield from _unlock(top, paths, refds=ds.path, dry_run=dry_run)
        if recursive:
            below = list(datasets_below(top, recursive=True, limit=recursion_limit, itself=False))
            for sub in below:
                if not paths or any(p == sub.path or p in sub.path.parents for p in paths):
                    yield from _unlock(sub, None, refds=ds.path, dry_run=dry_run)


def _unlock(ds: Dataset, paths: Sequence[Path] | None, *, refds: Path, dry_run: bool) -> Iterator[Record]:
    """Unlock what is locked and present; of the others, say something about those named."""
    asked = below_root(ds.path, paths) if paths else ["."]
    files = list(index_files(ds.repo, asked))
    todo = [file for file in files if file.locked and file.present and (ds.path / file.path).is_symlink()]
    yield from _named(ds, asked, files, todo, refds)
    if dry_run:
        for file in todo:
            yield result(
                "unlock [dry-run]",
                ds.path / file.path,
                type="file",
                refds=refds,
                bytesize=file.size,
                message=f"would take {natural(file.size or 0)} more",
            )
        return
    for path, message in unlock_files(ds.repo, [file.path for file in todo]):
        yield result(
            "unlock",
            ds.path / path,
            "error" if message else "ok",
            type="file",
            refds=refds,
            message=message or None,
        )


def _named(
    ds: Dataset, asked: Sequence[str], files: Sequence[AnnexedFile], todo: Sequence[AnnexedFile], refds: Path
) -> Iterator[Record]:
    annexed = {file.path: file for file in files}
    doing = {file.path for file in todo}
    tracked = {entry.path for entry in read_index(ds.repo)}
    for one in asked:
        path = ds.path / one
        if one in doing or (path.is_dir() and not path.is_symlink()):
            continue
        file = annexed.get(one)
        if file is not None and not file.present:
            why, status = "no content present", "impossible"
        elif one not in tracked:
            why, status = "untracked", "impossible"
        else:
            why, status = "non-annex file", "notneeded"
        yield result(
            "unlock",
            path,
            "notneeded" if status == "notneeded" else "impossible",
            type="file",
            refds=refds,
            message=f"{why}; cannot unlock",
        )
