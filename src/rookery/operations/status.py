"""`status`: show what changed since the last save."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from rookery.core.context import Context
from rookery.core.results import result
from rookery.dataset.grouping import below_root, by_dataset
from rookery.dataset.locate import given_paths, require_dataset
from rookery.dataset.model import Dataset
from rookery.git import modes
from rookery.opkit.declare import Many, Positional, Record, operation, option
from rookery.opkit.parameters import Annexed, RecursionLimit, Recursive, Untracked
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.steps.comparing import states
from rookery.steps.comparing.states import Item
from rookery.steps.comparing.survey import Asked, Survey


@operation(renderer="status", summary="never")
def status(
    ctx: Context,
    path: Annotated[Many, Positional("PATH", help="what to report on; without it, the whole dataset")] = None,
    *,
    dataset: DatasetParameter = None,
    annex: Annexed = None,
    untracked: Untracked = "normal",
    recursive: Recursive = False,
    recursion_limit: RecursionLimit = None,
    eval_subdataset_state: Annotated[
        Literal["no", "commit", "full"],
        option(
            "-e",
            "--eval-subdataset-state",
            help="how closely to look at subdatasets: not at all, whether they are at another commit, or (the "
            "default) whether anything in them is not saved",
        ),
    ] = "full",
    report_filetype: Annotated[
        Literal["raw", "eval"] | None, option("-t", "--report-filetype", help="has no effect any more")
    ] = None,
) -> Iterator[Record]:
    """Show what changed since the last save.

    States are clean, added, modified, deleted and untracked.  With -d, `SUB`
    asks for the state of a subdataset within DATASET, `SUB/` for that of its
    content.  A path that is nowhere is reported as impossible.
    """
    del report_filetype
    top = require_dataset(ctx, dataset, purpose="report status")
    clean = not ctx.brief
    survey = Survey(Asked("status", top.path, untracked, annex, eval_subdataset_state, clean=clean))
    levels = recursion_limit if recursion_limit is not None else -1 if recursive else 0
    given = sorted(given_paths(ctx, path), key=lambda one: one.path)
    grouped = by_dataset(top.path, given, roots="inside" if dataset is None else "rsync")
    for outside in grouped.outside:
        message = ("path not underneath the reference dataset %s", str(top.path))
        yield result("status", outside, "error", refds=top.path, message=message)
    if not given:
        grouped.inside[top.path] = []
    reporting = _Reporting(survey)
    for root, paths in grouped.inside.items():
        yield from reporting.report(Dataset(root, ctx), paths, levels)


class _Reporting:
    """A report on some datasets, each at most once."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._seen: set[Path] = set()

    def report(
        self, ds: Dataset, paths: list[Path], levels: int, *, at_once: int | None = None
    ) -> Iterator[Record]:
        """Report on a dataset, and on as many levels below it as are asked for (negative: all)."""
        if ds.path in self._seen:
            return
        self._seen.add(ds.path)
        survey = self._survey
        limited = [] if ds.path in paths else below_root(ds.path, paths)
        changed, sizes = survey.changed_and_sizes(ds, limited)
        items = states.since_head(ds.repo, changed, limited, clean=survey.asked.clean)
        yield from survey.missing(ds, limited, items)
        several = sum(item.mode == modes.GITLINK for item in items) > 1

        def below(item: Item) -> Iterator[Record]:
            sub = Dataset(ds.path / item.path, ds.ctx)
            if levels and sub.is_installed():
                yield from self.report(sub, [], levels - 1, at_once=1 if several else at_once)

        yield from survey.with_subdatasets(ds, items, below, at_once=at_once)
        if sizes:
            yield survey.total(ds, changed, sizes)
