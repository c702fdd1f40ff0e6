"""`remove`: take files, folders and subdatasets out of a dataset."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from rookery.core.context import Context
from rookery.core.errors import RookeryError
from rookery.core.log import get_log
from rookery.core.results import failed, result
from rookery.dataset.grouping import by_dataset
from rookery.dataset.locate import GivenPath, given_paths, require_dataset
from rookery.dataset.model import Dataset
from rookery.git import modes, refs, trees
from rookery.git.index import read_index
from rookery.git.trees import Selection
from rookery.opkit.declare import Many, Positional, Record, operation, option
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.opkit.parameters import DryRun, Jobs, Message
from rookery.steps.removing.drop import Reckless, Wish
from rookery.steps.removing.drop import drop as drop_from
from rookery.steps.removing.uninstall import refuse_current_folder, remove_tree

log = get_log("rookery.remove")

DEFAULT_MESSAGE = "[DATALAD] removed content"


@operation()
def remove(
    ctx: Context,
    path: Annotated[
        Many, Positional("PATH", help="what to remove; without it, the dataset with all that is in it")
    ] = None,
    *,
    dataset: DatasetParameter = None,
    drop: Annotated[
        Literal["datasets", "all"],
        option(
            "--drop",
            help="drop the content of subdatasets that go ('datasets', the default), "
            "or also that of the files that are removed ('all')",
        ),
    ] = "datasets",
    reckless: Annotated[
        Reckless | None,
        option(
            "--reckless",
            help="waive a check: that nothing is unsaved, that other copies exist, "
            "that siblings heard of the end of an annex, or every check",
        ),
    ] = None,
    message: Message = None,
    jobs: Jobs = None,
    recursive: Annotated[
        bool | None,
        option("-r", "--recursive", help="deprecated, has no effect: removing always is recursive"),
    ] = None,
    check: Annotated[
        bool | None, option("--nocheck", const=False, help="deprecated: say --reckless availability")
    ] = None,
    save: Annotated[
        bool | None,
        option("--nosave", const=False, help="deprecated, has no effect: a removal is always saved"),
    ] = None,
    if_dirty: Annotated[
        str | None,
        option("--if-dirty", metavar="MODE", help="deprecated, has no effect: see --reckless modification"),
    ] = None,
    dry_run: DryRun = False,
) -> Iterator[Record]:
    """Remove files, folders or subdatasets from a dataset, and save that.

    The content of removed files stays in the annex, so that going back to an
    earlier version finds it, unless `--drop all` asks for it to go.  Subdatasets
    go with all their content.  Nothing is removed if anything is unsaved, or
    would be lost with a subdataset; --reckless waives such checks by name.
    Files that Git ignores are left in place, without `--reckless modification`.
    """
    reckless = _deprecated(reckless, recursive=recursive, check=check, save=save, if_dirty=if_dirty)
    top = require_dataset(ctx, dataset, purpose="remove")
    given = given_paths(ctx, path)
    removal = _Removal(top, given, Wish(drop, reckless, True, None, jobs, dry_run))
    refuse_current_folder(ctx.cwd, removal.groups)
    yield from removal.unknown()
    safe = True
    for record in removal.drop():
        safe = safe and not failed(record)
        yield record
    if not safe:
        return
    if dry_run:
        yield from removal.foreseen()
        return
    yield from removal.carry_out()
    if not top.is_installed():
        return
    left = [one for one in given if one.path in removal.known]
    from rookery.steps.saving.save import How, save_datasets  # start-up: --help needs none of it

    how = How(message=message or DEFAULT_MESSAGE, jobs=jobs)
    for record in save_datasets(top, left, upward=dataset is not None, how=how) if left else ():
        yield {**record, "action": "remove"} if record["action"] == "delete" else record


def _deprecated(
    reckless: Reckless | None,
    *,
    recursive: bool | None,
    check: bool | None,
    save: bool | None,
    if_dirty: str | None,
) -> Reckless | None:
    """Give the mode that DataLad's former arguments ask for."""
    ignored = {"recursive": recursive, "save": save, "if_dirty": if_dirty}
    for name in (name for name, value in ignored.items() if value is not None):
        message = f"The `{name}` argument of `remove` is ignored and can be left out."
        warnings.warn(message, DeprecationWarning, stacklevel=3)
    if check is not None:
        message = "The `check` argument of `remove` is deprecated, use the `reckless` argument instead."
        warnings.warn(message, DeprecationWarning, stacklevel=3)
    if check is not False:
        return reckless
    if reckless is not None:
        raise RookeryError("the deprecated `check` and `reckless` cannot be given together")
    return "availability"


