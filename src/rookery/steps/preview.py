"""What a save would do, said without doing it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rookery.annex import identity
from rookery.core.results import result
from rookery.dataset.locate import GivenPath
from rookery.dataset.model import Dataset
from rookery.git import modes
from rookery.git.attributes import check_attributes
from rookery.steps.changes import Changes, find_changes
from rookery.steps.save import plan_save

Record = dict[str, Any]


def preview_save(
    top: Dataset,
    given: Sequence[GivenPath],
    *,
    upward: bool,
    recursive: bool,
    limit: int | None,
    updated: bool,
    to_git: bool | None,
) -> Iterator[Record]:
    """Yield what `save_datasets` would record: with `bytesize`, and `destination` Git or annex.

    A subdataset that would be recorded only because something in it is saved
    first is told by the records about what is in it.
    """
    plan = plan_save(top, given, upward=upward, recursive=recursive, limit=limit)
    yield from plan.impossible
    for path in sorted(plan.targets, reverse=True):
        wanted = plan.targets[path]
        if wanted is None or wanted:
            ds = Dataset(path, top.ctx)
            changes = find_changes(ds.repo, sorted(wanted or ()), updated=updated)
            yield from _told(ds, changes, top.path, to_git=to_git)


def _told(ds: Dataset, changes: Changes, refds: Path, *, to_git: bool | None) -> Iterator[Record]:
    for path in changes.gone:
        mode = changes.before[path][0]
        if mode:
            yield result("delete [dry-run]", ds.path / path, type=modes.type_of(mode), refds=refds)
    for path in changes.repositories:
        yield result("add [dry-run]", ds.path / path, type="dataset", refds=refds)
    for path in (*changes.staged, *changes.links):
        yield _file(ds, path, refds, "git", "would be saved as it is")
    for path, destination in _destinations(ds, changes.files, to_git=to_git):
        words = {"git": "would go to Git", "annex": "would go to the annex"}
        told = words.get(
            destination, f"git-annex would decide by its content: annex.largefiles={destination}"
        )
        yield _file(ds, path, refds, destination if destination in words else "undecided", told)
    if changes:
        yield result("save [dry-run]", ds.path, type="dataset", refds=refds)


def _file(ds: Dataset, path: str, refds: Path, destination: str, told: str) -> Record:
    full = ds.path / path
    size = full.lstat().st_size if full.exists() or full.is_symlink() else None
    how_much = f", {size} bytes" if size is not None else ""
    return result(
        "add [dry-run]",
        full,
        type="file",
        refds=refds,
        message=told + how_much,
        bytesize=size,
        destination=destination,
    )


def _destinations(ds: Dataset, paths: Sequence[str], *, to_git: bool | None) -> Iterator[tuple[str, str]]:
    """Yield each path with "git", "annex", or the rule that only the content can answer."""
    if to_git or not identity.is_annex(ds.repo):
        yield from ((path, "git") for path in paths)
        return
    everywhere = ds.config.get("annex.largefiles")
    simple = {"nothing": "git", "anything": "annex"}
    for path, found in check_attributes(ds.repo, ["annex.largefiles"], paths):
        rule = everywhere or found.get("annex.largefiles", "anything")
        yield path, "annex" if to_git is False else simple.get(rule, rule)
