"""`export-archive`: a dataset's files as a tar or zip archive."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from rookery.annex.files import AnnexedFile, annexed
from rookery.core.context import Context
from rookery.core.errors import RookeryError
from rookery.core.log import DEBUG, WARNING, get_log
from rookery.core.process import decode
from rookery.core.results import result
from rookery.dataset.locate import absolute, require_dataset
from rookery.dataset.model import Dataset
from rookery.git import refs
from rookery.git.commits import read_commit
from rookery.git.modes import GITLINK
from rookery.git.objects import Object, read_many
from rookery.git.trees import Entry, ls_tree
from rookery.opkit.declare import PathLikeText, Positional, Record, operation, option
from rookery.opkit.parameters import Dataset as DatasetParameter

if TYPE_CHECKING:
    from rookery.steps.pack import Pack

log = get_log("rookery.export")

Kind = Literal["tar", "zip"]
Compression = Literal["gz", "bz2", ""]

# What a name may end in already and will not end in twice.
ENDINGS = (".tar.gz", ".tar.bz2", ".tgz", ".tbz2", ".tar", ".zip")


@operation()
def export_archive(
    ctx: Context,
    filename: Annotated[
        PathLikeText | None,
        Positional(
            "PATH", help="the archive, or a folder for it; without it, datalad_ID in the current folder"
        ),
    ] = None,
    *,
    dataset: DatasetParameter = None,
    archivetype: Annotated[Kind, option("-t", "--archivetype", help="tar or zip")] = "tar",
    compression: Annotated[
        Compression,
        option("-c", "--compression", metavar="{gz,bz2,}", help="how to compress; '' for not at all"),
    ] = "gz",
    missing_content: Annotated[
        Literal["error", "continue", "ignore"],
        option(
            "--missing-content",
            help="when content is not here: make no archive (error), leave the file out and say so (continue), "
            "or leave it out silently (ignore)",
        ),
    ] = "error",
) -> Iterator[Record]:
    """Export a dataset's files as an archive.

    What the last commit holds goes in, below a folder named like the archive,
    with content in place of links into the annex.  Subdatasets are empty
    folders.  The archive appears under its name when it is complete.
    """
    ds = require_dataset(ctx, dataset, purpose="export archive")
    path = _path(ctx, ds, filename, archivetype, compression)
    commit = refs.head(ds.repo).commit
    if commit is None:
        yield result("export_archive", path, "impossible", type="file", message="nothing was ever saved here")
        return
    entries = list(ls_tree(ds.repo, commit))
    files = {file.path: file for file in annexed(ds.repo, entries)}
    missing = [entry.path for entry in entries if entry.path in files and not files[entry.path].present]
    if missing and missing_content == "error":
        yield _incomplete(ds, path, missing)
        return
    for name in missing:
        level = WARNING if missing_content == "continue" else DEBUG
        log.log(level, "File %s has no content available, skipped", ds.path / name)
    kept = [entry for entry in entries if entry.path not in files or files[entry.path].present]
    try:
        with _pack(path, archivetype, compression, _date(ds, commit)) as pack:
            _fill(ctx, ds, pack, kept, files)
    except (OSError, UnicodeEncodeError, RookeryError) as e:
        yield result("export_archive", path, "error", type="file", message=_reason(e), exception=e)
        return
    yield result("export_archive", path, type="file")


def _path(
    ctx: Context, ds: Dataset, filename: PathLikeText | None, kind: Kind, compression: Compression
) -> Path:
    """Give the archive its folder and its ending."""
    default = f"datalad_{ds.id}"
    path = absolute(ctx, filename) if filename is not None else ctx.cwd / default
    if path.is_dir():
        path = path / default
    ending = f".{kind}.{compression}" if kind == "tar" and compression else f".{kind}"
    if path.name.endswith(ending):
        return path
    return path.with_name(stem(path.name) + ending)


def stem(name: str) -> str:
    """Give the name of an archive without what says that it is one."""
    ending = next((e for e in ENDINGS if name.endswith(e) and name != e), "")
    return name.removesuffix(ending)


def _incomplete(ds: Dataset, path: Path, missing: Sequence[str]) -> Record:
    more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
    return result(
        "export_archive",
        path,
        "error",
        type="file",
        message=f"File {ds.path / missing[0]} has no content available{more}",
        hints=[
            "obtain the content with `rookery get`, or leave such files out with --missing-content continue"
        ],
    )


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeEncodeError):
        return "a zip archive cannot hold file names that are not text; make a tar archive"
    return str(error)


def _date(ds: Dataset, commit: str) -> int:
    return int(read_commit(ds.repo, commit).committer.date.split()[0])


def _pack(path: Path, kind: Kind, compression: Compression, date: int) -> AbstractContextManager[Pack]:
    from rookery.steps import pack  # start-up

    return pack.tar_pack(path, compression, date) if kind == "tar" else pack.zip_pack(path, compression, date)


def _fill(
    ctx: Context, ds: Dataset, pack: Pack, entries: Sequence[Entry], files: dict[str, AnnexedFile]
) -> None:
    """Put entries in, in order; what is in Git is read by one process."""
    plain = [e.sha for e in entries if e.path not in files and e.mode != GITLINK]
    blobs = read_many(ds.repo, plain) if plain else iter(())
    task = str(pack.path)
    ctx.progress.start(task, pack.path.name, len(entries), "files")
    try:
        for count, entry in enumerate(entries, 1):
            _put(pack, entry, files.get(entry.path), blobs)
            ctx.progress.set(task, count)
    finally:
        ctx.progress.finish(task)


def _put(pack: Pack, entry: Entry, file: AnnexedFile | None, blobs: Iterator[Object | None]) -> None:
    name = f"{stem(pack.path.name)}/{entry.path}"
    if file is not None:
        with open(file.objpath, "rb") as content:
            about = os.fstat(content.fileno())
            pack.file(name, content, about.st_size, stat.S_IMODE(about.st_mode))
    elif entry.mode == GITLINK:
        pack.folder(name)
    else:
        blob = next(blobs)
        if blob is None:
            raise RookeryError(f"the content of {entry.path} is missing from the repository")
        if stat.S_ISLNK(entry.mode):
            pack.link(name, decode(blob.content))
        else:
            pack.blob(name, blob.content, 0o755 if entry.mode & 0o111 else 0o644)
