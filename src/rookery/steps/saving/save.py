"""Saving across datasets: which ones, in what order, bottom-up."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from rookery.core.errors import CommandError, LostRaceError, RookeryError
from rookery.core.results import result
from rookery.dataset import hierarchy
from rookery.dataset.locate import GivenPath
from rookery.dataset.model import Dataset
from rookery.git import commits, modes, refs, trees
from rookery.git.index import read_index
from rookery.git.repo import Repo, find_root
from rookery.git.trees import Selection
from rookery.steps.saving import guard
from rookery.steps.saving.changes import Changes, find_changes
from rookery.steps.saving.commit import commit_changes
from rookery.steps.saving.entries import DEFAULT_MESSAGE, save_record

Record = dict[str, Any]
Limit = int | None


class Plan(NamedTuple):
    """What is to be saved: for each dataset its paths (None: all of it), and the paths that are not there."""

    targets: dict[Path, set[str] | None]
    impossible: list[Record]


class How(NamedTuple):
    """How each dataset is to be saved; see `commit_changes` for what is not said here.

    `since` names a commit of the top dataset: what was committed after it is
    wrapped into a merge, in every dataset below as well; `inner_message` is for
    changes that become part of such a merge.  `guarded` has looked for locked
    files that something wrote into already.
    """

    message: str | None = None
    inner_message: str | None = None
    updated: bool = False
    to_git: bool | None = None
    amend: bool = False
    jobs: int | str | None = None
    version_tag: str | None = None
    since: str | None = None
    guarded: bool = False


def save_datasets(
    top: Dataset,
    given: Sequence[GivenPath] = (),
    *,
    upward: bool,
    recursive: bool = False,
    limit: Limit = None,
    how: How,
) -> Iterator[Record]:
    """Save what changed at some paths (none: everywhere) of a dataset and those below it, children first.

    `upward` records every saved dataset in the ones above it, up to `top`.
    """
    plan = plan_save(top, given, upward=upward, recursive=recursive, limit=limit)
    yield from plan.impossible
    if not plan.targets:
        yield save_record(top, top.path, "notneeded")
    since = _baselines(top, plan, how.since) if how.since is not None else {}
    merged: set[Path] = set()
    for level in _levels(plan.targets):
        jobs = [_job(Dataset(path, top.ctx), plan.targets[path], top, how, since, merged) for path in level]
        yield from _at_once(jobs, how.jobs)


def plan_save(
    top: Dataset, given: Sequence[GivenPath], *, upward: bool, recursive: bool, limit: Limit
) -> Plan:
    """Decide which datasets have to be looked at, and where in them."""
    targets: dict[Path, set[str] | None] = {}
    impossible: list[Record] = []
    root_of = cache(find_root)  # thousands of files have few folders
    for one in given:
        problem = _target(top, one, targets, root_of, upward=upward)
        if problem is not None:
            impossible.append(problem)
    if not given:
        targets[top.path] = None
    if recursive:
        under = [one.path for one in given] or None
        for found in hierarchy.walk(top, recursive=True, limit=limit, under=under, state="present"):
            targets[found.path] = None
    if targets and (upward or len(targets) > 1):
        _link_upward(top, targets, upward=upward)
    return Plan(targets, impossible)


def _target(
    top: Dataset,
    one: GivenPath,
    targets: dict[Path, set[str] | None],
    root_of: Callable[[Path], Path | None],
    *,
    upward: bool,
) -> Record | None:
    """Note where a path belongs; a record comes back if it belongs nowhere."""
    path = one.path
    if path != top.path and top.path not in path.parents:
        why = ("path not underneath the reference dataset %s", str(top.path))
        return result("status", path, "error", refds=top.path, message=why)
    inside = path == top.path or one.content or not upward
    root = root_of(path if inside and os.path.isdir(path) else path.parent)
    if root is None or not (root == top.path or top.path in root.parents):
        root = top.path
    if root == path:
        targets[root] = None
        return None
    relative = str(path.relative_to(root))
    if not os.path.lexists(path) and not _was_there(Dataset(root, top.ctx).repo, relative):
        return result("save", path, "impossible", refds=top.path, message="path does not exist")
    wanted = targets.setdefault(root, set())
    if wanted is not None:
        wanted.add(relative)
    return None


def _was_there(repo: Repo, path: str) -> bool:
    """Say whether a path that is not in the work tree is in the index or in HEAD: then its deletion is meant."""
    chosen = Selection([path])
    if any(entry.path in chosen for entry in read_index(repo)):
        return True
    if refs.head(repo).commit is None:
        return False
    return any(True for _ in trees.ls_tree(repo, "HEAD", [path]))


def _link_upward(top: Dataset, targets: dict[Path, set[str] | None], *, upward: bool) -> None:
    """Add the datasets between: each records those that are saved below it."""
    roots = {top.path} if upward else set(targets)
    for path in list(targets):
        line = [path]
        while line[-1] != top.path and (above := find_root(line[-1].parent)) is not None:
            line.append(above)
        reached = max((n for n, place in enumerate(line) if place in roots), default=0)
        for below, above in pairwise(line[: reached + 1]):
            wanted = targets.setdefault(above, set())
            if wanted is not None:
                wanted.add(str(below.relative_to(above)))
    if upward:
        targets.setdefault(top.path, set())


def _levels(targets: Iterable[Path]) -> Iterator[list[Path]]:
    """Yield groups of datasets, deepest first; none of a group is inside another of it."""
    deep: dict[int, list[Path]] = {}
    for path in sorted(targets):
        deep.setdefault(len(path.parts), []).append(path)
    for depth in sorted(deep, reverse=True):
        yield deep[depth]


def _at_once(jobs: Sequence[Callable[[], Iterator[Record]]], wanted: int | str | None) -> Iterator[Record]:
    """Work on datasets that do not depend on each other, several at a time; each one's records stay together."""
    workers = min(len(jobs), wanted if isinstance(wanted, int) else os.cpu_count() or 1)
    if workers <= 1:
        for job in jobs:
            yield from job()
        return
    from concurrent.futures import ThreadPoolExecutor  # start-up: most saves are of one dataset

    with ThreadPoolExecutor(workers) as pool:
        for records in pool.map(lambda job: list(job()), jobs):
            yield from records


