"""Backups of a hub that goes on working, and hubs made from them.

    BACKUP/
      manifest.json          which tables folder counts, their version, when it was made, how many rows there are
      tables-1800000000/     the database as one moment shows it
      repositories/12.git    history (refs as they were a moment later) and contents
      site/                  hub.toml, SSH host keys

The tables come first: all that they speak of is there to be copied, unless it was dropped
since, and then the backup does not claim it.  The manifest is written last; until then a
backup that was there before stays the valid one.  The next backup to the same place brings what is new.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from rookery.annex.nearby.content_locks import thawed
from rookery.core import files
from rookery.core.errors import RookeryError
from rookery.hub.admin import dump
from rookery.hub.admin.findings import Finding, Verdict
from rookery.hub.opening import Opened
from rookery.hub.settings import FILE
from rookery.hub.storage.database import require_known
from rookery.hub.storage.disk_histories import DiskHistories
from rookery.hub.storage.disk_links import copy_keeping_links
from rookery.hub.storage.disk_objects import DiskObjects
from rookery.hub.storage.tables import account, content, repository

VERSION = 1
_PIECE = 1 << 20
_SITE = (FILE, "ssh")
_MIRROR = ("-c", "protocol.file.allow=always", "fetch", "--quiet", "--prune", "--no-auto-gc")


def back_up(opened: Opened, to: Path) -> Iterator[Finding]:
    """Write or renew a backup; yields what could not be kept, and at its end what was.  Raises OSError."""
    inside = os.path.realpath(to).startswith(os.path.realpath(opened.settings.data) + os.sep)
    if inside:
        raise RookeryError(f"{to} is inside of the hub's own folder", hints=["choose another disk"])
    to.mkdir(parents=True, exist_ok=True)
    os.chmod(to, 0o700)
    name = f"tables-{int(opened.hub.clock() * 1000)}"
    with opened.database.engine.connect() as connection:
        counts = dump.write(connection, to / name)
    histories = DiskHistories(to / "repositories", opened.histories.runner)
    objects = DiskObjects(to / "repositories")
    kept = _Kept()
    for row in dump.read(to / name, repository):
        yield from _history(opened, histories, row["id"], row["uuid"], row["default_branch"])
    yield from _contents(opened, objects, to / name, kept)
    counts["content"] = kept.count
    _site(opened.settings.data, to / "site")
    for file in (to / name).iterdir():
        _sync(file)
    manifest = {"version": VERSION, "schema": opened.database.version(), "tables": name, "rows": counts}
    manifest["made"] = opened.hub.clock()
    files.write(to / "manifest.json", json.dumps(manifest, indent=1), durable=True)
    _tidy(to, name, histories, objects)
    told = f"{counts['repository']} repositories, {kept.count} contents, {counts['account']} accounts"
    yield Finding(Verdict.GOOD, str(to), told)


class _Kept:
    """How many contents are in the backup, and where those are that several repositories share, by their inode."""

    def __init__(self) -> None:
        self.count = 0
        self.shared: dict[tuple[int, int], str] = {}


def _history(
    opened: Opened, histories: DiskHistories, number: int, uuid: str, branch: str
) -> Iterator[Finding]:
    if not (opened.histories.place(number) / "HEAD").is_file():
        yield Finding(Verdict.WARNING, str(number), "was removed while the backup was made")
        return
    if not (histories.place(number) / "HEAD").is_file():
        histories.create(number, uuid=uuid, default_branch=branch)
    source, copy = opened.histories.open(number), histories.open(number)
    copy.run(*_MIRROR, str(source.gitdir), "+refs/*:refs/*")
    files.write(copy.gitdir / "HEAD", (source.gitdir / "HEAD").read_bytes(), durable=True)


def _contents(opened: Opened, objects: DiskObjects, tables: Path, kept: _Kept) -> Iterator[Finding]:
    """Copy what is claimed, and leave out of the tables what is not there any more."""
    file = tables / f"{content.name}.jsonl"
    with open(file.with_suffix(".new"), "w", encoding="utf-8") as out:
        with open(file, encoding="utf-8") as lines:
            for line, row in zip(lines, dump.read(tables, content), strict=True):
                if _copied(opened, objects, kept, row["repository_id"], row["key"], row["size"]):
                    out.write(line)
                    kept.count += 1
                    continue
                with opened.database.reading() as work:
                    claimed = work.contents.size(row["repository_id"], row["key"]) is not None
                if claimed:
                    hint = "rookery hub fsck"
                    yield Finding(Verdict.BAD, f"{row['repository_id']}: {row['key']}", "is not there", hint)
    os.replace(file.with_suffix(".new"), file)


def _copied(opened: Opened, objects: DiskObjects, kept: _Kept, number: int, key: str, size: int) -> bool:
    source, place = opened.objects.path(number, key), objects.target(number, key)
    if objects.size(number, key) == size:
        if source is not None:
            _remember(kept, source, place)
        return True
    if opened.objects.size(number, key) != size:
        return False
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(".draft")
    with thawed(str(place.parent)):
        if not _fetched(opened, kept, number, key, draft):
            return False  # dropped meanwhile
        os.chmod(draft, 0o444)
        _sync(draft)
        os.replace(draft, place)
        draft.unlink(missing_ok=True)  # it stays if both were one file already
    if source is not None:
        _remember(kept, source, place)
    return True


def _fetched(opened: Opened, kept: _Kept, number: int, key: str, to: Path) -> bool:
    source = opened.objects.path(number, key)
    if source is not None:
        try:
            copy_keeping_links(kept.shared, str(source), str(to))
        except FileNotFoundError:
            return False
        return True
    reader = opened.objects.open(number, key)
    if reader is None:
        return False
    try:
        with open(to, "wb") as out:
            while piece := reader.read(_PIECE):
                out.write(piece)
    finally:
        reader.close()
    return True


def _remember(kept: _Kept, source: Path, place: Path) -> None:
    with suppress(FileNotFoundError):  # dropped meanwhile
        found = source.stat()
        kept.shared[found.st_dev, found.st_ino] = str(place)


def _sync(file: Path) -> None:
    with open(file, "rb") as handle:
        os.fsync(handle.fileno())


def _site(data: Path, to: Path, *, keep: bool = False) -> None:
    to.mkdir(exist_ok=True)
    for name in _SITE:
        if keep and (to / name).is_file():
            continue  # settings of the hub that is made: it may keep its contents elsewhere
        if (data / name).is_dir():
            shutil.copytree(data / name, to / name, dirs_exist_ok=True)
        elif (data / name).is_file():
            shutil.copy2(data / name, to / name)


def _tidy(to: Path, name: str, histories: DiskHistories, objects: DiskObjects) -> None:
    """Remove what only former backups spoke of, now that there is a newer one."""
    for folder in to.glob("tables-*"):
        if folder.name != name:
            shutil.rmtree(folder)
    known = {row["id"] for row in dump.read(to / name, repository)}
    for number in histories.numbers():
        if number not in known:
            histories.remove(number)
    claimed = {(row["repository_id"], row["key"]) for row in dump.read(to / name, content)}
    for number in known:
        for key in list(objects.keys(number)):
            if (number, key) not in claimed:
                objects.remove(number, key)


def restore(opened: Opened, source: Path) -> Iterator[Finding]:
    """Make a hub that has nothing in it yet one as it was backed up.  Raises RookeryError."""
    manifest = _manifest(source)
    with opened.database.engine.connect() as connection:
        if connection.scalar(select(func.count()).select_from(account)) or opened.histories.numbers():
            raise RookeryError(
                "there is something in this hub already", hints=["name an empty folder: --data DIR"]
            )
    copy = partial(copy_keeping_links, {})
    for row in dump.read(source / manifest["tables"], repository):
        place, into = source / "repositories" / f"{row['id']}.git", opened.settings.repositories
        left_out = None if opened.settings.content is None else _objects_of(place)
        shutil.copytree(place, into / place.name, symlinks=True, copy_function=copy, ignore=left_out)
    if opened.settings.content is not None:
        _bring(opened, DiskObjects(source / "repositories"), source / manifest["tables"])
    _site(source / "site", opened.settings.data, keep=True)
    with opened.database.engine.begin() as connection:
        counts = dump.load(connection, source / manifest["tables"], manifest["rows"])
    told = f"{counts['repository']} repositories, {counts['content']} contents, {counts['account']} accounts"
    yield Finding(Verdict.GOOD, str(opened.settings.data), told, "see that all is well: rookery hub fsck")


def _manifest(source: Path) -> dict[str, Any]:
    """Read what a backup says of itself.  Raises RookeryError if it is none that can be restored."""
    try:
        manifest: dict[str, Any] = json.loads((source / "manifest.json").read_text("utf-8"))
    except (OSError, ValueError) as e:
        raise RookeryError(
            f"{source} is not a backup of a hub: {e}",
            hints=["name the folder that `rookery hub backup` filled"],
        ) from e
    if manifest["version"] != VERSION:
        raise RookeryError(f"{source} was made by another version: {manifest['version']}")
    if "schema" in manifest:  # the first backups do not say it: their tables are all known
        require_known(manifest["schema"], f"the backup in {source}")
    return manifest


def _objects_of(place: Path) -> Callable[[str, list[str]], list[str]]:
    """Give what leaves the contents of a repository out of a copy, but for their folder."""

    def ignored(folder: str, names: list[str]) -> list[str]:
        return names if Path(folder) == place / "annex" / "objects" else []

    return ignored


def _bring(opened: Opened, kept: DiskObjects, tables: Path) -> None:
    """Bring contents of a backup to a store that is no folder."""
    for row in dump.read(tables, content):
        number, key = row["repository_id"], row["key"]
        reader = kept.open(number, key)
        if reader is None:
            raise RookeryError(f"{tables.parent} is not whole: {key} is not there")
        upload = opened.objects.receive(number, key)
        try:
            while piece := reader.read(_PIECE):
                upload.write(piece)
            if not upload.verify():
                raise RookeryError(f"{tables.parent} is damaged: {key} is not what its name says")
            with opened.database.writing():
                upload.place()
        finally:
            upload.close()
            reader.close()
