"""Sending a tree to a special remote that holds files as people see them (exporttree=yes): `git annex export`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rookery.annex import identity, program
from rookery.annex import remotes as annex_remotes
from rookery.annex.branch import read
from rookery.core.results import result
from rookery.dataset.model import Dataset
from rookery.git.repo import Repo

Record = dict[str, Any]

LOG = "export.log"


def holds_trees(repo: Repo, uuid: str | None) -> bool:
    """Say whether a special remote takes trees, and no single keys."""
    special = annex_remotes.special(repo).get(uuid or "")
    return special is not None and special.exporttree


def exporter(repo: Repo, uuid: str) -> str | None:
    """Give the uuid of the repository that exported to a special remote last; None if nobody has."""
    newest, found = -1.0, None
    for line in read(repo, [LOG]).get(LOG, "").splitlines():
        stamp, _, rest = line.partition(" ")
        source, _, target = rest.split(" ", 1)[0].partition(":")
        if target == uuid and (at := _seconds(stamp)) > newest:
            newest, found = at, source
    return found


def _seconds(stamp: str) -> float:
    try:
        return float(stamp.removesuffix("s"))
    except ValueError:
        return 0.0


def export(ds: Dataset, name: str, uuid: str, *, refds: Path, dry_run: bool) -> Iterator[Record]:
    """Export HEAD, and yield what became of each file.  Raises CommandError.

    Not over the export of another repository: it may have files that this one
    has never heard of.
    """
    said: dict[str, Any] = {"refds": refds, "target": name}
    last = exporter(ds.repo, uuid)
    if last is not None and last != identity.uuid(ds.repo):
        described = identity.descriptions(ds.repo).get(last) or last
        yield result(
            "copy",
            ds.path,
            "error",
            type="dataset",
            message=("refuse to export to %s, because the last known export came from %s", name, described),
            hints=f"Push from there, or export in spite of it: git annex export HEAD --to {name}",
            **said,
        )
        return
    if dry_run:
        message = ("HEAD would be exported to %s, as far as it is not there yet", name)
        yield result("copy [dry-run]", ds.path, type="dataset", message=message, **said)
        return
    for record in program.records(ds.repo, "export", "HEAD", f"--to={name}"):
        yield _told(ds, record, said)


def _told(ds: Dataset, record: Record, said: dict[str, Any]) -> Record:
    ok = record.get("success") is not False
    message: Any = program.failure_text(record) if not ok else None
    if ok and record.get("command") == "unexport":
        message = ("removed from %s", said["target"])
    return result(
        "copy",
        ds.path / str(record.get("file") or ""),
        "ok" if ok else "error",
        type="file",
        message=message or ("to %s", said["target"]),
        annexkey=record.get("key"),
        **said,
    )
