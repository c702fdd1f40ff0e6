"""Repositories as they are kept, and who has which level in them."""

from __future__ import annotations

from typing import Protocol

from rookery.hub.domain.access import Level, Visibility
from rookery.hub.domain.names import RepositoryPath
from rookery.hub.domain.records import Account, Repository


class Repositories(Protocol):
    """All repositories of the hub.  Names are told apart without regard to case, as many clients' file systems do."""

    def by_id(self, number: int, /) -> Repository | None:
        """Give one by its number."""

    def by_path(self, path: RepositoryPath) -> Repository | None:
        """Give one by its present name, else by a name that it had and nobody has taken since."""

    def by_uuid(self, uuid: str) -> Repository | None:
        """Give one by the uuid of its annex."""

    def of_owner(self, owner: int) -> list[Repository]:
        """Give an account's, in the order of their names."""

    def found(
        self,
        person: int | None,
        /,
        *,
        everything: bool,
        text: str = "",
        owner: int | None = None,
        before: tuple[float, int] | None = None,
        limit: int = 50,
    ) -> list[Repository]:
        """Give those that somebody (None: a stranger) sees in lists, changed last first.

        `text` must be in the name, the owner or the description; `owner` is whose they are;
        `everything` leaves out whose business it is; `before` (time of change, id) is the last one of the page before.
        """

    def add(
        self,
        owner: int,
        name: str,
        *,
        uuid: str,
        visibility: Visibility,
        description: str,
        default_branch: str,
        now: float,
    ) -> Repository:
        """Make one.  Raises Conflict if its owner has one of that name."""

    def change(
        self,
        number: int,
        /,
        *,
        name: str | None = None,
        visibility: Visibility | None = None,
        description: str | None = None,
        default_branch: str | None = None,
        drop_level: Level | None = None,
        archived: bool | None = None,
        keep_last: bool | None = None,
        updated: float | None = None,
    ) -> None:
        """Change what is given; a former name goes on to lead here.  Raises Conflict if the name is taken."""

    def set_quota(self, number: int, quota: int | None, /) -> None:
        """Give a quota of its own; None: the hub's."""

    def transfer(self, number: int, owner: int, /) -> None:
        """Give one to another owner: the old owner's teams have it no longer, its former address leads here.

        Raises Conflict if the new owner has one of that name.
        """

    def remove(self, number: int, /) -> None:
        """Forget one, with all that belongs to it."""

    def level(self, where: Repository, person: int, /) -> Level:
        """Give an account's level: as owner, as collaborator, by teams; the highest counts."""

    def collaborators(self, number: int, /) -> list[tuple[Account, Level]]:
        """Give those who were invited, in the order of their names."""

    def set_collaborator(self, number: int, person: int, level: Level, /) -> None:
        """Invite somebody, or change their level; NONE takes the invitation back."""
