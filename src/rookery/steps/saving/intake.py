"""Taking changed files in, by git-annex or into Git itself, and telling how far it is."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import nullcontext

from rookery.annex import identity, ingest, taking
from rookery.annex.ingest import Ingested
from rookery.annex.meter import Meter
from rookery.core.errors import CommandError
from rookery.core.progress import SILENT
from rookery.dataset.model import Dataset
from rookery.git import index
from rookery.git.repo import Repo

# What is less than both is done before anybody has read a bar.
WORTH_TELLING = 5_000_000
MANY_FILES = 200

# git-annex tells the progress within files when asked; it is not worth the talk where all are small.
LONG_FILE = 5_000_000


def goes_to_git(ds: Dataset, *, to_git: bool | None) -> bool:
    """Say whether git-annex is not asked at all."""
    return bool(to_git) or not identity.is_annex(ds.repo)


def take_in(
    ds: Dataset, view: Repo, paths: Sequence[str], *, plain: bool, large: bool, jobs: int | str | None
) -> Iterator[Ingested]:
    """Take files and links into the store and into the index of `view`; each outcome comes back.

    `plain` puts all of it into Git, `large` all files into the annex, else git-annex decides.
    """
    if not paths:
        return
    if plain:
        if identity.is_annex(ds.repo):
            # Who was killed while taking files in has left links, and may not have come to write where content is.
            taking.note_links(ds.repo, paths, now=ds.ctx.clock())
        yield from into_git(view, paths)
        return
    sizes = _sizes(ds, paths)
    meter = _meter(ds, sizes)
    long = meter is not None and max(sizes.values()) >= LONG_FILE
    force: ingest.Force | None = "large" if large else None
    hear = meter.hear if meter is not None and long else None
    with meter or nullcontext():
        now = ds.ctx.clock()
        listed = ds.config.of_git()
        for one in taking.take(view, paths, now=now, jobs=jobs, force=force, on_progress=hear, listed=listed):
            if meter is not None:
                meter.count(one.path, sizes.get(one.path, 0) if meter.unit == "B" else 1)
            yield one


def _sizes(ds: Dataset, paths: Sequence[str]) -> dict[str, int]:
    """Look at the files, if anybody listens."""
    if ds.ctx.progress is SILENT:
        return {}
    found: dict[str, int] = {}
    for path in paths:
        try:
            found[path] = os.lstat(ds.path / path).st_size
        except FileNotFoundError:
            continue  # taken away meanwhile; git-annex will say nothing of it
    return found


def _meter(ds: Dataset, sizes: dict[str, int]) -> Meter | None:
    total = sum(sizes.values())
    task, label = f"save {ds.path}", f"Saving in {ds.path.name}"
    if total >= WORTH_TELLING:
        return Meter(ds.ctx.progress, task, label, total)
    if len(sizes) >= MANY_FILES:
        return Meter(ds.ctx.progress, task, label, len(sizes), "files")
    return None


def into_git(view: Repo, paths: Sequence[str]) -> Iterator[Ingested]:
    """Take files into Git itself; one that cannot be read is told, the others go in (silently)."""
    if not paths:
        return
    listing = b"".join(path.encode("utf-8", "surrogateescape") + b"\0" for path in paths)
    plain = ("-c", "annex.largefiles=nothing")
    try:
        view.run(*plain, "update-index", "--add", "--remove", "--replace", "-z", "--stdin", stdin=listing)
        yield from (Ingested(path, silent=True) for path in paths)
        return
    except CommandError:
        pass  # it stops at the first file that it cannot read and keeps nothing: the slower command goes on
    argv = (*plain, "--literal-pathspecs", "add", "--force", "--ignore-errors", "--pathspec-from-file=-")
    answer = view.run(*argv, "--pathspec-file-nul", stdin=listing, ok=(0, 1, 128))
    said = answer.stderr.decode("utf-8", "surrogateescape")
    there = {entry.path for entry in index.read_index(view)}
    for path in paths:
        named = (f"'{path}'", f'"{path}"')
        lines = [line.removeprefix("error: ") for line in said.splitlines() if any(n in line for n in named)]
        if path in there and not lines:
            yield Ingested(path, silent=True)
        else:
            yield Ingested(path, ok=False, message="; ".join(lines) or said.strip())
