"""What the hub keeps, as values: accounts, repositories, tokens, keys.  Times are seconds since 1970."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from rookery.hub.domain.access import Level, Scope, Visibility
from rookery.hub.domain.names import OwnerName, RepositoryName, RepositoryPath


class Kind(StrEnum):
    """What owns repositories."""

    PERSON = "person"
    ORGANISATION = "organisation"


class Account(NamedTuple):
    """Who owns repositories: a person, or an organisation, which nobody signs in as."""

    id: int
    name: OwnerName
    kind: Kind
    email: str | None
    full_name: str
    admin: bool
    active: bool
    quota: int | None  # bytes of content in all repositories together; None: the hub's setting
    created: float


class Repository(NamedTuple):
    """A repository; `id` names it on disk, `uuid` is its annex's."""

    id: int
    owner_id: int
    owner: OwnerName
    name: RepositoryName
    uuid: str
    visibility: Visibility
    description: str
    default_branch: str
    drop_level: Level
    archived: bool
    keep_last: bool  # refuse to drop content that no other place is known to have
    quota: int | None
    created: float
    updated: float

    @property
    def path(self) -> RepositoryPath:
        """Where it is for people."""
        return RepositoryPath(self.owner, self.name)


class Token(NamedTuple):
    """A token, without its secret, which nobody has but who was given it; `hint` is its first letters."""

    id: int
    account: int
    name: str
    hint: str
    scopes: frozenset[Scope]
    repositories: frozenset[int] | None
    append_only: bool
    created: float
    expires: float | None
    used: float | None


class PublicKey(NamedTuple):
    """An SSH key: of an account, or (a deploy key) of one repository, at `level`."""

    id: int
    account: int | None
    repository: int | None
    title: str
    line: str  # as in authorized_keys, without the comment
    fingerprint: str  # SHA256:..., without padding
    level: Level
    append_only: bool
    created: float
    used: float | None


class Session(NamedTuple):
    """A person signed in with a browser; `csrf` must come back with each form."""

    account: int
    csrf: str
    expires: float


class Content(NamedTuple):
    """A key whose content a repository has."""

    key: str
    size: int
    stored: float


class Event(NamedTuple):
    """A line of the audit log: who did, or tried, what."""

    at: float
    actor: str
    via: str
    address: str
    action: str
    subject: str
    outcome: str
