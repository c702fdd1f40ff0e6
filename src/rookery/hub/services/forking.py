"""Forks: a repository with the history and the content of another one, of which nothing is stored twice.

A fork is made in steps, each of which can be done again: its row, its history,
its content part by part, what its location log says.  How far it is stands in
the database, and the hub goes on with those that a crash left unfinished.
"""

from __future__ import annotations

import uuid as uuids
from collections.abc import Callable

from rookery.annex.branch_writing import NotForUs, record_presence
from rookery.core.errors import RookeryError
from rookery.core.log import get_log
from rookery.hub.domain.access import Action, Actor, Scope
from rookery.hub.domain.errors import BadName, NotFound
from rookery.hub.domain.hooks import HookEvent
from rookery.hub.domain.names import OwnerName, repository_name
from rookery.hub.domain.ports.database import Database
from rookery.hub.domain.ports.histories import Histories
from rookery.hub.domain.records import Repository
from rookery.hub.services import payloads
from rookery.hub.services.auditing import note
from rookery.hub.services.committing import committing
from rookery.hub.services.gate import Gate, Where
from rookery.hub.services.sharing import Sharing
from rookery.hub.services.telling import Telling

log = get_log("rookery.hub")

A_PAGE = 1000


class ForkService:
    """Makes forks of what may be read."""

    def __init__(
        self,
        database: Database,
        histories: Histories,
        sharing: Sharing,
        gate: Gate,
        telling: Telling,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._histories = histories
        self._sharing = sharing
        self._gate = gate
        self._telling = telling
        self._clock = clock

    def fork(
        self, actor: Actor, where: Where, *, owner: OwnerName | None = None, name: str = ""
    ) -> Repository:
        """Make a fork, of one's own unless `owner` is an organisation; who sees it is as in the repository.

        All content that is there is shared.  Raises NotFound, Forbidden, BadName, Conflict.
        """
        now = self._clock()
        with self._database.writing() as work:
            parent = self._gate.within(work, actor, where, Action.READ).repository
            person = self._gate.account(work, actor, Scope.WRITE_REPOSITORY)
            account = person if owner is None else work.accounts.by_name(owner)
            if account is None:
                raise NotFound(f"there is no account {owner}")
            self._gate.owner(work, actor, account, Scope.WRITE_REPOSITORY)
            named = repository_name(name or parent.name)
            if account.id == parent.owner_id and named.lower() == parent.name.lower():
                raise BadName("a fork beside its origin needs another name")
            made = work.repositories.add(
                account.id,
                named,
                uuid=str(uuids.uuid4()),
                visibility=parent.visibility,
                description=parent.description,
                default_branch=parent.default_branch,
                now=now,
            )
            work.forks.add(made.id, parent.id)
            self._histories.create(made.id, uuid=made.uuid, default_branch=parent.default_branch)
            note(work, actor, "fork", str(parent.path), str(made.path), now)
            self._telling.happened(work, actor.name, parent, "forked", f"to {made.path}")
            home = self._telling.home
            self._telling.hooks(
                work, parent, HookEvent.FORK, lambda: payloads.fork(made, parent, actor.name, home)
            )
        self._fill(made.id, parent.id, actor.name)
        return made

    def go_on(self) -> None:
        """Finish those that were left unfinished.  What goes wrong with one is logged."""
        with self._database.reading() as work:
            waiting = work.forks.unfinished()
        for repository, parent in waiting:
            try:
                self._fill(repository, parent, "hub")
            except (OSError, RookeryError) as e:
                log.warning("the fork %s of %s cannot be finished: %s", repository, parent, e)

    def _fill(self, repository: int, parent: int, who: str) -> None:
        self._histories.fork(parent, repository)
        with self._database.reading() as work:
            after = work.forks.progress(repository)
        while after is not None:
            with self._database.reading() as work:
                keys = [one.key for one in work.contents.keys(parent, after=after, limit=A_PAGE)]
            self._sharing.share(keys, parent, repository)
            after = keys[-1] if len(keys) == A_PAGE else None
            if after is None:
                self._record(repository, who)  # before it counts as done: to say it twice does no harm
            with self._database.writing() as work:
                work.forks.set_progress(repository, after)

    def _record(self, number: int, who: str) -> None:
        """Say in the fork's location logs that its own annex has the content, or clones would not look there."""
        with self._database.reading() as work:
            repository = work.repositories.by_id(number)
            if repository is None:
                return
            keys, after = [], ""
            while page := work.contents.keys(number, after=after, limit=A_PAGE):
                keys += [one.key for one in page]
                after = page[-1].key
        repo = committing(self._histories.open(number), who)
        try:
            record_presence(repo, ((key, repository.uuid, True) for key in keys), now=self._clock())
        except NotForUs as e:
            log.info("%s: its location logs do not tell of the fork: %s", repository.path, e)

    # --- who is whose --------------------------------------------------------------------------------

    def parent(self, actor: Actor, repository: Repository) -> Repository | None:
        """Give what a repository was forked from, if whoever asks may read that."""
        with self._database.reading() as work:
            number = work.forks.parent(repository.id)
            found = None if number is None else work.repositories.by_id(number)
        return found if found is not None and Action.READ in self._gate.may(actor, found) else None

    def is_fork(self, repository: Repository) -> bool:
        """Say whether a repository is a fork of one that is still there."""
        with self._database.reading() as work:
            return work.forks.parent(repository.id) is not None

    def forks(self, actor: Actor, where: Where) -> list[Repository]:
        """Give the forks of a repository that whoever asks may read, oldest first."""
        with self._database.reading() as work:
            parent = self._gate.within(work, actor, where, Action.READ).repository
            found = [work.repositories.by_id(number) for number in work.forks.of(parent.id)]
        return [one for one in found if one is not None and Action.READ in self._gate.may(actor, one)]
