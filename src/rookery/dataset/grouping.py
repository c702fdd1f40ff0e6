"""Sorting paths into the datasets that they are in."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

from rookery.dataset.locate import GivenPath
from rookery.git.repo import find_root

Roots = Literal["rsync", "inside"]


class Grouped(NamedTuple):
    """Paths by dataset, in the order given; `outside` are not at or below the reference dataset."""

    inside: dict[Path, list[Path]]
    outside: list[Path]


def by_dataset(reference: Path, paths: Iterable[GivenPath], *, roots: Roots = "rsync") -> Grouped:
    """Sort paths, which need not exist, into the nearest datasets that are installed.

    The root of a subdataset belongs to its parent unless it was typed with a
    slash at its end ("rsync"), or always to itself ("inside").
    """
    inside: dict[Path, list[Path]] = {}
    outside: list[Path] = []
    known: dict[Path, Path | None] = {}
    for given in paths:
        path = as_seen_from(reference, given.path)
        if path != reference and reference not in path.parents:
            outside.append(path)
            continue
        start = path if path.is_dir() and not path.is_symlink() else path.parent
        if start not in known:
            known[start] = find_root(start)
        root = known[start] or reference
        if root == path and path != reference and roots == "rsync" and not given.content:
            root = find_root(path.parent) or reference
        inside.setdefault(root, []).append(path)
    return Grouped(inside, outside)


def as_seen_from(reference: Path, path: Path) -> Path:
    """Spell a path below a dataset that was reached by another name (a symlink) by the dataset's own name."""
    if path == reference or reference in path.parents:
        return path
    real = Path(os.path.realpath(path.parent)) / path.name
    top = Path(os.path.realpath(reference))
    return reference / real.relative_to(top) if top in (real, *real.parents) else path


def below_root(root: Path, paths: Iterable[Path]) -> list[str]:
    """Give paths relative to a dataset's root as Git wants them; the root itself is ".", and so is everything."""
    return [path.relative_to(root).as_posix() for path in paths]
