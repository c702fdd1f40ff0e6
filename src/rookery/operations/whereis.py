"""`whereis`: which places have a file's content."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from rookery.annex.files import AnnexedFile, index_files
from rookery.annex.identity import BITTORRENT, WEB
from rookery.annex.places import Places, read_places
from rookery.annex.remotes import display_name
from rookery.core.context import Context
from rookery.core.results import Status, result
from rookery.dataset.grouping import below_root, by_dataset
from rookery.dataset.hierarchy import datasets_below
from rookery.dataset.locate import given_paths, require_dataset
from rookery.dataset.model import Dataset
from rookery.git.index import read_index
from rookery.opkit.declare import Many, Positional, Record, operation
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.opkit.parameters import RecursionLimit, Recursive


@operation(renderer="whereis", summary="never")
def whereis(
    ctx: Context,
    path: Annotated[Many, Positional("PATH", help="files or folders; without it, the whole dataset")] = None,
    *,
    dataset: DatasetParameter = None,
    recursive: Recursive = False,
    recursion_limit: RecursionLimit = None,
) -> Iterator[Record]:
    """Show which places have the content of files, since when, and how many copies that makes.

    Told from the location log, without asking anybody: a place that has not
    been heard of for long may have changed.  What is here is looked at.
    """
    ds = require_dataset(ctx, dataset, purpose="show where content is")
    given = given_paths(ctx, path)
    groups: dict[Path, list[Path] | None] = {ds.path: None}
    if given:
        inside, outside = by_dataset(ds.path, given, roots="inside")
        groups = dict(inside)
        for one in outside:
            message = ("path not underneath the reference dataset %s", f"Dataset({ds.path})")
            yield result("whereis", one, "error", refds=ds.path, message=message)
    for root, paths in groups.items():
        top = Dataset(root, ctx)
        yield from _whereis(top, paths, ds.path)
        if recursive:
            for sub in datasets_below(top, recursive=True, limit=recursion_limit, itself=False):
                if not paths or any(p == sub.path or p in sub.path.parents for p in paths):
                    yield from _whereis(sub, None, ds.path)


def _whereis(ds: Dataset, paths: Sequence[Path] | None, refds: Path) -> Iterator[Record]:
    asked = below_root(ds.path, paths) if paths else ["."]
    files = list(index_files(ds.repo, asked))
    yield from _unannexed(ds, asked, files, refds)
    if not files:
        return
    places = read_places(ds.repo, dict.fromkeys(file.key for file in files))
    telling = _Telling(ds, places, refds)
    for file in files:
        yield telling.record(file)


def _unannexed(
    ds: Dataset, asked: Sequence[str], files: Sequence[AnnexedFile], refds: Path
) -> Iterator[Record]:
    """Say of each path named that it is no annexed file, unless it is a folder."""
    annexed = {file.path for file in files}
    named = [one for one in asked if one not in annexed and not (ds.path / one).is_dir()]
    tracked = {entry.path for entry in read_index(ds.repo)} if named else set()
    for one in named:
        if one in tracked:
            message = "not annexed: the content is in Git, and so wherever the history is"
            yield result("whereis", ds.path / one, "notneeded", type="file", refds=refds, message=message)
        elif os.path.lexists(ds.path / one):
            message = "untracked: this is the only place known to have it"
            yield result("whereis", ds.path / one, "impossible", type="file", refds=refds, message=message)
        else:
            message = "path does not exist"
            yield result("whereis", ds.path / one, "impossible", type="file", refds=refds, message=message)


class _Told(NamedTuple):
    """What records of files with equal logs, here or not, have in common; each place with whether it serves URLs."""

    status: Status
    message: str | None
    copies: int
    entries: list[tuple[bool, dict[str, Any]]]
    untrusted: list[tuple[bool, dict[str, Any]]]


class _Telling:
    """Makes the records of the files of one dataset: git-annex's keys, and since when, which remote, what trust."""

    def __init__(self, ds: Dataset, places: Places, refds: Path) -> None:
        self._top = f"{ds.path}/"
        self._places = places
        self._refds = str(refds)
        # Thousands of files that came together have the same list of locations.
        self._told: dict[tuple[int, bool], _Told] = {}

    def record(self, file: AnnexedFile) -> Record:
        """Make the record of one file."""
        key = file.key
        case = (id(self._places.locations.get(key)), file.present)
        told = self._told.get(case)
        if told is None:
            told = self._told[case] = self._tell(file)
        urls = self._places.urls.get(key, [])
        return result(
            "whereis",
            self._top + file.path,
            told.status,
            type="file",
            refds=self._refds,
            message=told.message,
            key=key,
            copies=told.copies,
            whereis=[{**entry, "urls": urls[:] if serves else []} for serves, entry in told.entries],
            untrusted=[{**entry, "urls": urls[:] if serves else []} for serves, entry in told.untrusted],
            has_content=file.present,
        )

    def _tell(self, file: AnnexedFile) -> _Told:
        places = self._places
        copies = places.copies(file.key)
        entries: list[tuple[bool, dict[str, Any]]] = []
        untrusted: list[tuple[bool, dict[str, Any]]] = []
        missing = 0
        for place in copies:
            here = place.uuid == places.here
            gone = here and not file.present
            missing += gone
            entry: dict[str, Any] = {
                "uuid": place.uuid,
                "description": display_name(place.uuid, places.remotes, places.descriptions),
                "here": here,
                "urls": [],
                "since": place.timestamp,
                "remote": places.remotes[place.uuid].name if place.uuid in places.remotes else None,
                "trust": places.trust.get(place.uuid, "semitrusted"),
                **({"missing": True} if gone else {}),
            }
            some = untrusted if places.trust.get(place.uuid) == "untrusted" else entries
            some.append((_serves_urls(places, place.uuid), entry))
        count = sum(1 for _, entry in entries if not entry.get("missing"))
        message = None
        if missing:
            message = "recorded as here, but the content is gone: `git annex fsck` corrects the record"
        elif file.present and not any(p.uuid == places.here for p in copies):
            message = "the content is here, though the record does not say so: `git annex fsck` corrects it"
        elif not count and not untrusted:
            message = "no copy is known"
        status: Status = "ok" if count or untrusted or file.present else "error"
        return _Told(status, message, count, entries, untrusted)


def _serves_urls(places: Places, uuid: str) -> bool:
    """Say whether a place is one whose content comes from URLs: the web, or a special remote for them."""
    special = places.special.get(uuid)
    claims = special is not None and special.externaltype in (
        "datalad",
        "datalad-archives",
        "uncurl",
        "archivist",
    )
    return uuid in (WEB, BITTORRENT) or claims
