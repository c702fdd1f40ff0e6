"""Making a dataset at a place: what stands against it, its repository, identity and first commit."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rookery.annex import founding
from rookery.core import files
from rookery.core.errors import RookeryError
from rookery.core.identifiers import new_uuid
from rookery.core.results import result
from rookery.dataset import invented_dates, layout, unfinished
from rookery.dataset.model import Dataset
from rookery.git import modes, objects
from rookery.git.index import NewEntry, name_length
from rookery.git.modes import GITLINK
from rookery.git.repo import find_root
from rookery.steps.saving.entries import commit_missing

Record = dict[str, Any]
Refusal = tuple[Any, Any]


def make_dataset(
    new: Dataset,
    above: Dataset | None = None,
    *,
    refds: Path | None = None,
    initopts: Sequence[str] = (),
    annex: bool = True,
    description: str | None = None,
    fake_dates: bool = False,
    configure: Callable[[Dataset], Iterator[Record]] | None = None,
    message: str | None = None,
) -> Iterator[Record]:
    """Make a dataset where `refusal` has nothing against it; the one `above` records it as its subdataset."""
    started_from = _what_is_there(new.path)
    try:
        _make(new, list(initopts), annex=annex, description=description, fake_dates=fake_dates)
    except BaseException as e:
        _take_back(new.path, started_from)
        if not isinstance(e, (RookeryError, OSError)):
            raise
        hints = getattr(e, "hints", None) or None
        yield result(
            "create", new.path, "error", type="dataset", refds=refds, message=str(e), exception=e, hints=hints
        )
        return
    if configure is not None:
        yield from configure(new)
    if above is not None:
        from rookery.steps.saving.register import register  # start-up: for subdatasets

        yield from register(above, new, message=message or "[DATALAD] Created subdataset")
    unfinished.finish(new.repo)
    yield result("create", new.path, "ok", type="dataset", refds=refds)


def refusal(new: Dataset, above: Dataset | None, *, force: bool) -> Refusal | None:
    """Say why the dataset may not be made here: a status and a message; None if it may."""
    if above is not None and above.path not in new.path.parents:
        why = "dataset containing given paths is not underneath the reference dataset %s: %s"
        return "error", (why, f"Dataset({above.path})", str(new.path))
    around = find_root(new.path.parent)
    if around is not None:
        collision = _collision(Dataset(around, new.ctx), new.path, force=force)
        if collision is not None:
            return collision
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
    from rookery.steps.removing.uninstall import remove_tree  # start-up: mostly it succeeds

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
        founding.found(invented_dates.dated(new), new.config.of_git(), description, now=new.ctx.clock())
    written = _write_layout(new, annex=annex, backend=backend)
    _commit_layout(new, written)
    new.forget()


def _commit_layout(new: Dataset, written: list[Path]) -> None:
    """Commit the files of the layout, to Git, as far as they are not committed already."""
    contents = {str(path): (new.path / path).read_bytes() for path in written}
    objects.write_blobs(new.repo, contents.values())
    length = name_length(new.repo)
    wanted = [
        NewEntry(path, modes.FILE, objects.name_of_blob(text, length)) for path, text in contents.items()
    ]
    commit_missing(new, wanted, message="[DATALAD] new dataset", run_hooks=False)


def _write_layout(new: Dataset, *, annex: bool, backend: str) -> list[Path]:
    """Write the files that make it a dataset, adding to what is there; give their paths in the dataset."""
    written = [layout.CONFIG_FILE]
    drafts = new.repo.gitdir / "rookery"
    if new.id is None or not (new.path / layout.CONFIG_FILE).exists():
        text = layout.config_text(new_uuid()).encode()
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
