"""`update`: bring in what changed at a sibling."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from rookery.core import pool
from rookery.core.context import Context
from rookery.core.errors import UsageError
from rookery.core.log import get_log
from rookery.core.results import result
from rookery.dataset.hierarchy import registered
from rookery.dataset.locate import GivenPath, given_paths, require_dataset
from rookery.dataset.model import Dataset
from rookery.opkit.declare import Many, Positional, Record, operation, option
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.opkit.parameters import DryRun, Message, RecursionLimit, Recursive
from rookery.steps.sharing import merge as merging
from rookery.steps.sharing.renew import How, Renewal, Wish

log = get_log("rookery.update")

SAVE_MESSAGE = "[DATALAD] Save updated subdatasets"


class Job(NamedTuple):
    """One dataset to update; `commit` is what its parent has registered, None for the top one."""

    dataset: Dataset
    commit: str | None
    depth: int


@operation()
def update(
    ctx: Context,
    path: Annotated[
        Many, Positional("PATH", help="with -r, update only subdatasets at or below these paths")
    ] = None,
    *,
    sibling: Annotated[
        str | None,
        option(
            "-s",
            "--sibling",
            metavar="SIBLING",
            help="the sibling to update from; without it all are asked for news, and changes come from the one that "
            "the current branch follows",
        ),
    ] = None,
    merge: Annotated[
        Literal["any", "ff-only"] | bool,
        option(
            "--merge", metavar="ALLOWED", const="any", help="older spelling of --how=merge and --how=ff-only"
        ),
    ] = False,
    how: Annotated[
        How | None,
        option(
            "--how",
            help="'fetch' only asks for news (the default), 'merge' merges them into the current branch, 'ff-only' "
            "does so if the branch has no changes of its own, 'reset' makes the branch equal to the sibling's and "
            "loses what only it has, 'checkout' shows the sibling's state without a branch",
        ),
    ] = None,
    how_subds: Annotated[
        How | None, option("--how-subds", help="the same for subdatasets; without it, as --how")
    ] = None,
    follow: Annotated[
        Literal["sibling", "parentds", "parentds-lazy"],
        option(
            "--follow",
            help="what subdatasets are brought to: the branch of the 'sibling', or the commit that their superdataset "
            "has registered ('parentds'; 'parentds-lazy' asks nobody if that commit is here already)",
        ),
    ] = "sibling",
    dataset: DatasetParameter = None,
    recursive: Recursive = False,
    recursion_limit: RecursionLimit = None,
    fetch_all: Annotated[
        bool | None, option("--fetch-all", help="no effect: without -s all siblings are asked anyway")
    ] = None,
    reobtain_data: Annotated[
        bool,
        option(
            "--reobtain-data",
            help="get content again of files that had it before and were changed by the update",
        ),
    ] = False,
    message: Message = None,
    dry_run: DryRun = False,
    abort: Annotated[
        bool, option("--abort", help="give up an update that stopped at conflicts: go back to before it")
    ] = False,
) -> Iterator[Record]:
    """Bring in what changed at a sibling.

    Without --how the news are fetched, and the files stay as they are.  A merge
    that cannot be completed names the files in conflict and stays open: resolve
    them and save, or go back with --abort.  Updated subdatasets are saved in
    their superdataset.
    """
    how_top, how_below = _how(merge, how, how_subds)
    top = require_dataset(ctx, dataset, purpose="update")
    given = given_paths(ctx, path)
    if fetch_all is not None:
        log.warning("update(fetch_all=...) called. Option has no effect, and will be removed")
    if given and not recursive:
        log.warning(
            "path constraints for subdataset updates ignored, because `recursive` option was not given"
        )
    search = _Search(given if recursive else [], recursive=recursive, limit=recursion_limit)
    if abort:
        yield from _abort(top, search)
        return
    wish = Wish(
        refds=top.path,
        sibling=sibling,
        how=how_top,
        how_below=how_below,
        follow=follow,
        reobtain=reobtain_data,
        dry_run=dry_run,
    )
    updated: list[Path] = []
    stuck: set[Path] = set()
    level = [Job(top, None, 0)]
    while level:
        for record in pool.in_order(lambda job: _update(job, wish), level, at_once=pool.workers(None)):
            yield record
            if record["action"] == "update":
                if record["status"] == "ok":
                    updated.append(Path(record["path"]))
                elif record["status"] == "error":
                    stuck.add(Path(record["path"]))
        level = [child for job in level for child in search.below(job)]
    if recursive and (how_top or how_below) and not dry_run:
        yield from _save(top, [p for p in updated if p != top.path], stuck, given, search, message)


def _how(merge: str | bool, how: How | None, how_subds: How | None) -> tuple[How | None, How | None]:
    """Give how the top dataset and those below are to be updated; None only fetches."""
    if merge and (how or how_subds):
        raise UsageError("`merge` is incompatible with `how` and `how_subds`")
    if merge:
        how = "ff-only" if merge == "ff-only" else "merge"
    below = how if how_subds is None else how_subds
    return (None if how == "fetch" else how), (None if below == "fetch" else below)


class _Search:
    """Finds the subdatasets to update, level by level: which there are may change with each update."""

    def __init__(self, given: list[GivenPath], *, recursive: bool, limit: int | None) -> None:
        self.paths = [one.path for one in given]
        self.recursive = recursive
        self.limit = limit
        self.found = 0

    def below(self, job: Job) -> Iterator[Job]:
        """Yield the installed subdatasets of a dataset that are wanted, or on the way to one."""
        if not self.recursive or (self.limit is not None and job.depth >= self.limit):
            return
        for child in registered(job.dataset):
            below = any(path in child.path.parents or path == child.path for path in self.paths)
            above = any(child.path in path.parents for path in self.paths)
            if child.present and (below or above or not self.paths):
                self.found += below or not self.paths
                yield Job(
                    Dataset(child.path, job.dataset.ctx),
                    child.sha if below or not self.paths else None,
                    job.depth + 1,
                )


def _update(job: Job, wish: Wish) -> Iterator[Record]:
    if job.depth and job.commit is None:
        return  # only on the way to one that was asked for
    yield from Renewal(job.dataset, job.commit, wish).run()


def _abort(top: Dataset, search: _Search) -> Iterator[Record]:
    level = [Job(top, None, 0)]
    any_open = False
    while level:
        for job in level:
            record = merging.abort(job.dataset, top.path)
            if record is not None:
                any_open = True
                yield record
        level = [child for job in level for child in search.below(job)]
    if not any_open:
        message = "there is no unfinished update to go back from"
        yield result("update.abort", top.path, "impossible", type="dataset", refds=top.path, message=message)


def _save(
    top: Dataset,
    updated: list[Path],
    stuck: set[Path],
    given: list[GivenPath],
    search: _Search,
    message: str | None,
) -> Iterator[Record]:
    """Record the new commits of subdatasets in those above them."""
    if given and not search.found:
        log.warning(
            "path constraints did not match an installed subdataset: %s", [str(one.path) for one in given]
        )
    if top.path in stuck:
        log.warning("Not saving because top-level dataset %s had an update failure in subdataset", top.path)
        return
    if not updated:
        return
    # In a superdataset with an open merge nothing but the whole can be saved, and that is for a person to do.
    targets = [
        GivenPath(str(path), path, content=False)
        for path in updated
        if not any(above in path.parents for above in stuck)
    ]
    from rookery.steps.saving.save import How as HowToSave  # start-up: --help needs none of it
    from rookery.steps.saving.save import save_datasets  # start-up

    how = HowToSave(message=message or SAVE_MESSAGE)
    yield from save_datasets(top, targets, upward=True, how=how)
