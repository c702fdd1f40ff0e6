"""`create`: make a new dataset."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from rookery.annex import identity
from rookery.core import files
from rookery.core.context import Context
from rookery.core.errors import RookeryError
from rookery.core.results import SUCCESS, result
from rookery.dataset import invented_dates, layout, unfinished
from rookery.dataset.locate import absolute, find_dataset, require_dataset
from rookery.dataset.model import Dataset
from rookery.git import modes, objects
from rookery.git.index import NewEntry
from rookery.git.modes import GITLINK
from rookery.git.repo import find_root
from rookery.opkit.declare import PathLikeText, Positional, Record, Words, operation, option
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.opkit.parameters import Message
from rookery.steps.removing.uninstall import remove_tree
from rookery.steps.saving.entries import commit_missing

Refusal = tuple[Any, Any]


def _new(record: Record) -> bool:
    return record["action"] == "create" and record.get("type") == "dataset" and record["status"] in SUCCESS


@operation(result_xfm="datasets", result_filter=_new, return_type="item-or-list")
def create(
    ctx: Context,
    path: Annotated[
        PathLikeText | None, Positional("PATH", help="where; without it, the current folder")
    ] = None,
    initopts: Annotated[
        Words, Positional("INITOPTS", help="options for `git init`, after the path", unknown=True)
    ] = None,
    *,
    force: Annotated[
        bool,
        option("-f", "--force", help="make a dataset in a folder that is not empty, or of a Git repository"),
    ] = False,
    description: Annotated[
        str | None,
        option(
            "-D", "--description", metavar="TEXT", help="describe this place, for people who look for content"
        ),
    ] = None,
    dataset: DatasetParameter = None,
    annex: Annotated[bool, option("--no-annex", help="make a plain Git repository, without an annex")] = True,
    fake_dates: Annotated[
        bool,
        option("--fake-dates", help="use invented dates for all commits, so that they can be reproduced"),
    ] = False,
    cfg_proc: Annotated[
        Words,
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

    With -d the new dataset becomes a subdataset of DATASET, and that is saved;
    without a PATH, DATASET itself is made.  A folder that is not empty is
    refused without --force; files in it stay as they are, unsaved.
    """
    options = list(initopts or [])
    if not annex and description:
        raise RookeryError(
            "Incompatible arguments: cannot specify description for annex repo and declaring no annex repo."
        )
    if "--bare" in options:
        raise RookeryError(
            "Creation of bare repositories is not supported.",
            hints=["make one with `git init --bare`, and push an existing dataset to it"],
        )
    above, new = _places(ctx, dataset, path)
    refds = new.path if dataset is not None and above is None else None if above is None else above.path
    refusal = _refusal(new, above, force=force or unfinished.left_behind(new.path))
    if refusal is not None:
        status, why = refusal
        yield result("create", new.path, status, type="dataset", refds=refds, message=why)
        return
    from rookery.steps.running import procedures  # start-up: --help needs none

    setups = [procedures.find_configuration(ctx, None, name) for name in cfg_proc or []]
    started_from = _what_is_there(new.path)
    try:
        _make(new, options, annex=annex, description=description, fake_dates=fake_dates)
    except BaseException as e:
        _take_back(new.path, started_from)
        if not isinstance(e, (RookeryError, OSError)):
            raise
        hints = getattr(e, "hints", None) or None
        yield result(
            "create", new.path, "error", type="dataset", refds=refds, message=str(e), exception=e, hints=hints
        )
        return
    for setup in setups:
        yield from procedures.run_procedure(ctx, new, setup)
    if above is not None:
        from rookery.steps.saving.register import register  # start-up: subdatasets only

        yield from register(above, new, message=message or "[DATALAD] Created subdataset")
    unfinished.finish(new.repo)
    yield result("create", new.path, "ok", type="dataset", refds=refds)


def _places(
    ctx: Context, dataset: PathLikeText | None, path: PathLikeText | None
) -> tuple[Dataset | None, Dataset]:
    """Give the superdataset, if there is to be one, and the place of the new dataset."""
    if dataset is None:
        return None, Dataset(absolute(ctx, path if path is not None else "."), ctx)
    named = find_dataset(ctx, dataset)
    new = named if path is None or named is None else Dataset(absolute(ctx, path), ctx)
    if new is not None and named is not None and new.path == named.path:
        return None, new
    return require_dataset(ctx, dataset, purpose="create a subdataset"), Dataset(
        absolute(ctx, path or "."), ctx
    )


