"""`get`: obtain file content, and the subdatasets on the way to it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from rookery.core.context import Context
from rookery.core.errors import InsufficientArgumentsError, RemoteNotAvailableError, UsageError
from rookery.core.pool import as_they_come, workers
from rookery.core.progress import Together
from rookery.core.results import result
from rookery.dataset.grouping import as_seen_from, below_root
from rookery.dataset.locate import given_paths, require_dataset
from rookery.dataset.model import Dataset
from rookery.opkit.declare import Many, Positional, Record, operation, option
from rookery.opkit.parameters import CfgProc, CloneMode, Description, DryRun, Jobs, Recursive
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.steps.obtaining.obtain import Data, obtain

if TYPE_CHECKING:
    from rookery.steps.obtaining.reach import Content


@operation()
def get(
    ctx: Context,
    path: Annotated[Many, Positional("PATH", help="files, folders or subdatasets to get")] = None,
    *,
    source: Annotated[
        str | None, option("-s", "--source", metavar="NAME", help="the sibling to get content from")
    ] = None,
    dataset: DatasetParameter = None,
    recursive: Recursive = False,
    recursion_limit: Annotated[
        int | str | None,
        option(
            "-R",
            "--recursion-limit",
            metavar="LEVELS",
            help="go at most this many levels of subdatasets deep; 'existing' installs none",
        ),
    ] = None,
    get_data: Annotated[
        bool, option("-n", "--no-data", help="install subdatasets, but get no file content")
    ] = True,
    cfg_proc: CfgProc = None,
    description: Description = None,
    reckless: CloneMode = None,
    jobs: Jobs = "auto",
    data: Annotated[
        Data,
        option(
            "--data",
            help="which content: anything asked for, nothing, only what this place is set to want (auto), "
            "or that if it is set to want anything",
        ),
    ] = "auto-if-wanted",
    dry_run: DryRun = False,
) -> Iterator[Record]:
    """Get file content: from wherever it is known to be, or from one sibling.

    Folders are got with everything in them, but subdatasets in them only with
    -r.  A subdataset that is not installed yet is, where a path leads into it.
    """
    from rookery.steps.obtaining.reach import Wish, reach  # start-up: --help needs none of it
    from rookery.steps.obtaining.settle import Setup, check_reckless  # start-up
    from rookery.steps.running.procedures import configuring  # start-up

    if dataset is None and not path:
        raise InsufficientArgumentsError("Neither dataset nor target path(s) provided")
    check_reckless(reckless)
    ds = require_dataset(ctx, dataset, purpose="get content")
    content: Content = {}
    wish = Wish(
        recursive,
        _limit(recursion_limit),
        Setup(description, reckless),
        configuring(cfg_proc),
        jobs=jobs if isinstance(jobs, int) else None,
        dry_run=dry_run,
    )
    given = [as_seen_from(ds.path, one.path) for one in given_paths(ctx, path)]
    for target in dict.fromkeys(given) or [ds.path]:
        if target != ds.path and ds.path not in target.parents:
            message = ("path not associated with dataset %s", f"Dataset({ds.path})")
            yield result("get", target, "error", message=message)
            continue
        yield from reach(ds, target, wish, content)
    if not content or not get_data or data == "nothing":
        return
    with Together(ctx.progress, f"get {ds.path}", "Getting content") as progress:
        inner = ctx._replace(progress=progress)
        getting = _Getting(inner, ds.path, content, source, jobs, data, dry_run)
        first, *others = content
        yield from getting.at(first)  # alone, so that its records stand together
        yield from as_they_come(getting.at, others, at_once=workers(jobs), stop=ctx.runner.terminate)


def _limit(typed: int | str | None) -> int | Literal["existing"] | None:
    if isinstance(typed, str):
        if typed == "existing":
            return "existing"
        raise UsageError(f"recursion limit {typed!r} is neither a number nor 'existing'")
    return typed


class _Getting(NamedTuple):
    """What getting content in each of several datasets has in common."""

    ctx: Context
    refds: Path
    content: Content
    source: str | None
    jobs: int | str | None
    data: Data
    dry_run: bool

    def at(self, root: Path) -> Generator[Record, None, None]:
        """Get content in one dataset; about datasets themselves was said enough."""
        ds = Dataset(root, self.ctx)
        paths = below_root(root, dict.fromkeys(self.content[root]))
        datasets = frozenset(map(str, self.content))
        try:
            for record in obtain(
                ds,
                paths,
                refds=self.refds,
                source=self.source,
                jobs=self.jobs,
                data=self.data,
                dry_run=self.dry_run,
            ):
                if self.dry_run or record["path"] not in datasets:
                    yield record
        except RemoteNotAvailableError as e:
            if root == self.refds:
                raise
            yield result(
                "get", root, "error", type="dataset", refds=self.refds, message=str(e), hints=e.hints
            )
