"""`push`: send history and file content to a sibling."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from rookery.core import pool
from rookery.core.context import Context
from rookery.core.errors import RookeryError
from rookery.core.log import get_log
from rookery.core.results import result
from rookery.dataset.hierarchy import registered
from rookery.dataset.locate import given_paths, require_dataset
from rookery.dataset.model import Dataset
from rookery.git import refs
from rookery.git.modes import GITLINK
from rookery.git.repo import find_root
from rookery.git.trees import Difference, diff_trees, ls_tree
from rookery.opkit.declare import Many, Positional, Record, operation, option
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.opkit.parameters import DryRun, Jobs, RecursionLimit, Recursive
from rookery.steps.sharing.publish import Data, Wish, publish
from rookery.steps.sharing.targets import meant, siblings_of, target_of
from rookery.steps.sharing.transfer import Selection

log = get_log("rookery.push")

NO_MATCH = "Given constraints did not match any changes to publish"


class UnfitArgument(RookeryError, ValueError):
    """What was given with an option cannot be used, here or without another option."""


class Job(NamedTuple):
    """One dataset to push, and which files of it."""

    dataset: Dataset
    selection: Selection


@operation(renderer="push", summary="always")
def push(
    ctx: Context,
    path: Annotated[
        Many, Positional("PATH", help="push only content and changes at these paths; without it, everything")
    ] = None,
    *,
    dataset: DatasetParameter = None,
    to: Annotated[
        str | None,
        option(
            "--to",
            metavar="SIBLING",
            help="the sibling to push to; without it, the one that the current branch follows",
        ),
    ] = None,
    since: Annotated[
        str | None,
        option(
            "--since",
            metavar="REV",
            help="push only what changed after this commit or tag; '^' is what the sibling had at the last exchange",
        ),
    ] = None,
    data: Annotated[
        Data,
        option(
            "--data",
            help="which file content to send: 'anything' that is here, 'nothing', 'auto' what the sibling wants or "
            "needs for enough copies, 'auto-if-wanted' as 'auto' if it has said what it wants, else as 'anything'",
        ),
    ] = "auto-if-wanted",
    force: Annotated[
        Literal["all", "gitpush", "checkdatapresent"] | None,
        option(
            "-f",
            "--force",
            help="'gitpush' replaces the sibling's branches even if that loses commits there, 'checkdatapresent' asks "
            "the sibling for each file instead of believing the location log, 'all' does both",
        ),
    ] = None,
    set_upstream: Annotated[
        bool, option("-u", "--set-upstream", help="make the current branch follow the sibling's; needs --to")
    ] = False,
    recursive: Recursive = False,
    recursion_limit: RecursionLimit = None,
    jobs: Jobs = None,
    dry_run: DryRun = False,
) -> Iterator[Record]:
    """Send what is saved to a sibling: file content first, then branches.

    Siblings that this one depends on (`datalad-publish-depends`) come first,
    subdatasets before their superdataset.  Nothing is sent to a sibling that
    would refuse the history.  Content that is not here cannot be sent, and is
    named.
    """
    _check(to, since, set_upstream=set_upstream)
    top = require_dataset(ctx, dataset, purpose="push")
    siblings = siblings_of(top)
    said: dict[str, Any] = {"refds": top.path}
    if to and to not in siblings:
        known = (
            f"Known targets: {', '.join(map(repr, siblings))}."
            if siblings
            else "No targets configured in dataset."
        )
        yield result("publish", top.path, "error", message=f"Unknown push target '{to}'. {known}", **said)
        return
    wish = Wish(
        refds=top.path,
        data=data,
        force_refs=force in ("all", "gitpush"),
        ask_for_content=force in ("all", "checkdatapresent"),
        set_upstream=set_upstream,
        jobs=jobs,
        dry_run=dry_run,
    )
    given = given_paths(ctx, path)
    search = _Search(top, [one.path for one in given], recursive=recursive, limit=recursion_limit)
    found = list(search.jobs(_start(top, to, since)))
    if not found and not to and len(given) == 1 and given[0].typed in siblings:
        hint = f"{given[0].typed} matches a sibling name and not a path. Forgot --to?"
        yield result("publish", top.path, "notneeded", type="dataset", message=hint, hints=hint, **said)
        return
    troubles = list(search.troubles())
    yield from troubles
    if not found and not troubles:
        yield result("publish", top.path, "notneeded", type="dataset", message=NO_MATCH, **said)
    if len(found) > 1:
        wish = wish._replace(jobs=None)  # -J is then the number of datasets, not of files in each of them
    for level in _levels(found):
        yield from pool.in_order(lambda job: _push(job, to, wish), level, at_once=pool.workers(jobs))


def _check(to: str | None, since: str | None, *, set_upstream: bool) -> None:
    """Raise UnfitArgument for options that mean nothing, alone or together."""
    if since == "":
        raise UnfitArgument("'since' should point to commitish or use '^'.")
    if set_upstream and not to:
        raise UnfitArgument(
            "--set-upstream/-u requires an explicit sibling to be given via --to.",
            hints=["name it: rookery push -u --to SIBLING"],
        )


def _start(top: Dataset, to: str | None, since: str | None) -> str | None:
    """Give the commit from which changes count, None for everything.  Raises UnfitArgument."""
    if since is None:
        return None
    if since != "^":
        found = refs.resolve(top.repo, since)
        if found is None:
            raise UnfitArgument(f"Unknown commit identifier: {since}")
        return found
    branch = refs.head(top.repo).branch
    found = None
    if branch is not None:
        branch = meant(branch)
        remote = to or top.config.get(f"branch.{branch}.remote")
        there = (
            branch if to else str(top.config.get(f"branch.{branch}.merge", branch)).removeprefix(refs.HEADS)
        )
        found = refs.resolve(top.repo, f"refs/remotes/{remote}/{there}") if remote else None
    if found is None:
        log.info("No tracked remote for active branch, detection of last pushed state not in effect.")
    return found


class _Search:
    """Finds the datasets that a push is about: those with changes, at the given paths."""

    def __init__(self, top: Dataset, paths: Sequence[Path], *, recursive: bool, limit: int | None) -> None:
        self.top = top
        self.paths = paths
        self.recursive = recursive
        self.limit = limit
        self.matched: set[Path] = set()
        self.absent: list[Path] = []
        self._inside = self._by_dataset()

    def _by_dataset(self) -> dict[Path, list[str]]:
        """Sort the paths by the dataset that tracks them; each dataset is a path of the one above."""
        found: dict[Path, list[str]] = {}
        for path in filter(self._is_below, self.paths):
            while path != self.top.path:
                root = find_root(path.parent)
                if root is None or not (root == self.top.path or self._is_below(root)):
                    break
                inside = found.setdefault(root, [])
                if (relative := os.fspath(path.relative_to(root))) not in inside:
                    inside.append(relative)
                path = root
        return found

    def _is_below(self, path: Path) -> bool:
        return self.top.path == path or self.top.path in path.parents

    def jobs(self, since: str | None) -> Iterator[Job]:
        """Yield the datasets to push, subdatasets before their superdataset."""
        if self.paths and not self._inside and self.top.path not in self.paths:
            return
        yield from self._jobs(self.top, since, self._inside.get(self.top.path, []), depth=0)

    def _jobs(
        self, dataset: Dataset, since: str | None, paths: Sequence[str], *, depth: int
    ) -> Iterator[Job]:
        limited = [] if dataset.path in self.paths and self.recursive else paths
        changes: dict[str, Difference] | None = None
        if (since or limited) and refs.head(dataset.repo).commit is not None:
            changes = {d.path: d for d in diff_trees(dataset.repo, since, "HEAD", limited)}
            self._note(dataset, changes)
            if not changes:
                return
        for child in registered(dataset):
            change = None if changes is None else changes.get(os.fspath(child.path.relative_to(dataset.path)))
            if changes is not None and change is None:
                continue
            if not child.present:
                self.absent += [child.path] if child.path in self.paths else []
                continue
            deeper = self.recursive and (self.limit is None or depth < self.limit)
            if deeper or child.path in self._inside:
                before = change.old_sha if since and change and change.old_mode == GITLINK else None
                below = Dataset(child.path, dataset.ctx)
                yield from self._jobs(below, before, self._inside.get(child.path, []), depth=depth + 1)
        yield Job(dataset, Selection(since, tuple(limited), named=bool(self.paths)))

    def _note(self, dataset: Dataset, changes: Mapping[str, Difference]) -> None:
        for path in self.paths:
            if path not in self.matched and dataset.path in path.parents:
                name = os.fspath(path.relative_to(dataset.path))
                if name in changes or any(one.startswith(name + "/") for one in changes):
                    self.matched.add(path)

    def troubles(self) -> Iterator[Record]:
        """Yield a record for each path that cannot be pushed."""
        said: dict[str, Any] = {"refds": self.top.path}
        for path in self.paths:
            if not self._is_below(path):
                message: Any = ("path not underneath the reference dataset %s", self.top.path)
                yield result("publish", path, "error", message=message, **said)
            elif path in self.absent:
                message = ("Cannot publish subdataset, not present: %s", path)
                hint = f"Obtain it first: rookery get -n {path}"
                yield result(
                    "publish", path, "impossible", type="dataset", message=message, hints=hint, **said
                )
            elif not (path in self.matched or os.path.lexists(path) or self._in_head(path)):
                yield result("publish", path, "impossible", message="path does not exist", **said)

    def _in_head(self, path: Path) -> bool:
        root = find_root(path.parent)
        if root is None or refs.head(repo := Dataset(root, self.top.ctx).repo).commit is None:
            return False
        return any(True for _ in ls_tree(repo, "HEAD", [os.fspath(path.relative_to(root))]))


def _levels(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    """Group datasets by depth, the deepest first: what a dataset refers to is published before it."""
    depths = {len(job.dataset.path.parts) for job in jobs}
    for depth in sorted(depths, reverse=True):
        yield [job for job in jobs if len(job.dataset.path.parts) == depth]


def _push(job: Job, to: str | None, wish: Wish) -> Iterator[Record]:
    dataset = job.dataset
    target = to or target_of(dataset, siblings_of(dataset))
    if target is None:
        yield result(
            "publish",
            dataset.path,
            "impossible",
            type="dataset",
            refds=wish.refds,
            message="No push target given, and none could be auto-detected, please specify via --to",
        )
        return
    yield from publish(dataset, target, job.selection, wish)