class _Removal:
    """What is to be removed: paths by dataset (None: a whole one), and those that are known to be there."""

    def __init__(self, top: Dataset, given: Sequence[GivenPath], wish: Wish) -> None:
        self.top = top
        self.wish = wish
        self.groups: dict[Path, list[Path] | None] = {top.path: None}
        self.outside: list[Path] = []
        self._nowhere: list[Path] = []
        if given:
            inside, self.outside = by_dataset(top.path, given, roots="inside")
            self.groups = {}
            for root, paths in inside.items():
                if root in paths:  # naming a dataset and something in it is naming the dataset
                    self.groups[root] = [root]
                    continue
                there = [path for path in paths if os.path.lexists(path)]
                gone = [path for path in paths if path not in there]
                tracked = _tracked(Dataset(root, top.ctx), gone)
                self._nowhere += [path for path in gone if path not in tracked]
                if kept := [path for path in paths if path in there or path in tracked]:
                    self.groups[root] = kept
        self.known = {path for paths in self.groups.values() for path in paths or ()}

    def unknown(self) -> Iterator[Record]:
        """Report the paths that are nowhere."""
        for path in self._nowhere:
            yield result("remove", path, "impossible", refds=self.top.path, message="path does not exist")

    def drop(self) -> Iterator[Record]:
        """Check that all may go, and drop what goes with it."""
        for path in self.outside:
            message = ("path not underneath the reference dataset %s", f"Dataset({self.top.path})")
            yield result(self.wish.named("drop"), path, "error", refds=self.top.path, message=message)
        for root in sorted(self.groups, reverse=True):  # what is below goes first
            yield from drop_from(
                Dataset(root, self.top.ctx), self.groups[root], self.wish, refds=self.top.path
            )

    def carry_out(self) -> Iterator[Record]:
        """Take it out of the work tree; a path that resists is an error, and the others go."""
        for root, paths in self.groups.items():
            for path in paths or [root]:
                try:
                    yield from self._take_away(Dataset(root, self.top.ctx), path)
                except OSError as e:
                    why = f"could not be removed: {e.strerror or e}"
                    yield self._told(path, "error", message=why, exception=e)

    def _take_away(self, ds: Dataset, path: Path) -> Iterator[Record]:
        if not os.path.lexists(path):
            return
        if path == ds.path:
            if ds.is_installed():  # never: dropping it has removed it, or was a failure
                raise RookeryError(f"{path} still is a dataset")
            path.rmdir()
            return
        if self.wish.waives("modification") or not _is_folder(path):
            tracked, is_folder = bool(_tracked(ds, [path])), _is_folder(path)
            remove_tree(path)
            if not tracked:
                self.known.discard(path)  # there is nothing to save of it
                yield self._told(path, "ok", type="directory" if is_folder else "file")
            return
        for name in _files(ds, path):
            (ds.path / name).unlink(missing_ok=True)
        for folder, _, _ in os.walk(path, topdown=False):
            if not os.listdir(folder):
                os.rmdir(folder)
        if os.path.lexists(path):
            why = "what Git ignores was left in place; --reckless modification removes that too"
            log.warning("%s: %s", path, why)
            yield self._told(path, "notneeded", type="directory", message=why)

    def foreseen(self) -> Iterator[Record]:
        """Report what would be removed."""
        for root, paths in self.groups.items():
            ds = Dataset(root, self.top.ctx)
            if paths is None or paths == [root]:
                yield self._told(root, "ok", type="dataset")
                continue
            for path in paths:
                for name, mode in _entries(ds, [path]):
                    yield self._told(root / name, "ok", type=modes.type_of(mode))

    def _told(self, path: Path, status: Literal["ok", "notneeded", "error"], **more: Any) -> Record:
        return result(self.wish.named("remove"), path, status, refds=self.top.path, **more)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _entries(ds: Dataset, paths: Sequence[Path]) -> Iterator[tuple[str, int]]:
    """Yield what the index has at or below some paths of a dataset."""
    if not paths or not ds.is_installed():
        return
    wanted = Selection([path.relative_to(ds.path).as_posix() for path in paths])
    for entry in read_index(ds.repo):
        if entry.path in wanted:
            yield entry.path, entry.mode


def _files(ds: Dataset, path: Path) -> Iterator[str]:
    return (name for name, mode in _entries(ds, [path]) if mode != modes.GITLINK)


def _tracked(ds: Dataset, paths: Sequence[Path]) -> set[Path]:
    """Give those of the paths at or below which the index or the last commit has something."""
    found = [name for name, _ in _entries(ds, paths)]
    if paths and refs.head(ds.repo).commit is not None:
        found += [
            e.path for e in trees.ls_tree(ds.repo, "HEAD", [str(p.relative_to(ds.path)) for p in paths])
        ]
    return {
        path for path in paths if any(name in Selection([str(path.relative_to(ds.path))]) for name in found)
    }
