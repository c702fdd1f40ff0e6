"""What a command did to the history while it ran: its own commits, told from everybody else's.

Git writes GIT_REFLOG_ACTION into the reflog with every commit, and so does our
own engine.  A command that we start gets a token of its own there, so the
commits of 16 runs at once in one dataset are not taken for each other's.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rookery.core.config import Config
from rookery.core.process import decode
from rookery.dataset import hierarchy
from rookery.dataset.model import Dataset
from rookery.git import commits, refs, trees
from rookery.git.refs import Head
from rookery.git.repo import Repo
from rookery.git.runrecords import holds_record

ACTION = "GIT_REFLOG_ACTION"
UNDECLARED_SETTING = "datalad.run.dirty-committed"


class Before:
    """Where a dataset and those below it stood before a command."""

    def __init__(self, ds: Dataset, *, explicit: bool) -> None:
        import secrets  # start-up: loaded by everybody who runs something

        self.ds = ds
        self.head = refs.head(ds.repo)
        self._explicit = explicit
        outer = ds.ctx.env.get(ACTION, "")
        # What runs inside another run shows that one's token first.
        self._token = (
            f"{outer + ' ' if outer.startswith('rookery-run') else ''}rookery-run {secrets.token_hex(6)}"
        )
        self._below = {
            one.path: refs.head(one.repo)
            for one in hierarchy.datasets_below(ds, recursive=True, itself=False)
        }
        self._made: bool | None = None

    @property
    def commit(self) -> str | None:
        """The commit that the branch was at."""
        return self.head.commit

    @property
    def environment(self) -> dict[str, str | None]:
        """Give the variables by which the command's commits will be known."""
        return {ACTION: self._token}

    def commits_were_made(self) -> bool:
        """Say whether the command committed on top of what was there, here or in a dataset below."""
        if self._made is None:
            places = [(self.ds.path, self.head), *self._below.items()]
            self._made = self.commit is not None and any(
                self._moved(Dataset(path, self.ds.ctx).repo, head)
                for path, head in places
                if Dataset(path, self.ds.ctx).is_installed()
            )
        return self._made

    def _moved(self, repo: Repo, was: Head) -> bool:
        now = refs.head(repo)
        if was.commit is None or now.commit in (None, was.commit):
            return False
        if self._explicit and not self._own_commits(repo, was):
            return False  # others were at work, and we go on top of theirs
        return refs.is_ancestor(repo, was.commit, str(now.commit))

    def _own_commits(self, repo: Repo, was: Head) -> list[str]:
        """Give the commits of the command, newest first, as the reflog tells them."""
        found = []
        for line in repo.records("log", "-g", "-z", "--format=%H %gs", refs.head(repo).ref, "--"):
            sha, _, said = decode(line).partition(" ")
            if sha == was.commit:
                break
            if said.startswith(self._token):
                found.append(sha)
        return found

    def problem(self, declared: Sequence[Path], config: Config) -> Any:
        """Say why what the command did to the history cannot be recorded; None if it can."""
        now = refs.head(self.ds.repo)
        if now.branch != self.head.branch and now.commit != self.commit and self.head.branch is not None:
            why = (
                "command switched the active branch from %s to %s. Cannot create a merge commit across branches. "
                "To record the run on the new branch, use: rookery save -d %s --since %s"
            )
            return (
                why,
                self.head.branch,
                now.branch,
                str(self.ds.path),
                self.commit,
            )
        if not (self._explicit and declared and self.commits_were_made()):
            return None
        undeclared = self._undeclared(declared)
        if not undeclared or config.get(UNDECLARED_SETTING, "error") == "ignore":
            return None
        why = (
            "command created commits that include files not declared as --output: %s. "
            f"Set config {UNDECLARED_SETTING}=ignore to override"
        )
        return why, undeclared

    def _undeclared(self, declared: Sequence[Path]) -> list[str]:
        """Give files that the command committed without a record of their own (a run inside it has one)."""
        repo = self.ds.repo
        now = refs.head(repo).commit
        line = repo.text("rev-list", "--first-parent", f"{self.commit}..{now}").split()
        own = set(self._own_commits(repo, self.head))
        wanted = trees.Selection([os.path.relpath(path, self.ds.path) for path in declared])
        found: set[str] = set()
        for sha in (sha for sha in line if sha in own):
            commit = commits.read_commit(repo, sha)
            if not holds_record(commit.message):
                changed = trees.diff_trees(repo, commit.parents[0] if commit.parents else None, sha)
                found.update(d.path for d in changed if d.path not in wanted)
        return sorted(found)
