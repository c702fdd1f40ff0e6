"""`install`: clone a dataset, or get subdatasets; the older spelling of `clone` and `get -n`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from rookery.core.context import Context
from rookery.core.errors import InsufficientArgumentsError, RookeryError
from rookery.core.results import SUCCESS, failed, result
from rookery.dataset import sources
from rookery.dataset.grouping import below_root
from rookery.dataset.locate import absolute, require_dataset
from rookery.dataset.model import Dataset
from rookery.opkit.declare import Many, PathLikeText, Positional, Record, operation, option
from rookery.opkit.parameters import CfgProc, CloneMode, Description, Jobs, RecursionLimit, Recursive
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.steps.obtaining.cloning import After, clone_into
from rookery.steps.obtaining.obtain import obtain
from rookery.steps.obtaining.reach import Content, Wish, reach
from rookery.steps.obtaining.settle import Setup, check_reckless


def _installed(record: Record) -> bool:
    return record["action"] == "install" and record["status"] in SUCCESS and record.get("type") == "dataset"


class _Plan(NamedTuple):
    """What is asked for, besides the place."""

    setup: Setup
    after: After | None
    get_data: bool
    recursive: bool
    limit: int | None
    jobs: int | str | None


@operation(result_xfm="successdatasets-or-none", result_filter=_installed, return_type="item-or-list")
def install(
    ctx: Context,
    path: Annotated[
        Many,
        Positional("URL-OR-PATH", help="with --source, where to; else URLs to clone, or subdatasets to get"),
    ] = None,
    *,
    source: Annotated[
        PathLikeText | None, option("-s", "--source", metavar="URL-OR-PATH", help="what to clone")
    ] = None,
    dataset: DatasetParameter = None,
    get_data: Annotated[bool, option("-g", "--get-data", help="get all file content too")] = False,
    description: Description = None,
    recursive: Recursive = False,
    recursion_limit: RecursionLimit = None,
    reckless: CloneMode = None,
    jobs: Jobs = "auto",
    cfg_proc: CfgProc = None,
    branch: Annotated[
        str | None,
        option("--branch", metavar="NAME", help="the branch or tag to clone, of the topmost dataset only"),
    ] = None,
) -> Iterator[Record]:
    """Clone a dataset, or get subdatasets of the one that is here.

    The older spelling of `clone` and `get -n`: a URL is cloned, a path is a
    subdataset to install.  With -r, subdatasets below are installed too.
    """
    given = list(path or []) if not isinstance(path, (str, os.PathLike)) else [path]
    if source is None and not given:
        raise InsufficientArgumentsError("Please provide at least a source or a path")
    check_reckless(reckless)
    above = None if dataset is None else require_dataset(ctx, dataset, purpose="install")
    from rookery.steps.running.procedures import configuring  # start-up: --help needs none

    plan = _Plan(
        Setup(description, reckless, (f"--branch={branch}",) if branch else ()),
        configuring(cfg_proc),
        get_data,
        recursive,
        recursion_limit,
        jobs,
    )
    if source is not None:
        if len(given) > 1:
            raise RookeryError(f"install needs a single PATH when source is provided.  Was given: {given}")
        target = given[0] if given else None
        yield from _from_source(ctx, os.fspath(source), target, above, plan)
        return
    texts = [os.fspath(one) for one in given]
    for text in texts:
        if not sources.is_path(text):
            yield from _from_source(ctx, text, None, above, plan)
    paths = [absolute(ctx, text) for text in texts if sources.is_path(text)]
    if paths:
        ds = above or require_dataset(ctx, None, purpose="get content")
        yield from _get(ds, paths, plan._replace(setup=plan.setup._replace(options=())), ds.path)


def _from_source(
    ctx: Context, text: str, target: PathLikeText | None, above: Dataset | None, plan: _Plan
) -> Iterator[Record]:
    refds = None if above is None else above.path
    if target is not None and os.fspath(target) == text:
        why = (
            "installation `source` and destination `path` are identical. "
            "If you are trying to add a subdataset simply use the `save` command"
        )
        yield result(
            "install",
            absolute(ctx, target),
            "impossible",
            refds=refds,
            type="dataset",
            message=why,
            source_url=text,
        )
        return
    place: Path | None = None
    broken = False
    for record in clone_into(ctx, text, target, above=above, setup=plan.setup, after=plan.after):
        broken = broken or failed(record)
        if record["action"] == "install":
            place = Path(record["path"])
        yield {**record, "refds": None if refds is None else str(refds)}
    if place is not None and not broken and (plan.recursive or plan.get_data):
        inner = plan._replace(setup=plan.setup._replace(options=(), description=None))
        yield from _get(Dataset(place, ctx), [place], inner, refds)


def _get(ds: Dataset, paths: Sequence[Path], plan: _Plan, refds: Any) -> Iterator[Record]:
    """Do what `get` does: install what is on the way and below, and get content if that is wanted."""
    jobs = plan.jobs if isinstance(plan.jobs, int) else None
    wish = Wish(plan.recursive, plan.limit, plan.setup, plan.after, jobs)
    content: Content = {}
    for path in paths:
        if path != ds.path and ds.path not in path.parents:
            why = ("path not associated with dataset %s", f"Dataset({ds.path})")
            yield result("get", path, "error", refds=refds, message=why)
            continue
        for record in reach(ds, path, wish, content):
            yield {**record, "refds": None if refds is None else str(refds)}
    if plan.get_data:
        for root, wanted in content.items():
            inside = below_root(root, dict.fromkeys(wanted))
            yield from obtain(Dataset(root, ds.ctx), inside, refds=refds, jobs=plan.jobs)
