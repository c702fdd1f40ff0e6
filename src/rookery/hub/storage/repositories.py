"""Repositories and their collaborators in the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    true,
    update,
)

from rookery.hub.domain.access import Level, Visibility
from rookery.hub.domain.names import OwnerName, RepositoryName, RepositoryPath
from rookery.hub.domain.records import Account, Repository
from rookery.hub.storage.accounts import account_of
from rookery.hub.storage.rows import given, put, unique
from rookery.hub.storage.search_tables import search_document
from rookery.hub.storage.tables import (
    account,
    collaborator,
    former_name,
    repository,
    team,
    team_member,
    team_repository,
)


def repository_of(row: Row[Any]) -> Repository:
    """Make the value of a row of `all_repositories`."""
    return Repository(
        row.id,
        row.owner_id,
        OwnerName(row.owner),
        RepositoryName(row.name),
        row.uuid,
        Visibility(row.visibility),
        row.description,
        row.default_branch,
        Level(row.drop_level),
        row.archived,
        row.keep_last,
        row.quota,
        row.created,
        row.updated,
    )


def all_repositories() -> Select[Any]:
    """Give the query for all repositories, each with the name of its owner."""
    return select(repository, account.c.name.label("owner")).join(
        account, account.c.id == repository.c.owner_id
    )


def _teams_of(person: int) -> ColumnElement[bool]:
    """Give the condition that a person is in a team that has a repository."""
    return and_(
        team_member.c.account_id == person,
        team.c.organisation_id == repository.c.owner_id,
        or_(
            team.c.all_repositories,
            select(team_repository)
            .where(team_repository.c.team_id == team.c.id, team_repository.c.repository_id == repository.c.id)
            .exists(),
        ),
    )


class SqlRepositories:
    """What `domain.ports.repositories` says."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _one(self, *conditions: Any) -> Repository | None:
        row = self._connection.execute(all_repositories().where(*conditions)).one_or_none()
        return None if row is None else repository_of(row)

    def by_id(self, number: int, /) -> Repository | None:
        """Give one by its number."""
        return self._one(repository.c.id == number)

    def by_path(self, path: RepositoryPath) -> Repository | None:
        """Give one by its name, or a former one."""
        owner, name = path.owner.lower(), path.name.lower()
        found = self._one(account.c.name_lower == owner, repository.c.name_lower == name)
        if found is not None:
            return found
        formerly = (
            select(former_name.c.repository_id)
            .join(account, account.c.id == former_name.c.owner_id)
            .where(account.c.name_lower == owner, former_name.c.name_lower == name)
        )
        number = self._connection.scalar(formerly)
        return None if number is None else self.by_id(number)

    def by_uuid(self, uuid: str) -> Repository | None:
        """Give one by the uuid of its annex."""
        return self._one(repository.c.uuid == uuid)

    def of_owner(self, owner: int) -> list[Repository]:
        """Give an account's."""
        query = all_repositories().where(repository.c.owner_id == owner).order_by(repository.c.name_lower)
        return [repository_of(row) for row in self._connection.execute(query)]

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
        """Give those that somebody sees in lists, changed last first."""
        query = all_repositories().where(true() if everything else listed_to(person))
        if text:
            pattern = f"%{text.lower().replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
            fields = (repository.c.name_lower, account.c.name_lower, func.lower(repository.c.description))
            query = query.where(or_(*(field.like(pattern, escape="!") for field in fields)))
        if owner is not None:
            query = query.where(repository.c.owner_id == owner)
        if before is not None:
            at, number = before
            same = and_(repository.c.updated == at, repository.c.id < number)
            query = query.where(or_(repository.c.updated < at, same))
        query = query.order_by(repository.c.updated.desc(), repository.c.id.desc()).limit(limit)
        return [repository_of(row) for row in self._connection.execute(query)]

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
        """Make one."""
        values = {
            "owner_id": owner,
            "name": name,
            "name_lower": name.lower(),
            "uuid": uuid,
            "visibility": visibility.value,
            "description": description,
            "default_branch": default_branch,
            "drop_level": int(Level.ADMIN),
            "archived": False,
            "keep_last": True,
            "created": now,
            "updated": now,
        }
        with unique(self._connection, f"repository already exists: {name}"):
            insertion = insert(repository).values(values).returning(repository.c.id)
            number = self._connection.execute(insertion).scalar_one()
        self._forget_former(owner, name)
        made = self.by_id(number)
        assert made is not None
        return made

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
        """Change what is given."""
        before = self.by_id(number)
        if before is None:
            return
        values = given(
            name=name,
            name_lower=name.lower() if name else None,
            visibility=visibility.value if visibility else None,
            description=description,
            default_branch=default_branch,
            drop_level=None if drop_level is None else int(drop_level),
            archived=archived,
            keep_last=keep_last,
            updated=updated,
        )
        with unique(self._connection, f"repository already exists: {name}"):
            self._connection.execute(update(repository).where(repository.c.id == number).values(values))
        self._read_again(number)
        if name is not None and name.lower() != before.name.lower():
            self._remember_former(before)
            self._forget_former(before.owner_id, name)

    def set_quota(self, number: int, quota: int | None, /) -> None:
        """Give a quota of its own; None: the hub's."""
        self._connection.execute(update(repository).where(repository.c.id == number).values(quota=quota))

    def transfer(self, number: int, owner: int, /) -> None:
        """Give one to another owner."""
        before = self.by_id(number)
        if before is None or before.owner_id == owner:
            return
        with unique(self._connection, f"repository already exists: {before.name}"):
            self._connection.execute(
                update(repository).where(repository.c.id == number).values(owner_id=owner)
            )
        self._connection.execute(delete(team_repository).where(team_repository.c.repository_id == number))
        self.set_collaborator(number, owner, Level.NONE)
        self._remember_former(before)
        self._forget_former(owner, before.name)

    def _remember_former(self, before: Repository) -> None:
        old = {"owner_id": before.owner_id, "name_lower": before.name.lower(), "repository_id": before.id}
        put(self._connection, former_name, old)

    def _read_again(self, number: int) -> None:
        """Have it read again for the search; one that never was has no row, and is waiting already."""
        changed = update(search_document).where(search_document.c.repository_id == number)
        self._connection.execute(changed.values(asked=search_document.c.asked + 1))

    def _forget_former(self, owner: int, name: str) -> None:
        mine = former_name.c.owner_id == owner, former_name.c.name_lower == name.lower()
        self._connection.execute(delete(former_name).where(*mine))

    def remove(self, number: int, /) -> None:
        """Forget one."""
        self._connection.execute(delete(repository).where(repository.c.id == number))

    def level(self, where: Repository, person: int, /) -> Level:
        """Give somebody's level."""
        if where.owner_id == person:
            return Level.OWNER
        invited = select(collaborator.c.level).where(
            collaborator.c.repository_id == where.id, collaborator.c.account_id == person
        )
        by_team = (
            select(func.max(team.c.level))
            .join(team_member, team_member.c.team_id == team.c.id)
            .join(repository, repository.c.id == where.id)
            .where(_teams_of(person))
        )
        levels = (self._connection.scalar(query) or 0 for query in (invited, by_team))
        return Level(max(levels))

    def collaborators(self, number: int, /) -> list[tuple[Account, Level]]:
        """Give those who were invited."""
        query = (
            select(account, collaborator.c.level)
            .join(collaborator, collaborator.c.account_id == account.c.id)
            .where(collaborator.c.repository_id == number)
            .order_by(account.c.name_lower)
        )
        return [(account_of(row), Level(row.level)) for row in self._connection.execute(query)]

    def set_collaborator(self, number: int, person: int, level: Level, /) -> None:
        """Invite somebody, change their level, or take it back."""
        row = {"repository_id": number, "account_id": person}
        if level is Level.NONE:
            mine = (collaborator.c[name] == value for name, value in row.items())
            self._connection.execute(delete(collaborator).where(*mine))
        else:
            put(self._connection, collaborator, {**row, "level": int(level)})


def listed_to(person: int | None) -> ColumnElement[bool]:
    """Give the condition of `domain.access.listed`, which a test holds it to."""
    if person is None:
        return repository.c.visibility == Visibility.PUBLIC.value
    open_to = (Visibility.PUBLIC.value, Visibility.INTERNAL.value)
    invited = select(collaborator).where(
        collaborator.c.repository_id == repository.c.id, collaborator.c.account_id == person
    )
    by_team = select(team).join(team_member, team_member.c.team_id == team.c.id).where(_teams_of(person))
    return or_(
        repository.c.visibility.in_(open_to),
        repository.c.owner_id == person,
        invited.exists(),
        by_team.correlate(repository).exists(),
    )
