"""Files out of tar and zip archives: unpacked nowhere but where they belong, and added in an archive's place."""

from __future__ import annotations

import os
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rookery.annex.files import index_files
from rookery.annex.remotes import register_urls
from rookery.annex.urls import enable_archives, inside_archive
from rookery.core import files
from rookery.core.errors import RookeryError
from rookery.core.log import get_log
from rookery.core.results import Status, failed, result
from rookery.dataset.model import Dataset
from rookery.steps.saving.commit import commit_changes

log = get_log("rookery.archives")

Record = dict[str, Any]


class ArchiveError(RookeryError):
    """An archive cannot be read, or wants to put files where they do not belong."""


@contextmanager
def unpacked(archive: Path, near: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Unpack into a temporary folder below `near`; give the folder, and the files as `unpack` does."""
    files.make_folder(near)
    with tempfile.TemporaryDirectory(dir=near, prefix="unpack-", ignore_cleanup_errors=True) as folder:
        yield Path(folder), unpack(archive, Path(folder))


def unpack(archive: Path, into: Path) -> list[Path]:
    """Unpack into a new folder; give the files in it, relative, sorted.

    Raises ArchiveError for a broken archive, for one that none of our readers
    knows, and for members with an absolute path, one that leads out of the
    folder, or that are no files, folders or links inside it.
    """
    try:
        if zipfile.is_zipfile(archive):
            _unzip(archive, into)
        elif tarfile.is_tarfile(archive):
            with tarfile.open(archive) as members:
                members.extractall(into, filter="data")
        else:
            raise ArchiveError(
                f"{archive.name} is neither a tar nor a zip archive",
                hints=["unpack it with the program that made it, then `rookery save`"],
            )
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as e:
        raise ArchiveError(f"{archive.name} cannot be unpacked: {e}") from e
    return sorted(_files(into))


def _unzip(archive: Path, into: Path) -> None:
    with zipfile.ZipFile(archive) as members:
        for name in members.namelist():
            parts = name.replace("\\", "/").split("/")
            if name.startswith(("/", "\\")) or ".." in parts:  # zipfile would put it elsewhere, silently
                raise ArchiveError(f"{archive.name} cannot be unpacked: {name!r} leads out of the folder")
        members.extractall(into)


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        links = [name for name in folders if (Path(place) / name).is_symlink()]
        for name in [*names, *links]:
            yield (Path(place) / name).relative_to(folder)


def add_content(ds: Dataset, archive: Path) -> Iterator[Record]:
    """Put the files of an annexed archive in its place, each known to be obtainable from the archive's content."""

    def told(status: Status, **more: Any) -> Record:
        return result("add-archive-content", archive, status, type="file", refds=ds.path, **more)

    name = str(ds.relative(archive))
    key = next((file.key for file in index_files(ds.repo, [name])), None)
    if key is None:
        yield told("impossible", message="cannot add content of an archive that is in Git, not in the annex")
        return
    try:
        with unpacked(archive, ds.repo.commondir / "rookery") as (folder, members):
            paths = _move_in(folder, members, archive)
    except (ArchiveError, OSError) as e:
        yield told("error", message=str(e), hints=getattr(e, "hints", None))
        return
    archive.unlink()
    message = f"Added content extracted from archive {name}"
    for record in commit_changes(ds, [name, *(str(ds.relative(path)) for path in paths)], message=message):
        if failed(record):
            yield record
    note = _register_inside(
        ds, key, {str(ds.relative(p)): str(m) for p, m in zip(paths, members, strict=True)}
    )
    if note:
        log.warning("%s: %s", name, note)
    yield told("ok")


def _move_in(folder: Path, members: Sequence[Path], archive: Path) -> list[Path]:
    """Move unpacked files to beside their archive, all or none.  Raises ArchiveError if one is in the way."""
    paths = [archive.parent / member for member in members]
    for path, member in zip(paths, members, strict=True):
        if os.path.lexists(path):
            raise ArchiveError(
                f"{path} exists, but would be overwritten by new file {member} of {archive.name}",
                hints=["move it away, or download the archive into another folder"],
            )
    for path, member in zip(paths, members, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        os.rename(folder / member, path)
    return paths


def _register_inside(ds: Dataset, archive_key: str, members: dict[str, str]) -> str:
    """Tell git-annex that content is in an archive; give a note for the user if that cannot be."""
    refused = enable_archives(ds.repo)
    if refused:
        return f"its files are saved, but nothing remembers that they are in it: {refused}"
    annexed = list(index_files(ds.repo, list(members)))
    pairs = [(f.key, inside_archive(archive_key, members[f.path], f.size or 0)) for f in annexed]
    failures = [why for _, _, why in register_urls(ds.repo, pairs) if why]
    return "; ".join(failures)
