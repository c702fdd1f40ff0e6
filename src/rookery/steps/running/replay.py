"""Repeating recorded runs: at the current commit, or on another base with the history in between.

Commits that were repeated get new names; a map from old to new keeps the shape
of the history.  The branch that was current is moved only forward: a repetition
never takes commits away from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from rookery.core.context import Context
from rookery.core.errors import CommandError
from rookery.core.log import get_log
from rookery.core.results import result
from rookery.dataset.model import Dataset
from rookery.git import commits, refs, worktree
from rookery.steps.running.recorded import Step

log = get_log("rookery.run")

Record = dict[str, Any]
RunAgain = Callable[[Step], Iterator[Record]]

NOTHING_RUN = "no run commit in the given revision range could be re-executed in this dataset"


class Replay:
    """One repetition of some steps.  `again` repeats the command of a step and yields its records."""

    def __init__(self, ctx: Context, ds: Dataset, again: RunAgain) -> None:
        self.ctx = ctx
        self.ds = ds
        self.repo = ds.repo
        self._again = again
        head = refs.head(self.repo)
        assert head.commit is not None
        self._branch = head.branch
        self._fresh_branch = False
        self._head = self._onto = self._start = head.commit
        self._new: dict[str, str] = {}
        self._ran = False

    def check_out(self, commit: str, branch: str | None) -> None:
        """Begin at another commit, on a new branch or on none."""
        log.info("checkout commit %s;", commit[:7])
        worktree.checkout(self.repo, commit, create=branch, detach=branch is None)
        self._branch, self._fresh_branch = branch, True
        self._head = self._onto = commit

    def run(self, steps: Iterable[Step]) -> Iterator[Record]:
        """Repeat all steps in order."""
        any_run = False
        try:
            for step in steps:
                log.info("%s", step.announcement())
                any_run = any_run or step.run is not None
                yield from self._step(step)
                self._note(step)
        except CommandError as e:
            yield self._problem(e)
        finally:
            self._restore_branch()
        if any_run and not self._ran:
            yield result("run", self.ds.path, "impossible", type="dataset", message=NOTHING_RUN)

    def _problem(self, error: CommandError) -> Record:
        why = f"the history could not be repeated: {error.message}"
        hints = ["the work tree is as Git left it; see `git status`"]
        return result("run", self.ds.path, "error", type="dataset", message=why, exception=error, hints=hints)

    def _note(self, step: Step) -> None:
        """Remember by which commit a step's own was replaced."""
        now = refs.head(self.repo).commit or self._head
        if now not in (self._head, step.commit.sha):
            self._new[step.commit.sha] = now
        self._head = now

    def _step(self, step: Step) -> Iterator[Record]:
        if not step.commit.parents or step.inside:
            yield step.settled(self.ds, "skip")
        elif step.action == "merge":
            self._merge(step)
            yield step.record(self.ds)
        elif step.action == "run":
            self._go_to_base(step)
            self._ran = True
            yield from self._again(step)
        else:
            yield from self._skip_or_pick(step)

    def _go_to(self, commit: str) -> None:
        if commit != self._head:
            worktree.checkout(self.repo, commit, detach=True)
            self._head = commit

    def _go_to_base(self, step: Step) -> None:
        """Stand where the step's first parent is now; what has no new place yet is repeated where we stand."""
        parent = step.commit.parents[0]
        base = self._new.get(parent)
        if base is not None:
            self._go_to(base)
        elif parent != self._head and refs.is_ancestor(self.repo, self._onto, parent):
            self._go_to(parent)
        elif parent != self._head:
            self._new[parent] = self._head

    def _skip_or_pick(self, step: Step) -> Iterator[Record]:
        parent = step.commit.parents[0]
        base = self._new.get(parent)
        if base is None and parent != self._head:
            if refs.is_ancestor(self.repo, self._onto, parent):
                yield step.settled(self.ds, "skip")
                return
            self._new[parent] = self._head
        if refs.is_ancestor(self.repo, step.commit.sha, base or self._head):
            yield step.settled(self.ds, "skip")
            return
        if base is not None:
            self._go_to(base)
        self._pick(step.commit.sha)
        yield step.settled(self.ds, "pick")

    def _pick(self, sha: str) -> None:
        try:
            self.repo.run("cherry-pick", "--allow-empty", "--keep-redundant-commits", sha)
        except CommandError:
            self.repo.run("cherry-pick", "--abort", ok=None)
            raise

    def _merge(self, step: Step) -> None:
        """Merge again what was merged, if any side of it was repeated."""
        sha, old = step.commit.sha, list(step.commit.parents)
        new = [self._new.get(parent, parent) for parent in old]
        if new == old:
            if not refs.is_ancestor(self.repo, sha, self._head):
                self._go_to(sha)
            return
        if refs.is_ancestor(self.repo, sha, self._onto):
            new = [parent for parent in new if not refs.is_ancestor(self.repo, parent, self._onto)]
        if not new:
            return
        self._go_to(new[0])
        others = [parent for parent in new[1:] if not refs.is_ancestor(self.repo, parent, new[0])]
        if others:
            self._join(others, step)
            self._new[sha] = refs.head(self.repo).commit or self._head

    def _join(self, others: list[str], step: Step) -> None:
        try:
            argv = ["merge", "--no-ff", "--allow-unrelated-histories", "-m", step.commit.message]
            self.repo.run(*argv, *others)
        except CommandError:
            worktree.abort_merge(self.repo)
            raise

    def _restore_branch(self) -> None:
        """Put the branch that was current to where we are, and stand on it again."""
        now = refs.head(self.repo)
        if self._branch is None or now.branch == self._branch or now.commit is None:
            return
        ref = refs.HEADS + self._branch
        tip = refs.resolve(self.repo, ref)
        if tip is not None and not self._fresh_branch and not refs.is_ancestor(self.repo, tip, now.commit):
            log.warning(
                "branch %s stays at %s: what was repeated is not on top of it. It is at %s; to keep it: "
                "git branch NAME %s",
                self._branch,
                tip[:7],
                now.commit[:7],
                now.commit[:7],
            )
            return
        refs.update(self.repo, ref, now.commit, tip, message="rerun: commands repeated")
        worktree.checkout(self.repo, self._branch)


def author_and_date(commit: commits.Commit) -> tuple[str, str]:
    """Give a commit's author and its date as ISO 8601 says."""
    import datetime  # start-up: reports only

    seconds, zone = commit.author.date.split()
    offset = datetime.timedelta(hours=int(zone[:3]), minutes=int(zone[0] + zone[3:]))
    moment = datetime.datetime.fromtimestamp(int(seconds), datetime.timezone(offset))
    return commit.author.name, moment.isoformat()