def _job(
    ds: Dataset,
    paths: set[str] | None,
    top: Dataset,
    how: How,
    since: dict[Path, str],
    merged: set[Path],
) -> Callable[[], Iterator[Record]]:
    def work() -> Iterator[Record]:
        if paths is not None and not paths:
            return
        yield from _save_one(ds, sorted(paths or ()), top, how, since.get(ds.path), merged)

    return work


def _save_one(
    ds: Dataset, paths: Sequence[str], top: Dataset, how: How, since: str | None, merged: set[Path]
) -> Iterator[Record]:
    """Save one dataset, wrap what was committed since the baseline, and tag it: one save record at the end."""
    before = refs.head(ds.repo).commit
    wrap = since is not None and (
        since != before or any(place.parent == ds.path or ds.path in place.parents for place in merged)
    )
    message = how.message
    if wrap and how.inner_message is not None:
        how = how._replace(message=how.inner_message)
    with _looked_at(ds, paths, how) as (changes, suspects):
        healed = list(guard.heal(top, suspects() if how.amend else (), by="something"))
        last = yield from _committed(ds, paths, top, how, None if healed else changes)
        # A commit need not wait for this; what is found, which is hardly ever anything, is saved by itself.
        corrupt = [] if how.amend else suspects()
    healed += guard.heal(top, corrupt, by="something")
    if corrupt and last["status"] in ("ok", "notneeded"):
        named = [os.path.relpath(file, ds.path) for one in corrupt for file in one.paths]
        again = yield from _committed(ds, named, top, how, None)
        last = last if again["status"] == "notneeded" else again
    if wrap and since is not None and last["status"] in ("ok", "notneeded"):
        last = _wrapped(ds, top, since, message)
        merged.add(ds.path)
    yield from _tagged(ds, last, how.version_tag)
    yield from healed


