"""Teams in the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select

from rookery.hub.domain.access import Level
from rookery.hub.domain.ports.organisations import Team
from rookery.hub.domain.records import Account
from rookery.hub.storage.accounts import account_of
from rookery.hub.storage.rows import put, unique
from rookery.hub.storage.tables import account, team, team_member, team_repository


def _team_of(row: Row[Any]) -> Team:
    return Team(row.id, row.organisation_id, row.name, Level(row.level), row.all_repositories)


class SqlOrganisations:
    """What `domain.ports.organisations` says."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_person(self, account_id: int, /) -> list[Account]:
        """Give the organisations that somebody is in."""
        inside = (
            select(team.c.organisation_id)
            .join(team_member, team_member.c.team_id == team.c.id)
            .where(team_member.c.account_id == account_id)
        )
        query = select(account).where(account.c.id.in_(inside)).order_by(account.c.name_lower)
        return [account_of(row) for row in self._connection.execute(query)]

    def level(self, organisation: int, account_id: int, /) -> Level:
        """Give the highest level that somebody has by a team."""
        query = (
            select(func.max(team.c.level))
            .join(team_member, team_member.c.team_id == team.c.id)
            .where(team.c.organisation_id == organisation, team_member.c.account_id == account_id)
        )
        return Level(self._connection.scalar(query) or 0)

    def teams(self, organisation: int) -> list[Team]:
        """Give the teams."""
        query = select(team).where(team.c.organisation_id == organisation).order_by(team.c.name_lower)
        return [_team_of(row) for row in self._connection.execute(query)]

    def team(self, number: int, /) -> Team | None:
        """Give one by its number."""
        row = self._connection.execute(select(team).where(team.c.id == number)).one_or_none()
        return None if row is None else _team_of(row)

    def add_team(self, organisation: int, name: str, level: Level, *, all_repositories: bool) -> Team:
        """Make one."""
        values = {
            "organisation_id": organisation,
            "name": name,
            "name_lower": name.lower(),
            "level": int(level),
            "all_repositories": all_repositories,
        }
        with unique(self._connection, f"there is a team {name} already"):
            return _team_of(self._connection.execute(insert(team).values(values).returning(team)).one())

    def members(self, number: int, /) -> list[Account]:
        """Give the people of a team."""
        inside = select(team_member.c.account_id).where(team_member.c.team_id == number)
        query = select(account).where(account.c.id.in_(inside)).order_by(account.c.name_lower)
        return [account_of(row) for row in self._connection.execute(query)]

    def set_member(self, number: int, account_id: int, /, *, inside: bool) -> None:
        """Take somebody into a team, or out of it."""
        self._set(team_member, {"team_id": number, "account_id": account_id}, inside=inside)

    def set_repository(self, number: int, repository: int, /, *, inside: bool) -> None:
        """Give a repository to a team, or take it away."""
        self._set(team_repository, {"team_id": number, "repository_id": repository}, inside=inside)

    def _set(self, table: Any, row: dict[str, int], *, inside: bool) -> None:
        if inside:
            put(self._connection, table, row)
        else:
            self._connection.execute(delete(table).where(*(table.c[name] == row[name] for name in row)))