def _refusal(new: Dataset, above: Dataset | None, *, force: bool) -> Refusal | None:
    """Say why the dataset may not be made here: a status and a message; None if it may."""
    if above is not None and above.path not in new.path.parents:
        why = "dataset containing given paths is not underneath the reference dataset %s: %s"
        return "error", (why, f"Dataset({above.path})", str(new.path))
    around = find_root(new.path.parent)
    if around is not None:
        refusal = _collision(Dataset(around, new.ctx), new.path, force=force)
        if refusal is not None:
            return refusal
    for place in (new.path, *new.path.parents):
        if place.exists():
            if not place.is_dir():
                return "error", ("there is a file at %s", str(place))
            break
    if not force and new.path.is_dir() and os.listdir(new.path):
        return "error", "will not create a dataset in a non-empty directory, use `--force` option to ignore"
    return None


def _collision(around: Dataset, path: Path, *, force: bool) -> Refusal | None:
    """Look whether the dataset around tracks something at a path, below it, or a subdataset above it."""
    inside = str(around.relative(path))
    ways_up = [inside, *map(str, Path(inside).parents)][:-1]
    tracked = []
    for line in around.repo.records("--literal-pathspecs", "ls-files", "-s", "-z", "--", *ways_up):
        meta, _, name = line.partition(b"\t")
        where, mode = os.fsdecode(name), int(meta.split()[0], 8)
        if mode == GITLINK and where in ways_up:
            if where == inside and force:
                return None
            why = "collision with %s (dataset) in dataset %s"
            return None if force else ("error", (why, str(around.path / where), str(around.path)))
        if where == inside or where.startswith(inside + "/") or where in ways_up:
            tracked.append(str(around.path / where))
    if tracked:
        why = "collision with content in parent dataset at %s: %s"
        return "error", (why, str(around.path), tracked)
    return None


def _what_is_there(path: Path) -> set[str] | None:
    """Give the names in a folder, None if there is no folder."""
    try:
        return set(os.listdir(path))
    except FileNotFoundError:
        return None


def _take_back(path: Path, names: set[str] | None) -> None:
    """Remove what a failed creation has made, and nothing that was there before."""
    if names is None:
        remove_tree(path)
        return
    for name in (".git", str(layout.DATALAD_DIR), str(layout.ATTRIBUTES), str(layout.NOANNEX)):
        if name not in names:
            remove_tree(path / name)


def _make(
    new: Dataset, initopts: list[str], *, annex: bool, description: str | None, fake_dates: bool
) -> None:
    """Make the repository, its identity and its first commit."""
    new.path.mkdir(parents=True, exist_ok=True)
    if not new.is_installed():
        unfinished.init_marked(new.path, new.ctx.runner, initopts)
    else:
        unfinished.clear_locks(new.path)
    new.forget()
    if fake_dates:
        new.repo.run("config", "--local", "--replace-all", invented_dates.KEY, "true")
        new.forget()
    backend = new.config.get("datalad.repo.backend", layout.DEFAULT_BACKEND)
    if annex:
        identity.init(invented_dates.dated(new), description=description)
    written = _write_layout(new, annex=annex, backend=backend)
    _commit_layout(new, written)
    new.forget()


def _commit_layout(new: Dataset, written: list[Path]) -> None:
    """Commit the files of the layout, to Git, as far as they are not committed already."""
    contents = {str(path): (new.path / path).read_bytes() for path in written}
    wanted = [
        NewEntry(path, modes.FILE, objects.hash_blob(new.repo, text)) for path, text in contents.items()
    ]
    commit_missing(new, wanted, message="[DATALAD] new dataset", run_hooks=False)


def _write_layout(new: Dataset, *, annex: bool, backend: str) -> list[Path]:
    """Write the files that make it a dataset, adding to what is there; give their paths in the dataset."""
    import uuid  # start-up: `create --help` needs none

    written = [layout.CONFIG_FILE]
    drafts = new.repo.gitdir / "rookery"
    if new.id is None or not (new.path / layout.CONFIG_FILE).exists():
        text = layout.config_text(str(uuid.uuid4())).encode()
        if (new.path / layout.CONFIG_FILE).exists():
            text = (new.path / layout.CONFIG_FILE).read_bytes() + text
        files.write(new.path / layout.CONFIG_FILE, text, drafts=drafts)
    if not annex:
        files.write(new.path / layout.NOANNEX, "", drafts=drafts)
        return [*written, layout.NOANNEX]
    for place, needed in (
        (layout.DATALAD_ATTRIBUTES, layout.datalad_attributes()),
        (layout.ATTRIBUTES, layout.attributes(backend)),
    ):
        _add_lines(new.path / place, needed, drafts)
        written.append(place)
    return written


def _add_lines(path: Path, lines: list[str], drafts: Path) -> None:
    """Append the lines that a file does not have yet."""
    has = path.read_bytes() if path.exists() else b""
    missing = [line.encode() for line in lines if line.encode() not in has.splitlines()]
    if missing:
        kept = has if not has or has.endswith(b"\n") else has + b"\n"
        files.write(path, kept + b"\n".join(missing) + b"\n", drafts=drafts)
