"""`drop`: remove file content, or whole datasets, that are safe elsewhere."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from rookery.core.context import Context
from rookery.core.errors import RookeryError
from rookery.core.progress import Together
from rookery.core.results import result
from rookery.dataset.grouping import by_dataset
from rookery.dataset.locate import given_paths, require_dataset
from rookery.dataset.model import Dataset
from rookery.opkit.declare import Many, Positional, Record, operation, option
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.opkit.parameters import DryRun, Jobs, RecursionLimit, Recursive
from rookery.steps.removing.drop import Reckless, What, Wish
from rookery.steps.removing.drop import drop as drop_from
from rookery.steps.removing.uninstall import refuse_current_folder


@operation()
def drop(
    ctx: Context,
    path: Annotated[Many, Positional("PATH", help="what to drop; without it, the whole dataset")] = None,
    *,
    what: Annotated[
        What,
        option(
            "--what",
            help="the content of the files named, all keys of all versions, "
            "whole subdatasets at the paths, or everything; default: filecontent",
        ),
    ] = "filecontent",
    reckless: Annotated[
        Reckless | None,
        option(
            "--reckless",
            help="waive a check: that nothing is unsaved, that other copies exist, "
            "that siblings heard of the end of this annex, or every check",
        ),
    ] = None,
    dataset: DatasetParameter = None,
    recursive: Recursive = False,
    recursion_limit: RecursionLimit = None,
    jobs: Jobs = None,
    check: bool | None = None,
    if_dirty: str | None = None,
    dry_run: DryRun = False,
) -> Iterator[Record]:
    """Drop file content from here.  The files stay known, and can be had again.

    Content is dropped only when git-annex has made sure that enough other
    copies exist; a dataset only when all its content, revisions and changes are
    safe elsewhere.  --reckless waives one kind of check, by name.
    """
    reckless = _deprecated(reckless, check, if_dirty)
    if what in ("all", "datasets") and reckless == "kill" and not recursive:
        raise RookeryError(
            "A reckless kill is requested but no recursion flag is set. With 'kill' no checks for "
            "subdatasets will be made, acknowledge by setting the recursive flag"
        )
    ds = require_dataset(ctx, dataset, purpose="drop")
    given = given_paths(ctx, path)
    groups: dict[Path, list[Path] | None] = {ds.path: None}
    whole = what in ("all", "datasets")
    if given:
        inside, outside = by_dataset(
            ds.path, given, roots="rsync" if dataset is not None and not whole else "inside"
        )
        groups = dict(inside)
        for one in outside:
            message = ("path not underneath the reference dataset %s", f"Dataset({ds.path})")
            yield result("drop", one, "error", refds=ds.path, message=message)
    if whole:
        refuse_current_folder(ctx.cwd, groups)
    wish = Wish(what, reckless, recursive, recursion_limit, jobs, dry_run)
    with Together(ctx.progress, f"drop {ds.path}", "Dropping", "keys") as progress:
        inner = ctx._replace(progress=progress)
        for root in sorted(groups, reverse=True):  # what is below goes first
            yield from drop_from(Dataset(root, inner), groups[root], wish, refds=ds.path)


def _deprecated(reckless: Reckless | None, check: bool | None, if_dirty: str | None) -> Reckless | None:
    """Give the mode that DataLad's former arguments ask for."""
    if if_dirty is not None:
        warnings.warn(
            "The `if_dirty` argument of `drop` is ignored, it can be removed for a safe-by-default "
            "behavior. For other cases consider the `reckless` argument.",
            DeprecationWarning,
            stacklevel=3,
        )
    if check is not None:
        warnings.warn(
            "The `check` argument of `drop` is deprecated, use the `reckless` argument instead.",
            DeprecationWarning,
            stacklevel=3,
        )
    if check is not False:
        return reckless
    if reckless is not None:
        raise RookeryError(
            "Must not use deprecated `check` argument, and new `reckless` argument together with `drop`."
        )
    return "availability"
