"""What follows a push: pull requests that move on, webhooks, and a line on the page of activity."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from urllib.parse import quote

from rookery.core.errors import CommandError, RookeryError
from rookery.git import commits, refs
from rookery.git.repo import Repo
from rookery.hub.domain.access import Actor
from rookery.hub.domain.hooks import HookEvent
from rookery.hub.domain.ports.database import Database
from rookery.hub.domain.ports.histories import Histories
from rookery.hub.domain.records import Repository
from rookery.hub.services import payloads
from rookery.hub.services.pulls import PullService
from rookery.hub.services.telling import Telling

Moves = Mapping[str, tuple[str, str]]
"""Refs that were moved, from where ("" for new ones) to where ("" for those that are gone)."""

# So many commits are told of one push.
MOST_COMMITS = 20

# They go along with the others, and say nothing to people.
_QUIET = re.compile(r"refs/heads/(?:git-annex|synced/.*)|refs/(?!heads/|tags/).*")


def snapshot(repo: Repo) -> dict[str, str]:
    """Give where all branches and tags are."""
    return {ref.name: ref.sha for ref in refs.for_each_ref(repo, "refs/heads", "refs/tags")}


def moves(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Give what differs between two snapshots."""
    names = sorted(before.keys() | after.keys())
    pairs = {name: (before.get(name, ""), after.get(name, "")) for name in names}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


class Pushes:
    """Sees to what follows a push."""

    def __init__(
        self,
        database: Database,
        histories: Histories,
        pulls: PullService,
        telling: Telling,
        complain: Callable[[str], None],
    ) -> None:
        self._database = database
        self._histories = histories
        self._pulls = pulls
        self._telling = telling
        self._complain = complain

    def moved(self, actor: Actor, repository: Repository, moved: Moves) -> None:
        """See to all of it.  The push itself stands: what goes wrong here is complained of and does not undo it."""
        if not moved:
            return
        try:
            self._tell(actor, repository, moved)
            heads = {
                name.removeprefix(refs.HEADS): new
                for name, (_, new) in moved.items()
                if name.startswith(refs.HEADS)
            }
            self._pulls.pushed(actor, repository, heads)
        except RookeryError as e:
            self._complain(f"{repository.path}: what should follow a push went wrong: {e}")

    def _tell(self, actor: Actor, repository: Repository, moved: Moves) -> None:
        repo = self._histories.open(repository.id)
        for name, (old, new) in moved.items():
            if _QUIET.fullmatch(name):
                continue
            short = name.removeprefix(refs.HEADS).removeprefix("refs/")
            came = _commits(repo, old, new)
            action = "removed" if not new else "pushed to" if old else "created"
            link = f"/src/{quote(short)}" if new and name.startswith(refs.HEADS) else ""
            told = short + (f": {came[0].subject}" if came and new else "")
            with self._database.writing() as work:
                if work.repositories.by_id(repository.id) is None:
                    return
                self._telling.happened(work, actor.name, repository, action, told, link)
                make = partial(
                    payloads.push, name, old, new, came, repository, actor.name, self._telling.home
                )
                self._telling.hooks(work, repository, HookEvent.PUSH, make)


def _commits(repo: Repo, old: str, new: str) -> list[commits.Commit]:
    if not new or refs.resolve(repo, new) is None:
        return []
    try:
        return list(commits.log(repo, f"{old}..{new}" if old else new, options=[f"-n{MOST_COMMITS}"]))
    except CommandError:
        return []  # what was there before is gone, or is no commit
