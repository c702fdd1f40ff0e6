"""`diff`: show what changed between two states."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from rookery.core.context import Context
from rookery.core.results import result
from rookery.dataset.locate import GivenPath, given_paths, require_dataset
from rookery.dataset.model import Dataset
from rookery.git import modes
from rookery.git.repo import find_root
from rookery.opkit.declare import Many, Positional, Record, operation, option
from rookery.opkit.parameters import Annexed, RecursionLimit, Recursive, Untracked
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.steps.comparing import states
from rookery.steps.comparing.states import Item
from rookery.steps.comparing.survey import Asked, Survey, at_submodules


@operation(renderer="diff", summary="never")
def diff(
    ctx: Context,
    path: Annotated[Many, Positional("PATH", help="what to compare; without it, the whole dataset")] = None,
    *,
    fr: Annotated[
        str, option("-f", "--from", metavar="REVISION", help="the earlier state: a commit, branch or tag")
    ] = "HEAD",
    to: Annotated[
        str | None,
        option(
            "-t", "--to", metavar="REVISION", help="the later state; without it, what is in the work tree"
        ),
    ] = None,
    dataset: DatasetParameter = None,
    annex: Annexed = None,
    untracked: Untracked = "normal",
    recursive: Recursive = False,
    recursion_limit: RecursionLimit = None,
) -> Iterator[Record]:
    """Show what changed between two states of a dataset.

    Compares commits with each other, or a commit with the work tree.  With -r,
    subdatasets that changed are compared between the commits that the two
    states record for them.  `SUB/` asks for the content of a subdataset.
    """
    top = require_dataset(ctx, dataset, purpose="report difference")
    depth: Literal["commit", "full"] = "full" if to is None else "commit"
    clean = not ctx.brief or annex is not None
    survey = Survey(
        Asked("diff", top.path, untracked, annex, depth, clean=clean, on_disk=to is None, previous=True)
    )
    given = []
    for one in given_paths(ctx, path):
        problem = _problem(top, one)
        if problem is None:
            given.append(one._replace(content=one.content or one.path == top.path))
        else:
            yield problem
    if given or not path:
        levels = 0 if not recursive else -1 if recursion_limit is None else recursion_limit
        yield from _Comparing(survey, given).compare(top, _Range(fr, to), levels)


def _problem(top: Dataset, given: GivenPath) -> Record | None:
    """Say what is wrong with a path; None if it may be compared."""
    path = given.path
    if path == top.path or top.path in path.parents:
        return None
    message: tuple[str, ...] = ("path not underneath this dataset",)
    if find_root(path) is not None:
        message = (
            "dataset containing given paths is not underneath the reference dataset %s: %s",
            str(top),
            str(path),
        )
    return result("diff", path, "error", refds=top.path, message=message if len(message) > 1 else message[0])


class _Range(NamedTuple):
    """Two states of one dataset: `fr` of None is nothing at all, `to` of None the work tree."""

    fr: str | None
    to: str | None


class _Comparing:
    """One comparison, of a dataset and those below it."""

    def __init__(self, survey: Survey, given: list[GivenPath]) -> None:
        self._survey = survey
        self._given = given

    def compare(
        self, ds: Dataset, ends: _Range, levels: int, *, at_once: int | None = None
    ) -> Iterator[Record]:
        """Compare two states of a dataset, and go as many levels down as is asked for (negative: all)."""
        survey = self._survey
        commits = []
        for name in ends:
            commit = None if name is None else states.commit_of(ds.repo, name)
            if name is not None and commit is None:
                message = f"Git reference '{name}' invalid"
                yield result("diff", ds.path, "impossible", refds=survey.asked.refds, message=message)
                return
            commits.append(commit)
        asked = self._paths(ds)
        limited = at_submodules(ds.repo, asked)
        items = self._items(ds, commits[0], commits[1], limited)
        if ends.fr is not None:
            yield from survey.missing(ds, limited, items)
        several = sum(item.mode == modes.GITLINK for item in items) > 1

        def below(item: Item) -> Iterator[Record]:
            sub = Dataset(ds.path / item.path, ds.ctx)
            rest = self._levels_below(sub.path, levels)
            if item.state in ("added", "modified") and rest is not None and sub.is_installed():
                inner = _Range(item.previous, None if ends.to is None else item.sha)
                yield from self.compare(sub, inner, rest, at_once=1 if several else at_once)

        yield from survey.with_subdatasets(ds, items, below, at_once=at_once)

    def _items(self, ds: Dataset, fr: str | None, to: str | None, paths: list[str]) -> list[Item]:
        survey, repo = self._survey, ds.repo
        if to is not None:
            return states.between(repo, fr, to, paths, clean=survey.asked.clean)
        changed = survey.changed(ds, paths)
        if fr is not None and fr == states.commit_of(repo, "HEAD"):
            return states.since_head(repo, changed, paths, clean=survey.asked.clean)
        return states.since(repo, fr, changed, paths, clean=survey.asked.clean)

    def _paths(self, ds: Dataset) -> list[str]:
        """Give the paths to compare in a dataset; none: everything."""
        inside = [one for one in self._given if ds.path in one.path.parents]
        if any(one.path == ds.path and one.content for one in self._given):
            return []
        return [one.path.relative_to(ds.path).as_posix() for one in inside]

    def _levels_below(self, sub: Path, levels: int) -> int | None:
        """Give the levels that are left in a subdataset, None if it is not to be looked into."""
        if any(one.path == sub and one.content for one in self._given):
            return levels  # asked for by name, which costs no level
        if levels:
            return levels - 1
        return 0 if any(sub in one.path.parents for one in self._given) else None
