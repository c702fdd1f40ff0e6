"""Removing content, keys and whole datasets, each only when it is safe or when the person said otherwise.

Whether enough other copies exist is judged by git-annex, which asks and locks
them at that moment; a dry run can only tell what the location log says.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rookery.annex import content
from rookery.annex.files import index_files
from rookery.annex.meter import Meter
from rookery.annex.outcome import Outcome
from rookery.annex.store import is_shared, keys_here
from rookery.core.pool import in_order, workers
from rookery.core.progress import SILENT
from rookery.core.results import FAILURE, result
from rookery.dataset.grouping import below_root
from rookery.dataset.hierarchy import Limit, walk
from rookery.dataset.model import Dataset
from rookery.git.index import read_index
from rookery.git.trees import Selection
from rookery.steps.answers import Answers
from rookery.steps.removing import uninstall
from rookery.steps.removing.drop_preview import foreseen_files, foreseen_keys

Record = dict[str, Any]

What = Literal["filecontent", "allkeys", "datasets", "all"]
Reckless = Literal["modification", "availability", "undead", "kill"]

NO_CONTENT = "no annex'ed content"


class Wish(NamedTuple):
    """What is to go, which checks are waived, and how far down."""

    what: What = "filecontent"
    reckless: Reckless | None = None
    recursive: bool = False
    limit: Limit = None
    jobs: int | str | None = None
    dry_run: bool = False

    @property
    def whole(self) -> bool:
        """Whether the dataset itself is to go."""
        return self.what in ("datasets", "all")

    def waives(self, *modes: Reckless) -> bool:
        """Say whether a check is waived by one of these modes; "kill" waives every one."""
        return self.reckless == "kill" or self.reckless in modes

    @property
    def force(self) -> list[str]:
        """The option that makes git-annex not look for other copies."""
        return ["--force"] if self.waives("availability") else []

    def named(self, action: str) -> str:
        """Give the action of a record."""
        return f"{action} [dry-run]" if self.dry_run else action


def drop(ds: Dataset, paths: Sequence[Path] | None, wish: Wish, *, refds: Path) -> Iterator[Record]:
    """Drop from a dataset, subdatasets first where that is wished; `paths` (absolute, None: all) limit it.

    Paths inside of a dataset never make the dataset itself go.
    """
    if wish.recursive and wish.reckless != "kill":
        below = list(walk(ds, recursive=True, limit=wish.limit, under=paths, state="present", bottomup=True))
        yield from in_order(
            lambda sub: _drop_one(Dataset(sub.path, ds.ctx), None, wish, refds),
            below,
            at_once=1 if wish.whole else workers(wish.jobs),  # a dataset can only go after those in it
        )
    yield from _drop_one(ds, paths, wish, refds)


def _drop_one(ds: Dataset, paths: Sequence[Path] | None, wish: Wish, refds: Path) -> Iterator[Record]:
    if not ds.is_installed():
        yield result(
            wish.named("drop"), ds.path, "notneeded", type="dataset", refds=refds, message="does not exist"
        )
        return
    limited = paths is not None and list(paths) != [ds.path]
    if limited and wish.what == "all":
        if wish.recursive and wish.reckless == "kill":
            for sub in list(walk(ds, recursive=True, limit=wish.limit, under=paths, state="present")):
                yield from _drop_one(Dataset(sub.path, ds.ctx), None, wish, refds)
        wish = wish._replace(what="filecontent")
    refusals = list(_refusals(ds, paths, wish, refds, limited=limited))
    if refusals:
        yield from refusals
    elif limited and wish.what == "datasets":
        return
    elif wish.what == "filecontent" and ds.annex_uuid is not None:
        yield from drop_files(ds, paths, wish, refds=refds)
    else:
        yield from _drop_everything(ds, paths, wish, refds)


def _drop_everything(ds: Dataset, paths: Sequence[Path] | None, wish: Wish, refds: Path) -> Iterator[Record]:
    """Drop all keys, and the dataset itself where that is wished and every key could go."""
    if ds.annex_uuid is None:
        yield from _without_annex(ds, paths, wish, refds)
    elif wish.reckless != "kill" and not is_shared(ds.repo):
        failed = False
        for record in _drop_keys(ds, wish, refds):
            failed = failed or record["status"] in FAILURE
            yield record
        if failed:
            return
    if wish.whole:
        if not wish.dry_run:
            uninstall.remove(ds)
        yield result(wish.named("uninstall"), ds.path, type="dataset", refds=refds)


def _without_annex(ds: Dataset, paths: Sequence[Path] | None, wish: Wish, refds: Path) -> Iterator[Record]:
    if wish.reckless != "kill":
        for path in paths or [ds.path]:
            yield result(wish.named("drop"), path, "notneeded", refds=refds, message=NO_CONTENT)
        if wish.what == "allkeys":
            yield result(
                wish.named("drop"),
                ds.path,
                "notneeded",
                type="dataset",
                refds=refds,
                message="dataset with no annex",
            )


def _refusals(
    ds: Dataset, paths: Sequence[Path] | None, wish: Wish, refds: Path, *, limited: bool
) -> Iterator[Record]:
    """Yield why nothing may be dropped here, the first reason only where one is enough."""

    def no(action: str, message: Any, status: Any = "error", **more: Any) -> Record:
        return result(
            wish.named(action), ds.path, status, type="dataset", refds=refds, message=message, **more
        )

    if wish.what == "allkeys" and limited:
        names = [str(p) for p in paths or ()]
        yield no("drop", ("cannot drop %s, with path constraints given: %s", wish.what, names), "impossible")
        return
    if is_shared(ds.repo) and not wish.whole:
        owner = os.path.realpath(ds.repo.commondir / "annex")
        yield no(
            "drop",
            ("content is not this dataset's to drop: its annex is a link to %s", owner),
            hints=["drop it in the dataset that it belongs to"],
        )
        return
    if wish.whole and wish.reckless != "kill":
        reason = uninstall.refusal(
            ds, paths, wish.reckless, limited=limited, dry_run=wish.dry_run, recursive=wish.recursive
        )
        if reason is not None:
            message, hints = reason
            yield no("uninstall", message, hints=hints or None)
            return
    if not wish.waives("modification"):
        yield from uninstall.unsaved(
            ds, paths or (), action=wish.named("drop"), refds=refds, whole=wish.whole
        )


def drop_files(ds: Dataset, paths: Sequence[Path] | None, wish: Wish, *, refds: Path) -> Iterator[Record]:
    """Drop the content of files at or below `paths`; every path asked for gets a record."""
    asked = below_root(ds.path, paths) if paths else ["."]
    yield from _unknown(ds, asked, wish, refds)
    said = Answers(str(ds.path / one) for one in asked)
    if wish.dry_run:
        for record in _foreseen_files(ds, asked, wish, refds):
            if record["type"] == "file":
                said.note(record["path"], ok=record["status"] == "ok")
            else:  # the sum, which comes last
                yield from _closing(ds.path, [one for one in asked if one != "."], said, wish, refds)
            yield record
        return
    key_of = {file.path: file.key for file in index_files(ds.repo, asked) if file.present}
    number = len(set(key_of.values()))
    outcomes = content.transfer(
        ds.repo,
        "drop",
        _handed_over(key_of),
        jobs=ds.annex_jobs(wish.jobs),
        options=wish.force,
        clock=ds.ctx.clock,
    )
    for outcome in _metered(ds, outcomes, number):
        if outcome.silent:  # another path has the same key, and went first
            continue
        path = f"{ds.path}/{outcome.path}" if outcome.path else str(ds.path)
        said.note(path, ok=outcome.ok)
        message = outcome.message
        if message and "Use --force to" in message:
            message = message.replace("--force", "--reckless availability")
        yield result(
            "drop",
            path,
            "ok" if outcome.ok else "error",
            type="file",
            refds=refds,
            annexkey=outcome.key,
            message=message,
            error_message=outcome.error_message,
        )
    yield from _closing(ds.path, asked, said, wish, refds)


def _handed_over(key_of: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield (path, key) pairs, and keep none of them."""
    yield from key_of.items()
    key_of.clear()


