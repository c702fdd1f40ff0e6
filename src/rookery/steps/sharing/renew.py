"""Updating one dataset from a sibling: fetch, find what to go to, and go there the way that was asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rookery.annex import identity, program
from rookery.annex.branch_merging import merge_fetched
from rookery.annex.files import index_files
from rookery.annex.identity import Adjusted, parse_adjusted
from rookery.annex.remotes import Remote
from rookery.core.errors import CommandError
from rookery.core.log import get_log
from rookery.core.results import failed, result
from rookery.dataset.model import Dataset
from rookery.git import refs, remotes, worktree
from rookery.git.meter import Meter
from rookery.git.repo import Repo
from rookery.git.status import status
from rookery.git.words import on_one_line
from rookery.steps.obtaining.obtain import obtain
from rookery.steps.sharing import merge as merging
from rookery.steps.sharing.outlook import first_there, foretold, look, news_of
from rookery.steps.sharing.targets import meant, siblings_of

log = get_log("rookery.update")

Record = dict[str, Any]

How = Literal["fetch", "merge", "ff-only", "reset", "checkout"]

# The option of `git annex adjust` that makes a branch of that name again.
ADJUSTMENTS = {
    "unlocked": "--unlock",
    "locked": "--lock",
    "fixed": "--fix",
    "hidemissing": "--hide-missing",
    "unlockpresent": "--unlock-present",
}


class Wish(NamedTuple):
    """What an update is asked to do, the same for every dataset."""

    refds: Path
    sibling: str | None = None
    how: How | None = None
    how_below: How | None = None
    follow: Literal["sibling", "parentds", "parentds-lazy"] = "sibling"
    reobtain: bool = False
    dry_run: bool = False


class Renewal:
    """One dataset and its update.  `registered` is the commit that its parent has of it, None for the top one."""

    def __init__(self, dataset: Dataset, registered: str | None, wish: Wish) -> None:
        self.dataset = dataset
        self.repo: Repo = dataset.repo
        self.registered = registered
        self.wish = wish
        self.how = wish.how if registered is None else wish.how_below
        self.follows_parent = registered is not None and wish.follow != "sibling"
        self.lazy = registered is not None and wish.follow == "parentds-lazy"
        self.annexed = identity.is_annex(self.repo)
        self.branch = refs.head(self.repo).branch
        self.tracked = False

    def run(self) -> Iterator[Record]:
        """Do it, and yield what became of it; the last record is that of the whole update."""
        if self.lazy and self._corresponding_commit() == self.registered:
            message = ("Dataset already at commit registered in parent: %s", str(self.dataset.path))
            yield self._record("notneeded", message)
            return
        known = {name: one for name, one in siblings_of(self.dataset).items() if one.url is not None}
        sibling, trouble = self._choose(list(known))
        if trouble is not None:
            yield trouble
            return
        if self.wish.dry_run:
            yield from self._foretell(sibling, known)
            return
        log.info("Fetching updates for %s", f"Dataset({self.dataset.path})")
        if not (self.lazy and self._has(self.registered)):
            trouble = self._fetch([sibling] if self.wish.sibling and sibling else list(known))
        trouble = trouble or self._fetch_registered(sibling)
        if trouble is not None:
            yield trouble
        elif self.how is None:
            yield self._record("ok")
        else:
            yield from self._bring(sibling)

    def _record(self, status: Any, message: Any = None, *, action: str = "update", **more: Any) -> Record:
        said: dict[str, Any] = {"type": "dataset", "refds": self.wish.refds, **more}
        return result(action, self.dataset.path, status, message=message, **said)

    # where from

    def _choose(self, known: Sequence[str]) -> tuple[str | None, Record | None]:
        """Choose the sibling, or say why none can be chosen; None is fine where news are only fetched."""
        wanted = self.wish.sibling
        if not known and not wanted:
            message = f"No siblings known to dataset at {self.dataset.path}\nSkipping"
            return None, self._record("notneeded", message)
        if wanted is None:
            wanted = known[0] if len(known) == 1 else self._followed()
            self.tracked = wanted is not None and len(known) > 1
        if wanted is not None and wanted not in known:
            message = f"'{wanted}' not known to dataset {self.dataset.path}\nSkipping"
            return None, self._record("impossible", message, hints=_known(known))
        if wanted is None and self.how is not None:
            message = "Multiple siblings, please specify from which to update."
            return None, self._record("impossible", message, hints=_known(known))
        return wanted, None

    def _followed(self) -> str | None:
        """Give the remote that the current branch follows."""
        if self.branch is None:
            return None
        found = self.dataset.config.get(f"branch.{meant(self.branch)}.remote")
        return None if found in (None, ".") else str(found)

    def _fetch(self, names: Sequence[str | None]) -> Record | None:
        """Fetch from each sibling; the failures come back in one record, all others were fetched."""
        failures: list[tuple[str, CommandError]] = []
        for name in filter(None, names):
            meter = Meter(self.dataset.ctx.progress, f"fetch {self.dataset.path}", f"Fetch from {name}")
            try:
                # Submodules that are gone at the sibling would fail it; what is gone there is gone here.
                options = ["--no-recurse-submodules", "--prune"]
                remotes.fetch(self.repo, name, options=options, on_progress=meter)
            except CommandError as e:
                failures.append((name, e))
            finally:
                meter.finish()
        if not failures:
            return None
        why = "; ".join(f"{name}: {on_one_line(e)}" for name, e in failures)
        return self._record(
            "error",
            ("Fetch failed: %s", why),
            exception=failures[0][1],
            hints=[f"Check where it is: rookery siblings query -s {name}" for name, _ in failures],
        )

    def _fetch_registered(self, sibling: str | None) -> Record | None:
        """Make sure that the commit registered in the parent is here, if that is where to go."""
        if not self.follows_parent or self._has(self.registered):
            return None
        if sibling is None:
            need = ("Need to fetch %s directly but single sibling not resolved", self.registered)
            return self._record("impossible", need)
        try:
            remotes.fetch(self.repo, sibling, [str(self.registered)], options=["--recurse-submodules=no"])
        except CommandError as e:
            why = on_one_line(e)
            message = ("Attempt to fetch %s from %s failed: %s", self.registered, sibling, why)
            hint = f"Push the subdataset to {sibling} from where that commit is, then update again."
            return self._record("impossible", message, exception=e, hints=hint)
        return None

    def _has(self, commit: str | None) -> bool:
        return commit is not None and refs.resolve(self.repo, commit) is not None

    def _corresponding_commit(self) -> str | None:
        head = refs.head(self.repo)
        if head.branch is None or meant(head.branch) == head.branch:
            return head.commit
        return refs.resolve(self.repo, refs.HEADS + meant(head.branch))

    def _target(self, sibling: str | None) -> str | None:
        """Give what to go to: the parent's commit, or the sibling's branch, by a name that people know."""
        if self.follows_parent:
            return self.registered
        if self.branch is None or sibling is None:
            return None
        found = first_there(
            self.repo, remotes.tracking_ref(sibling, ""), self._branches(self.branch, sibling)
        )
        return f"{sibling}/{found}" if found else None

    def _branches(self, branch: str, sibling: str) -> list[str]:
        """Give the sibling's branches that may be meant, the best first."""
        name = meant(branch)
        config = self.dataset.config
        upstream = None
        if config.get(f"branch.{name}.remote") == sibling and (ref := config.get(f"branch.{name}.merge")):
            upstream = str(ref).removeprefix(refs.HEADS)
        # The followed branch first where it made us choose the sibling, else the one of the same name.
        order = (upstream, name) if self.tracked else (name, upstream)
        return [one for one in order if one]

    # how

    def _bring(self, sibling: str | None) -> Iterator[Record]:
        adjusted = parse_adjusted(self.branch) if self.branch else None
        if adjusted and self.how not in ("merge", "reset"):
            message = ("Updating via '%s' is incompatible with adjusted branches", self.how)
            yield self._record("impossible", message)
            return
        target = self._target(sibling)
        syncs = adjusted is not None and self.how == "merge" and not self.follows_parent
        if target is None and not syncs:
            yield self._record(
                "impossible", "Could not determine update target", hints=self._why_no_target(sibling)
            )
            return
        if syncs:
            steps = self._annex_sync(str(sibling))
        elif adjusted and self.how == "merge":
            steps = self._annex_merge(str(target))
        elif adjusted:
            steps = self._reset_adjusted(str(target), adjusted)
        else:
            ways = {
                "merge": self._merge,
                "ff-only": self._merge,
                "reset": self._reset,
                "checkout": self._checkout,
            }
            steps = ways[str(self.how)](str(target))
        well = True
        for record in self._reobtaining(steps):
            well = well and not (failed(record) and record["action"].startswith(("merge", "update.")))
            yield record
        yield (
            self._record("ok") if well else self._record("error", ("Update of %s failed", target or sibling))
        )

    def _merge(self, target: str) -> Iterator[Record]:
        yield self._merged(target)
        if self.annexed:
            yield self._annex_merged()

    def _merged(self, target: str) -> Record:
        if worktree.merge_heads(self.repo):
            left = merging.conflicts_of(self.repo)
            message = "An earlier merge is still open" + (
                f", with conflicts in: {', '.join(left)}" if left else ""
            )
            hints = list(merging.advice(left))
            return self._record("error", message, action="merge", hints=hints, conflicts=list(left))
        options = ["--ff-only"] if self.how == "ff-only" else []
        try:
            joined = merging.join(self.dataset, target, options=options)
        except CommandError as e:
            return self._failed("merge", target, e, hints=_why_no_merge(e, target))
        if joined.conflicts:
            return merging.conflict_record(self.dataset, target, joined, self.wish.refds)
        settled = list(joined.settled) or None
        return self._record("ok", ("Merged %s", target), action="merge", settled=settled)

    def _annex_merged(self) -> Record:
        said = "Merged annex branch"
        try:
            # git-annex also joins what its `sync` has left in `synced/`: it would touch the files of an open merge.
            synced = self.branch and refs.resolve(self.repo, f"{refs.HEADS}synced/{meant(self.branch)}")
            if worktree.merge_heads(self.repo) or not synced:
                merge_fetched(self.repo, clock=self.dataset.ctx.clock)
            else:
                program.run(self.repo, "merge")
        except CommandError as e:
            return self._failed("update.annex_merge", "git-annex", e)
        return self._record("ok", said, action="update.annex_merge")

    def _failed(self, action: str, target: str, error: CommandError, *, hints: Any = None) -> Record:
        message = ("Update to %s failed: %s", target, on_one_line(error))
        return self._record("error", message, action=action, exception=error, hints=hints)

    def _reset(self, target: str) -> Iterator[Record]:
        if self._dirty():
            yield self._dirty_record()
            return
        try:
            worktree.reset(self.repo, target, mode="hard")
        except CommandError as e:
            yield self._failed("update.reset", target, e)
            return
        yield self._record("ok", ("Reset to %s", target), action="update.reset")

    def _dirty(self) -> bool:
        return any(True for _ in status(self.repo, ignore_submodules="dirty"))

    def _dirty_record(self) -> Record:
        hint = "Save or remove what changed first; `rookery status` shows it."
        return self._record(
            "error", "Refusing to reset dirty working tree", action="update.reset", hints=hint
        )

    def _checkout(self, target: str) -> Iterator[Record]:
        try:
            worktree.checkout(self.repo, target, detach=True)
        except CommandError as e:
            yield self._failed("update.checkout", target, e)
            return
        yield self._record("ok", ("Checkout %s", target), action="update.checkout")

    # adjusted branches are git-annex's affair

    def _annex_sync(self, sibling: str) -> Iterator[Record]:
        action = "update.annex_sync"
        try:
            program.run(self.repo, "sync", "--no-push", "--pull", "--no-commit", "--no-content", sibling)
        except CommandError as e:
            yield self._failed(action, sibling, e)
            return
        yield self._record("ok", "Ran git-annex-sync", action=action)

    def _annex_merge(self, target: str) -> Iterator[Record]:
        try:
            program.run(self.repo, "merge", target)
        except CommandError as e:
            yield self._failed("update.annex_merge", target, e)
            return
        yield self._record("ok", ("Merged %s", target), action="update.annex_merge")

    def _reset_adjusted(self, target: str, adjusted: Adjusted) -> Iterator[Record]:
        if self._dirty():
            yield self._dirty_record()
            return
        again = ADJUSTMENTS.get(adjusted.how, "--unlock")
        try:
            worktree.checkout(self.repo, adjusted.original)
            try:
                worktree.reset(self.repo, target, mode="hard")
            finally:  # also after a failure: nobody is to be left on another branch
                program.run(self.repo, "adjust", again, "--force")
        except CommandError as e:
            yield self._failed("update.reset", target, e)
            return
        yield self._record("ok", ("Reset to %s", target), action="update.reset")

    # content

    def _reobtaining(self, steps: Iterator[Record]) -> Iterator[Record]:
        """Get content again of files that had it, where the update has given them another."""
        if not (self.annexed and self.wish.reobtain):
            yield from steps
            return
        log.info("Applying updates to %s", f"Dataset({self.dataset.path})")
        before = {file.path for file in index_files(self.repo) if file.present}
        yield from steps
        gone = [f.path for f in index_files(self.repo) if not f.present and f.path in before]
        there = [path for path in gone if os.path.lexists(self.dataset.path / path)]
        if there:
            log.info("Ensuring content availability for %i previously available files", len(there))
            yield from obtain(self.dataset, there, refds=self.wish.refds)

    def _why_no_target(self, sibling: str | None) -> str:
        if self.branch is None:
            return "No branch is checked out here, so there is none to update: git checkout BRANCH"
        return f"{sibling} has no branch {meant(self.branch)}; the branches that it has: git branch -r"

    # what would be done

    def _foretell(self, sibling: str | None, known: Mapping[str, Remote]) -> Iterator[Record]:
        """Report what an update would bring.  The news are fetched to a place of their own, and forgotten."""
        if self.how is None or sibling is None:
            names = [sibling] if sibling else list(known)
            yield self._record("ok", ("would fetch from %s", ", ".join(names)), action="update [dry-run]")
            return
        try:
            with news_of(self.repo, sibling) as news:
                found = (
                    first_there(self.repo, news, self._branches(self.branch, sibling))
                    if self.branch
                    else None
                )
                commit = self.registered if self.follows_parent else found and news + found
                if commit is None or not self._has(commit):
                    hint = self._why_no_target(sibling)
                    yield self._record("impossible", "Could not determine update target", hints=hint)
                    return
                name = str(self.registered) if self.follows_parent else f"{sibling}/{found}"
                seen = look(self.repo, commit)
                yield from foretold(self.dataset, self.how, name, seen, self.wish.refds)
        except CommandError as e:
            yield self._record(
                "error", ("Fetch failed: %s", on_one_line(e)), action="update [dry-run]", exception=e
            )


def _known(known: Sequence[str]) -> str:
    return (
        f"Known siblings: {', '.join(known)}. Name one with -s." if known else "Add one: rookery siblings add"
    )


def _why_no_merge(error: CommandError, target: str) -> str:
    """Say what to do when Git refuses to begin a merge."""
    if "Not possible to fast-forward" in error.stderr:
        return f"Both this branch and {target} have commits that the other lacks; --how merge joins them."
    if "unrelated histories" in error.stderr:
        return f"{target} shares no history with this dataset; check that it is the right sibling."
    return "Save your changes first (rookery save), or take them out of the way, then update again."