def _committed(
    ds: Dataset, paths: Sequence[str], top: Dataset, how: How, changes: Changes | None
) -> Generator[Record, None, Record]:
    """Commit what changed at some paths, and give the record of the dataset."""
    last: Record = {}
    for record in commit_changes(
        ds,
        paths,
        message=how.message,
        refds=top.path,
        updated=how.updated,
        changes=changes,
        to_git=how.to_git,
        amend=how.amend,
        jobs=how.jobs,
    ):
        if record["action"] == "save" and record.get("type") == "dataset":
            last = record
        else:
            yield record
    return last


@contextmanager
def _looked_at(
    ds: Dataset, paths: Sequence[str], how: How
) -> Iterator[tuple[Changes | None, Callable[[], list[guard.Corrupt]]]]:
    """Begin to look for content that was written into, and find the changes meanwhile; both are for the block."""
    if how.guarded or ds.annex_uuid is None:
        yield None, list
        return
    changes: Changes | None = None
    with guard.suspecting(ds, paths) as suspects:
        with suppress(RookeryError, OSError):  # it is asked again, and fails in its place
            changes = find_changes(ds.repo, paths, updated=how.updated)
        yield changes, suspects


def _wrapped(ds: Dataset, top: Dataset, since: str, message: str | None) -> Record:
    """Make a merge of the baseline with what was committed since, so that the first parents skip the steps."""
    repo = ds.repo
    try:
        while True:
            head = refs.head(repo)
            assert head.commit is not None
            if not refs.is_ancestor(repo, since, head.commit):
                why = f"{since} is not in the history of {head.branch or head.commit}"
                return save_record(ds, top.path, "error", message=why)
            last = commits.read_commit(repo, head.commit)
            text = commits.clean_message(message or DEFAULT_MESSAGE)
            sign = ds.config.getbool("commit.gpgsign")
            made = commits.commit_tree(repo, last.tree, [since, head.commit], text, sign=sign)
            try:
                refs.update(
                    repo, head.ref, made, head.commit, message=f"commit (merge): {text.splitlines()[0]}"
                )
            except LostRaceError:
                continue
            return save_record(ds, top.path, "ok", commit=made)
    except RookeryError as e:
        return save_record(ds, top.path, "error", message=str(e), exception=e)


def _tagged(ds: Dataset, saved: Record, tag: str | None) -> Iterator[Record]:
    if tag is None or saved["status"] not in ("ok", "notneeded"):
        yield saved
        return
    try:
        ds.repo.run("tag", "--", tag)
    except CommandError as e:
        if saved["status"] == "ok":
            yield saved
        yield {**saved, "status": "error", "message": ("cannot tag this version: %s", e.stderr.strip())}
        return
    yield {**saved, "status": "ok", "version_tag": tag}


def _baselines(top: Dataset, plan: Plan, since: str) -> dict[Path, str]:
    """Find for each dataset the commit to compare with: what the one above recorded at its own baseline."""
    commit = refs.resolve(top.repo, since)
    if commit is None:
        raise RookeryError(
            f"there is no commit {since!r} in {top.path}", hints=["see the history: git log --oneline"]
        )
    found = {top.path: commit}
    for path in sorted(plan.targets):
        above = find_root(path.parent) if path != top.path else None
        if above is None or above not in found:
            continue
        relative = str(path.relative_to(above))
        for entry in trees.ls_tree(Dataset(above, top.ctx).repo, found[above], [relative]):
            if entry.path == relative and entry.mode == modes.GITLINK:
                found[path] = entry.sha
    return found