def _metered(ds: Dataset, outcomes: Iterable[Outcome], number: int) -> Iterator[Outcome]:
    with Meter(ds.ctx.progress, f"drop {ds.path}", "Dropping", number, "keys") as meter:
        for outcome in outcomes:
            meter.settled(outcome)
            yield outcome


def _foreseen_files(ds: Dataset, asked: Sequence[str], wish: Wish, refds: Path) -> Iterator[Record]:
    index = list(index_files(ds.repo))  # all of it: another name of a content may ask for more copies
    wanted = Selection(asked)
    files = [file for file in index if file.present and file.path in wanted]
    return foreseen_files(ds, files, index, force=bool(wish.force), refds=refds)


def _unknown(ds: Dataset, asked: Sequence[str], wish: Wish, refds: Path) -> Iterator[Record]:
    """Report paths that are neither in the index nor a folder with something of the index in it."""
    missing = [one for one in asked if one != "." and not os.path.lexists(ds.path / one)]
    tracked = [entry.path for entry in read_index(ds.repo)] if missing else []
    for one in missing:
        wanted = Selection([one])
        if not any(path in wanted for path in tracked):
            yield result(
                wish.named("drop"),
                ds.path / one,
                "error",
                type="file",
                refds=refds,
                error_message="File unknown to git",
            )


