"""`create`: make a new dataset."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from rookery.annex import identity
from rookery.core import files
from rookery.core.context import Context
from rookery.core.errors import CommandError, UsageError
from rookery.core.results import result
from rookery.dataset import layout
from rookery.dataset.locate import absolute, require_dataset
from rookery.dataset.model import Dataset
from rookery.git.repo import find_root
from rookery.opkit.declare import Many, PathLikeText, Positional, Record, operation, option
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.opkit.parameters import Message

FAKE_DATES_START = 1112911993  # DataLad's default start of invented time (datalad.fake-dates-start)


def _new(record: Record) -> bool:
    return record["action"] == "create" and record.get("type") == "dataset"


@operation(result_xfm="datasets", result_filter=_new, return_type="item-or-list")
def create(
    ctx: Context,
    path: Annotated[PathLikeText | None, Positional("PATH", help="where; without it, the current folder")] = None,
    initopts: Annotated[
        Many, Positional("INITOPTS", help="options for `git init`, after the path", unknown=True)
    ] = None,
    *,
    force: Annotated[
        bool, option("-f", "--force", help="make a dataset in a folder that is not empty, or of a Git repository")
    ] = False,
    description: Annotated[
        str | None,
        option("-D", "--description", metavar="TEXT", help="describe this place, for people who look for content"),
    ] = None,
    dataset: DatasetParameter = None,
    annex: Annotated[bool, option("--no-annex", help="make a plain Git repository, without an annex")] = True,
    fake_dates: Annotated[
        bool, option("--fake-dates", help="use invented dates for all commits, so that they can be reproduced")
    ] = False,
    cfg_proc: Annotated[
        Many,
        option(
            "-c",
            "--cfg-proc",
            metavar="PROC",
            append=True,
            help="run the procedure cfg_PROC on the new dataset, e.g. text2git (text files go to Git) or yoda; "
            "may be given several times",
        ),
    ] = None,
    message: Message = None,
) -> Iterator[Record]:
    """Make a new dataset: a Git repository with an annex for file content.

    With -d the new dataset becomes a subdataset of DATASET, and that is saved.
    A folder that is not empty is refused without --force; files in it stay as
    they are, unsaved.
    """
    above = None if dataset is None else require_dataset(ctx, dataset, purpose="create a subdataset")
    new = Dataset(absolute(ctx, path if path is not None else "."), ctx)
    refds = None if above is None else above.path
    if above is not None and path is None:
        raise UsageError("a subdataset needs a PATH", hints=["name the folder: rookery create -d . PATH"])
    refusal = _refusal(ctx, new, above, force=force)
    if refusal is not None:
        status, why = refusal
        yield result("create", new.path, status, type="dataset", refds=refds, message=why)
        return
    try:
        _make(new, above, initopts or [], annex=annex, description=description, fake_dates=fake_dates, message=message)
    except (CommandError, OSError) as e:
        yield result("create", new.path, "error", type="dataset", refds=refds, message=str(e), exception=e)
        return
    yield result("create", new.path, "ok", type="dataset", refds=refds)


def _refusal(
    ctx: Context, new: Dataset, above: Dataset | None, *, force: bool
) -> tuple[Any, str] | None:
    """Say why the dataset may not be made here: a status and a message; None if it may."""
    if above is not None and above.path not in new.path.parents:
        return "error", f"dataset containing given paths is not underneath the reference dataset {above.path}"
    around = find_root(new.path.parent)
    if around is not None:
        tracked = _tracked_at(Dataset(around, ctx), new.path)
        if tracked is not None:
            kind, where = tracked
            return "error", f"collision with {where} ({kind}) in dataset {around}"
    if new.path.exists() and not new.path.is_dir():
        return "error", "there is a file at this path"
    if not force and new.path.is_dir() and any(os.scandir(new.path)):
        return "error", "will not create a dataset in a non-empty directory, use `--force` option to ignore"
    return None


def _tracked_at(around: Dataset, path: Path) -> tuple[str, Path] | None:
    """Find what the dataset around tracks at, above or below a path: its type and place."""
    spec = f":(top,literal){path.relative_to(around.path)}"
    for line in around.repo.records("ls-files", "-s", "-z", "--", spec):
        meta, _, name = line.partition(b"\t")
        kind = "dataset" if meta.startswith(b"160000 ") else "file"
        where = around.path / os.fsdecode(name)
        if kind == "dataset" or where == path:
            return kind, where
        if not path.is_dir():
            return "directory", path
    return None


def _make(
    new: Dataset,
    above: Dataset | None,
    initopts: list[str],
    *,
    annex: bool,
    description: str | None,
    fake_dates: bool,
    message: str | None,
) -> None:
    """Make the repository, its identity and its first commit."""
    new.path.mkdir(parents=True, exist_ok=True)
    runner = new.ctx.runner
    if not new.is_installed():
        runner.run(["git", "init", "-q", *initopts, "--", new.path], cwd=new.path)
    new.forget()
    if fake_dates:
        new.repo.run("config", "--local", "--add", "datalad.fake-dates", "true")
    backend = new.config.get("datalad.repo.backend", layout.DEFAULT_BACKEND)
    if annex:
        identity.init(new.repo, description=description)
    written = _write_layout(new, annex=annex, backend=backend)
    new.repo.run("add", "--force", "--", *written)
    commit = ["commit", "-q", "--no-verify", "-m", message or "[DATALAD] new dataset", "--", *written]
    repo = new.repo
    if fake_dates or new.config.getbool("datalad.fake-dates"):
        date = f"@{new.config.getint('datalad.fake-dates-start', FAKE_DATES_START)} +0000"
        repo = repo.with_env(GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date)
    repo.run(*commit)
    new.forget()


def _write_layout(new: Dataset, *, annex: bool, backend: str) -> list[Path]:
    """Write the files that make it a dataset, adding to what is there; give their paths in the dataset."""
    import uuid  # start-up: `create --help` needs none

    written = [layout.CONFIG_FILE]
    if new.id is None or not (new.path / layout.CONFIG_FILE).exists():
        text = layout.config_text(str(uuid.uuid4()))
        if (new.path / layout.CONFIG_FILE).exists():
            text = (new.path / layout.CONFIG_FILE).read_text() + text
        files.write(new.path / layout.CONFIG_FILE, text)
    if not annex:
        files.write(new.path / layout.NOANNEX, "")
        return [*written, layout.NOANNEX]
    for place, needed in (
        (layout.DATALAD_ATTRIBUTES, layout.datalad_attributes()),
        (layout.ATTRIBUTES, layout.attributes(backend)),
    ):
        _add_lines(new.path / place, needed)
        written.append(place)
    return written


def _add_lines(path: Path, lines: list[str]) -> None:
    """Append the lines that a file does not have yet."""
    has = path.read_text() if path.exists() else ""
    missing = [line for line in lines if line not in has.splitlines()]
    if missing:
        files.write(path, (has if not has or has.endswith("\n") else has + "\n") + "\n".join(missing) + "\n")
