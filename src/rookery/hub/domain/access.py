"""Who may do what: the whole policy, as one function of values.

    visibility   strangers   signed in   level needed
    public       read        read
    internal     -           read
    unlisted     read        read        (but is listed only to those with a level)
    private      -           -           read

    read         clone, fetch, get content, look at pages; lock content that somebody else drops
    discuss      write issues and comments, propose changes: who reads, with an account
    write        push, put content
    drop         remove content: a right of its own, at `drop_level`, since history can be mended and content cannot
    manage       settings, collaborators, deploy keys (admin)
    own          delete, rename, transfer (owner)

What an actor came with (a token, a deploy key) can only narrow this.
"""

from __future__ import annotations

import re
from enum import Enum, IntEnum, StrEnum
from typing import NamedTuple

from rookery.hub.domain.errors import BadName


class Level(IntEnum):
    """What an account may do in a repository; each includes those before."""

    NONE = 0
    READ = 1
    WRITE = 2
    ADMIN = 3
    OWNER = 4


class Visibility(StrEnum):
    """Who may read a repository without having a level in it."""

    PRIVATE = "private"
    INTERNAL = "internal"
    UNLISTED = "unlisted"
    PUBLIC = "public"


class Action(StrEnum):
    """What can be done with a repository."""

    READ = "read"
    DISCUSS = "discuss"
    STORE = "store"  # put content; history stays as it is
    WRITE = "write"  # push
    DROP = "drop"
    MANAGE = "manage"
    OWN = "own"


class Scope(StrEnum):
    """What a token is good for; the names are those that Gitea's clients send."""

    READ_REPOSITORY = "read:repository"
    WRITE_REPOSITORY = "write:repository"
    READ_USER = "read:user"
    WRITE_USER = "write:user"
    READ_ORGANIZATION = "read:organization"
    WRITE_ORGANIZATION = "write:organization"
    READ_ADMIN = "read:admin"
    WRITE_ADMIN = "write:admin"


ALL_SCOPES = frozenset(Scope)


class Means(NamedTuple):
    """What an actor came with that narrows what they may do: a token's or a deploy key's limits.

    `repositories` of None are all of the account's.
    """

    scopes: frozenset[Scope] = ALL_SCOPES
    repositories: frozenset[int] | None = None
    append_only: bool = False


class Actor(NamedTuple):
    """Who asks.  Strangers have no account; a deploy key has none either, but a level in one repository.

    `via` says how they came, for the audit log: "password", "token", "session", "key 12".
    """

    account: int | None = None
    name: str = ""
    admin: bool = False
    means: Means = Means()
    via: str = "anonymous"
    deploy_level: Level = Level.NONE
    address: str = ""

    @property
    def known(self) -> bool:
        """Say whether we know anything at all of who asks."""
        return self.account is not None or self.deploy_level > Level.NONE


STRANGER = Actor()


class Target(NamedTuple):
    """What the policy has to know of a repository, and of one actor's level in it."""

    repository: int
    visibility: Visibility
    level: Level = Level.NONE
    drop_level: Level = Level.ADMIN
    archived: bool = False


class Decision(Enum):
    """What the gate says."""

    ALLOWED = "allowed"
    FORBIDDEN = "forbidden"  # they may see that it is there
    HIDDEN = "hidden"  # as if it were not there


_NEEDED = {
    Action.READ: Level.READ,
    Action.DISCUSS: Level.READ,
    Action.STORE: Level.WRITE,
    Action.WRITE: Level.WRITE,
    Action.MANAGE: Level.ADMIN,
    Action.OWN: Level.OWNER,
}
_CHANGING = frozenset({Action.DISCUSS, Action.STORE, Action.WRITE, Action.DROP})


def level_of(actor: Actor, target: Target) -> Level:
    """Give the level at which an actor stands in a repository, what they came with left aside."""
    if actor.deploy_level > Level.NONE:
        return actor.deploy_level
    if actor.account is None:
        open_to_all = target.visibility in (Visibility.PUBLIC, Visibility.UNLISTED)
        return Level.READ if open_to_all else Level.NONE
    if actor.admin:
        return Level.OWNER
    seen = target.visibility is not Visibility.PRIVATE
    return max(target.level, Level.READ if seen else Level.NONE)


def allowed(actor: Actor, target: Target, action: Action) -> Decision:
    """Decide.  What may not be read is hidden; a token that names other repositories sees only what strangers see."""
    means = actor.means
    if means.repositories is not None and target.repository not in means.repositories:
        actor, means = STRANGER, Means()
    level = level_of(actor, target)
    if level < Level.READ or not _in_scope(means, Action.READ):
        return Decision.HIDDEN
    needed = max(target.drop_level, Level.WRITE) if action is Action.DROP else _NEEDED[action]
    if level < needed or not _in_scope(means, action):
        return Decision.FORBIDDEN
    if action is Action.DISCUSS and actor.account is None:
        return Decision.FORBIDDEN  # nobody to answer to
    if means.append_only and action not in (Action.READ, Action.DISCUSS, Action.STORE, Action.WRITE):
        return Decision.FORBIDDEN
    if target.archived and action in _CHANGING:
        return Decision.FORBIDDEN
    return Decision.ALLOWED


def _in_scope(means: Means, action: Action) -> bool:
    if action is Action.READ:
        return bool(means.scopes & {Scope.READ_REPOSITORY, Scope.WRITE_REPOSITORY})
    return Scope.WRITE_REPOSITORY in means.scopes


def in_scope(actor: Actor, scope: Scope) -> bool:
    """Say whether what an actor came with is good for this; writing includes reading."""
    wider = Scope(scope.value.replace("read:", "write:"))
    return bool(actor.means.scopes & {scope, wider})


def may_for_account(actor: Actor, scope: Scope) -> bool:
    """Say whether what an actor came with is good for the account itself: its keys, tokens, teams, new repositories.

    A token for some repositories changes nothing of the account, and one that
    only adds can make repositories and nothing else: an SSH key or a team would get around its limits.
    """
    if not in_scope(actor, scope):
        return False
    if scope.value.startswith("read:"):
        return True
    adds = scope is Scope.WRITE_REPOSITORY or not actor.means.append_only
    return actor.means.repositories is None and adds


def listed(visibility: Visibility, level: Level, *, signed_in: bool) -> bool:
    """Say whether a repository is shown in lists and searches."""
    if level > Level.NONE or visibility is Visibility.PUBLIC:
        return True
    return visibility is Visibility.INTERNAL and signed_in


# What Gitea has scopes for and we have not: nothing is there to be allowed.
_ELSEWHERE = re.compile(r"(?:read|write):(?:activitypub|issue|misc|notification|package)")


def parse_scopes(words: list[str]) -> frozenset[Scope]:
    """Read scopes as clients send them; none means all, as in Gogs, whose clients send none.  Raises BadName."""
    if not words or "all" in words:
        return ALL_SCOPES
    known = set(Scope)
    for word in words:
        if word not in known and not _ELSEWHERE.fullmatch(word):
            raise BadName(
                f"{word[:60]!r} is not a scope of a token", hints=["scopes: all " + " ".join(Scope)]
            )
    return frozenset(Scope(word) for word in words if word in known)