def _closing(root: Path, asked: Sequence[str], said: Answers, wish: Wish, refds: Path) -> Iterator[Record]:
    action = wish.named("drop")
    for one in asked:
        path = root if one == "." else root / one
        if str(path) in said:
            continue
        if not path.is_dir():
            if os.path.lexists(path):
                yield result(action, path, "notneeded", type="file", refds=refds, message=NO_CONTENT)
            continue
        failures = said.failures_below(str(path))
        if failures:
            message: Any = ("could not drop some content in %s %s", str(path), failures)
            yield result(action, path, "impossible", type="directory", refds=refds, message=message)
        elif said.below(str(path)):
            yield result(action, path, type="directory", refds=refds)
        else:
            message = ("nothing to drop from %s", str(path))
            yield result(action, path, "notneeded", type="directory", refds=refds, message=message)


def _drop_keys(ds: Dataset, wish: Wish, refds: Path) -> Iterator[Record]:
    """Drop every key, former versions too."""
    if wish.dry_run:
        yield from foreseen_keys(ds, index_files(ds.repo), force=bool(wish.force), refds=refds)
        return
    jobs = ds.annex_jobs(wish.jobs)
    options = [*wish.force, *([f"--jobs={jobs}"] if jobs not in (None, 1) else [])]
    number = 0 if ds.ctx.progress is SILENT else sum(1 for _ in keys_here(ds.repo))
    for outcome in _metered(ds, _drop_store(ds, options), number):
        yield result(
            "drop",
            ds.path,
            "ok" if outcome.ok else "error",
            type="key",
            refds=refds,
            key=outcome.key,
            message=outcome.note.replace("\n", "; ").replace("--force", "--reckless availability") or None,
            error_message=outcome.error_message,
        )


def _drop_store(ds: Dataset, options: Sequence[str]) -> Iterator[Outcome]:
    """Drop what the location log knows, then what is in the store all the same.

    `git annex drop --all` goes by the log and is silent about other content
    (seen with 10.20261026); a dataset must not go with such content unasked for.
    """
    told: set[str] = set()
    for outcome in content.drop_all(ds.repo, options=options):
        told.add(outcome.key)
        yield outcome
    unlogged = [key for key in keys_here(ds.repo) if key not in told]
    for outcome in content.transfer_keys(ds.repo, "drop", unlogged, options=options, clock=ds.ctx.clock):
        if outcome.silent:
            why = "is not where git-annex looks for it; `git annex fsck --all` may put it right"
            outcome = outcome._replace(ok=False, silent=False, errors=(why,))
        yield outcome
