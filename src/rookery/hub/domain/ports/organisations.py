"""Organisations: teams of people with a level in some of its repositories, or in all."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from rookery.hub.domain.access import Level
from rookery.hub.domain.records import Account


class Team(NamedTuple):
    """Some people of an organisation.  Those of OWNER level run it."""

    id: int
    organisation: int
    name: str
    level: Level
    all_repositories: bool


class Organisations(Protocol):
    """Teams, their people and their repositories."""

    def of_person(self, account_id: int, /) -> list[Account]:
        """Give the organisations that somebody is in, in the order of their names."""

    def level(self, organisation: int, account_id: int, /) -> Level:
        """Give the highest level that somebody has by a team of an organisation."""

    def teams(self, organisation: int) -> list[Team]:
        """Give the teams, in the order of their names."""

    def team(self, number: int, /) -> Team | None:
        """Give one by its number."""

    def add_team(self, organisation: int, name: str, level: Level, *, all_repositories: bool) -> Team:
        """Make one.  Raises Conflict if there is one of that name."""

    def members(self, number: int, /) -> list[Account]:
        """Give the people of a team, in the order of their names."""

    def set_member(self, number: int, account_id: int, /, *, inside: bool) -> None:
        """Take somebody into a team, or out of it."""

    def set_repository(self, number: int, repository: int, /, *, inside: bool) -> None:
        """Give a repository of the organisation to a team, or take it away."""
