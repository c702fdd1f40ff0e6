"""From what a person typed to a dataset and to paths (contract 2.5)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from rookery.core.context import Context
from rookery.core.errors import NoDatasetFound
from rookery.dataset.model import Dataset
from rookery.git.repo import find_root

DEFAULT_DATASET = "///"


class GivenPath(NamedTuple):
    """A path as it was typed, and where it is; `content` tells `sub/` (what is in it) from `sub` (the thing)."""

    typed: str
    path: Path
    content: bool


def absolute(ctx: Context, typed: str | os.PathLike[str]) -> Path:
    """Give the absolute path of what was typed: `~` expanded, `.` and `..` resolved by name, symlinks kept."""
    text = os.fspath(typed)
    if text == "~" or text.startswith("~/"):
        text = ctx.env.get("HOME", "~") + text[1:]
    elif text.startswith("~"):
        text = os.path.expanduser(text)  # somebody's home: the system knows
    return Path(os.path.normpath(ctx.cwd / text))


def given_paths(
    ctx: Context, typed: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None
) -> list[GivenPath]:
    """Read the paths of a command line, in order, each once."""
    found: dict[tuple[Path, bool], GivenPath] = {}
    for one in [typed] if isinstance(typed, (str, os.PathLike)) else typed or ():
        text = os.fspath(one)
        given = GivenPath(text, absolute(ctx, text), text.endswith(("/", "/.")))
        found.setdefault((given.path, given.content), given)
    return list(found.values())


def find_dataset(ctx: Context, typed: str | os.PathLike[str] | None) -> Dataset | None:
    """Find the dataset that was named, or the one around the current folder; None if there is none.

    `^` is the topmost superdataset, `^.` the dataset around the current folder,
    `///` the default dataset.  A path that is named may have no dataset yet.
    """
    text = None if typed is None else os.fspath(typed)
    if text is None or text == "^.":
        root = find_root(ctx.cwd)
        return None if root is None else Dataset(root, ctx)
    if text == "^":
        top = None
        folder: Path | None = ctx.cwd
        while folder is not None and (root := find_root(folder)) is not None:
            top, folder = root, root.parent if root.parent != root else None
        return None if top is None else Dataset(top, ctx)
    if text == DEFAULT_DATASET:
        settings = ctx.settings.at(ctx.cwd)
        return Dataset(absolute(ctx, settings.get("datalad.locations.default-dataset", "~/datalad")), ctx)
    return Dataset(absolute(ctx, text), ctx)


def require_dataset(
    ctx: Context, typed: str | os.PathLike[str] | None, *, purpose: str, installed: bool = True
) -> Dataset:
    """Find the dataset or raise NoDatasetFound; `purpose` completes "... needed to"."""
    dataset = find_dataset(ctx, typed)
    if dataset is None:
        raise NoDatasetFound(
            f"No dataset found at '{ctx.cwd}' for the purpose '{purpose}'.",
            hints=["change into a dataset, or name one with -d/--dataset"],
        )
    if installed and not dataset.is_installed():
        raise NoDatasetFound(
            f"No dataset found at '{dataset.path}' for the purpose '{purpose}'.",
            hints=[f"make one with `rookery create {dataset.path}`, or obtain it with `rookery clone`"],
        )
    return dataset


def below(root: Path, paths: Iterable[Path]) -> bool:
    """Say whether all paths are at or below `root`."""
    return all(path == root or root in path.parents for path in paths)
