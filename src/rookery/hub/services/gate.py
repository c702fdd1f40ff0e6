"""The gate: the one place that lets somebody at a repository, or says what they are to hear instead.

What is unknown and what may not be read get the same answer.  A face never
decides; it tells the gate who asks, for what, and shows what comes back.
"""

from __future__ import annotations

from typing import NamedTuple

from rookery.hub.domain.access import Action, Actor, Decision, Level, Scope, Target, allowed, may_for_account
from rookery.hub.domain.errors import Forbidden, Hidden, NeedsSignIn, NotFound
from rookery.hub.domain.names import NestedPath, RepositoryPath
from rookery.hub.domain.ports.database import Database, Work
from rookery.hub.domain.records import Account, Repository
from rookery.hub.services.nesting import Nesting

Where = RepositoryPath | NestedPath | str | int
"""A repository by its path, by the path below its superdataset's, by the uuid of its annex, or by its number."""


class Pass(NamedTuple):
    """What the gate gives: a repository in which the actor may do what was asked for.

    Where `append_only` is set nothing may be taken back: no branch moved but forward, none removed.
    """

    repository: Repository
    actor: Actor
    append_only: bool


class Gate:
    """Decides upon what the database says at the moment of the question."""

    def __init__(self, database: Database, nesting: Nesting) -> None:
        self._database = database
        self._nesting = nesting

    def enter(self, actor: Actor, where: Where, action: Action) -> Pass:
        """Let somebody in.  Raises NotFound (Hidden, to strangers), NeedsSignIn and Forbidden."""
        with self._database.reading() as work:
            return self.within(work, actor, where, action)

    def within(self, work: Work, actor: Actor, where: Where, action: Action) -> Pass:
        """The same inside of a transaction, when what is done must stand or fall with the right to do it."""
        repository = self._found(work, actor, where)
        decision = Decision.HIDDEN
        if repository is not None:
            decision = allowed(actor, _target(work, repository, actor), action)
        if repository is None or decision is Decision.HIDDEN:
            raise _unknown(actor, where)
        if decision is Decision.FORBIDDEN:
            if not actor.known:
                raise NeedsSignIn(f"{repository.path}: to {action} needs an account")
            raise Forbidden(
                f"{actor.name} may not {_IN_WORDS.get(action, action)} {repository.path}",
                hints=[_wanting(actor, action, archived=repository.archived)],
            )
        return Pass(repository, actor, actor.means.append_only)

    def _found(self, work: Work, actor: Actor, where: Where) -> Repository | None:
        if isinstance(where, RepositoryPath):
            return work.repositories.by_path(where)
        if isinstance(where, NestedPath):
            top = work.repositories.by_path(where.top)
            return self._nesting.find(work, top, where.below, lambda one: _readable(work, one, actor))
        if isinstance(where, int):
            return work.repositories.by_id(where)
        return work.repositories.by_uuid(where)

    def may(self, actor: Actor, repository: Repository) -> frozenset[Action]:
        """Give all that somebody may do, for a page that shows only what will work."""
        with self._database.reading() as work:
            target = _target(work, repository, actor)
        return frozenset(a for a in Action if allowed(actor, target, a) is Decision.ALLOWED)

    def reads(self, work: Work, repository: Repository, account: Account) -> bool:
        """Say whether a person may read a repository, whatever they will come with."""
        person = Actor(account.id, account.name, account.admin)
        return account.active and _readable(work, repository, person)

    def account(self, work: Work, actor: Actor, scope: Scope) -> Account:
        """Give the account that asks, if what it came with is good for this.  Raises NeedsSignIn, Forbidden."""
        account = None if actor.account is None else work.accounts.by_id(actor.account)
        if account is None or not account.active:
            raise NeedsSignIn("this needs an account", hints=["sign in, or send a token"])
        if not may_for_account(actor, scope):
            raise Forbidden(f"this token is not good for {scope}")
        return account

    def administrator(self, work: Work, actor: Actor, scope: Scope) -> Account:
        """The same for those who run the hub."""
        account = self.account(work, actor, scope)
        if not account.admin:
            raise Forbidden("this is for the hub's administrators")
        return account

    def owner(self, work: Work, actor: Actor, owner: Account, scope: Scope) -> Account:
        """Give the account that asks if it may make repositories for `owner`.  Raises Forbidden."""
        account = self.account(work, actor, scope)
        if account.admin or account.id == owner.id:
            return account
        if work.organisations.level(owner.id, account.id) < Level.ADMIN:
            raise Forbidden(f"{account.name} may not make repositories for {owner.name}")
        return account


def _readable(work: Work, repository: Repository, actor: Actor) -> bool:
    return allowed(actor, _target(work, repository, actor), Action.READ) is Decision.ALLOWED


def _target(work: Work, repository: Repository, actor: Actor) -> Target:
    level = Level.NONE
    if actor.account is not None:
        level = work.repositories.level(repository, actor.account)
    return Target(repository.id, repository.visibility, level, repository.drop_level, repository.archived)


def _unknown(actor: Actor, where: Where) -> NotFound:
    kind = NotFound if actor.known else Hidden
    return kind(f"there is no repository {where}, or it is not shared with you")


# What people would not understand by the word alone.
_IN_WORDS = {
    Action.DROP: "drop content of",
    Action.MANAGE: "change the settings of",
    Action.OWN: "rename, give away or remove",
}


def _wanting(actor: Actor, action: Action, *, archived: bool) -> str:
    if archived:
        return "the repository is archived: nothing in it changes any more"
    if actor.means.append_only:
        return f"this {actor.via.partition(' ')[0]} can only add"
    return {
        Action.DISCUSS: "this token is good for reading alone",
        Action.DROP: "removing content is a right of its own: ask an administrator of the repository",
        Action.MANAGE: "ask an administrator of the repository",
        Action.OWN: "only its owner can",
    }.get(action, "ask an administrator of the repository for the right to write")
