"""What a save would do, said without doing it: what goes where, how many bytes, and what would be left behind."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rookery.annex import ingest
from rookery.annex.files import keys_of_blobs
from rookery.annex.keys import size_of
from rookery.annex.store import is_present
from rookery.core.results import result
from rookery.core.sizes import natural
from rookery.dataset.locate import GivenPath
from rookery.dataset.model import Dataset
from rookery.git import modes
from rookery.git.index import NewEntry
from rookery.git.objects import stat_many
from rookery.git.private_index import private_index
from rookery.steps.saving.changes import Changes, find_changes
from rookery.steps.saving.intake import goes_to_git
from rookery.steps.saving.savable import savable
from rookery.steps.saving.save import plan_save

Record = dict[str, Any]

WHERE = {"git": "would go to Git", "annex": "would go to the annex"}
OVERTAKEN = "; the version of it that is staged is in no commit, and this save would not make one of it"


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
            untouched = ds.repo.with_env(GIT_OPTIONAL_LOCKS="0")  # not even the index is written
            changes = find_changes(untouched, sorted(wanted or ()), updated=updated)
            yield from _Preview(ds, changes, top.path, to_git=to_git).told()


class _Preview:
    """What a save of one dataset would do, and the sums of it."""

    def __init__(self, ds: Dataset, changes: Changes, refds: Path, *, to_git: bool | None) -> None:
        self.ds = ds
        self.repo = ds.repo
        self.changes = changes
        self.refds = refds
        self.to_git = to_git
        self.files = {"annex": 0, "git": 0}
        self.bytes = {"annex": 0, "git": 0}
        self.others = {"deleted": 0, "recorded": 0}

    def told(self) -> Iterator[Record]:
        """Yield a record for each path, and last one with the sums, if there is anything to save."""
        yield from self._deleted()
        for path in self.changes.repositories:
            self.others["recorded"] += 1
            yield self._record("add [dry-run]", path, type="dataset", message="its commit would be recorded")
        yield from self._as_they_are()
        files, left_out = savable(self.ds, self.changes.files)
        yield from left_out
        yield from self._taken_in(files)
        if any((*self.files.values(), *self.others.values())):
            yield result(
                "save [dry-run]",
                self.ds.path,
                type="dataset",
                refds=self.refds,
                message=self._sums(),
                bytes_to_annex=self.bytes["annex"],
                bytes_to_git=self.bytes["git"],
            )

    def _sums(self) -> str:
        names = {"annex": "to the annex", "git": "to Git"}
        parts = [
            f"{names[place]}: {_files(number)}, {natural(self.bytes[place])}"
            for place, number in self.files.items()
            if number
        ]
        parts += [f"{kind}: {number}" for kind, number in self.others.items() if number]
        return "; ".join(parts)

    def _record(self, action: str, path: str, **more: Any) -> Record:
        return result(action, self.ds.path / path, refds=self.refds, **more)

    def _deleted(self) -> Iterator[Record]:
        """Say of each deletion what it is about, and that nothing of it is lost by that."""
        gone = [NewEntry(p, *self.changes.before[p]) for p in self.changes.gone if self.changes.before[p][0]]
        known = self._contents(gone)
        for entry in gone:
            self.others["deleted"] += 1
            kind = modes.type_of(entry.mode)
            if entry.mode == modes.GITLINK:
                told, size = "would not be listed any more", None
            else:
                size, key = known[entry.sha]
                told = _kept(self.ds, size, key)
            more = OVERTAKEN if entry.path in self.changes.overtaken else ""
            yield self._record("delete [dry-run]", entry.path, type=kind, message=told + more, bytesize=size)

    def _contents(self, entries: Iterable[NewEntry]) -> dict[str, tuple[int | None, str | None]]:
        """Map blobs to the size of the content that they stand for, and its key if it is annexed."""
        blobs = [entry for entry in entries if entry.mode != modes.GITLINK]
        if not blobs:
            return {}
        names = list(dict.fromkeys(entry.sha for entry in blobs))
        sizes = {s.sha: s.size for s in stat_many(self.repo, names) if s}
        keys = keys_of_blobs(self.repo, blobs, sizes=sizes)
        found: dict[str, tuple[int | None, str | None]] = {}
        for name in names:
            key = keys[name][0] if name in keys else None
            found[name] = (size_of(key), key) if key else (sizes.get(name), None)
        return found

    def _as_they_are(self) -> Iterator[Record]:
        """Tell of staged files and of links: their content, if they stand for any, is where it is to be."""
        staged = self._contents(self.changes.staged.values())
        for path, entry in self.changes.staged.items():
            size, key = staged[entry.sha]
            yield self._file(path, "annex" if key else "git", size, "is staged and would be saved as it is")
        for path in self.changes.links:
            yield self._file(path, "git", _size(self.ds, path), "would be saved as the link that it is")

    def _taken_in(self, files: list[str]) -> Iterator[Record]:
        """Ask git-annex about each file: rules may ask for its content, and only git-annex knows them all."""
        if goes_to_git(self.ds, to_git=self.to_git) or not files:
            yield from (self._file(path, "git", _size(self.ds, path)) for path in files)
            return
        force: ingest.Force | None = "large" if self.to_git is False else None
        with private_index(self.repo, tree=self.changes.head.commit) as view:
            for one in ingest.foresee(view, files, force=force):
                if one.ok:
                    yield self._file(one.path, "annex" if one.annexed else "git", _size(self.ds, one.path))
                else:
                    yield self._record(
                        "add [dry-run]", one.path, status="error", type="file", message=one.message
                    )

    def _file(self, path: str, destination: str, size: int | None, told: str = "") -> Record:
        self.files[destination] += 1
        self.bytes[destination] += size or 0
        how_much = f", {size} bytes" if size is not None else ""
        more = OVERTAKEN if path in self.changes.overtaken else ""
        return self._record(
            "add [dry-run]",
            path,
            type="file",
            message=(told or WHERE[destination]) + how_much + more,
            bytesize=size,
            destination=destination,
        )


def _kept(ds: Dataset, size: int | None, key: str | None) -> str:
    how_much = f"{size} bytes" if size is not None else "its content"
    if key is None:
        return f"{how_much}, kept by the history"
    if is_present(ds.repo, key):
        return f"{how_much}, kept by the annex and the history"
    return f"{how_much}, not present here; the history keeps its name"


def _files(number: int) -> str:
    return "1 file" if number == 1 else f"{number} files"


def _size(ds: Dataset, path: str) -> int | None:
    try:
        return os.lstat(ds.path / path).st_size
    except FileNotFoundError:
        return None  # taken away meanwhile
