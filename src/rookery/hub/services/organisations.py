"""Organisations: made by people, run by their team of owners."""

from __future__ import annotations

from collections.abc import Callable

from rookery.hub.domain.access import Actor, Level, Scope
from rookery.hub.domain.errors import BadName, Forbidden, NeedsSignIn, NotFound
from rookery.hub.domain.names import RepositoryPath, new_owner_name, one_line, owner_name
from rookery.hub.domain.ports.database import Database, Work
from rookery.hub.domain.ports.organisations import Team
from rookery.hub.domain.records import Account, Kind
from rookery.hub.services.auditing import note
from rookery.hub.services.gate import Gate

OWNERS = "Owners"


class OrganisationService:
    """What is done with organisations and teams.  Its people see an organisation's teams, its owners change them."""

    def __init__(self, database: Database, gate: Gate, clock: Callable[[], float]) -> None:
        self._database = database
        self._gate = gate
        self._clock = clock

    def create(self, actor: Actor, name: str, full_name: str = "") -> Account:
        """Make an organisation; whoever asks owns it.  Raises BadName, Conflict."""
        named, now = new_owner_name(name), self._clock()
        with self._database.writing() as work:
            person = self._gate.account(work, actor, Scope.WRITE_ORGANIZATION)
            made = work.accounts.add(
                named,
                kind=Kind.ORGANISATION,
                email=None,
                full_name=one_line(full_name, most=100, what="a full name"),
                admin=False,
                now=now,
            )
            owners = work.organisations.add_team(made.id, OWNERS, Level.OWNER, all_repositories=True)
            work.organisations.set_member(owners.id, person.id, inside=True)
            note(work, actor, "add organisation", made.name, "ok", now)
        return made

    def remove(self, actor: Actor, name: str) -> None:
        """Remove an organisation that owns no repositories, with its teams; whoever wants can then have the name.

        Raises NotFound, Forbidden, and BadName for one that owns some.
        """
        with self._database.writing() as work:
            organisation = _organisation(work, name)
            self._require(work, actor, organisation.id, Level.OWNER, Scope.WRITE_ORGANIZATION)
            work.accounts.hold(organisation.id)
            if number := work.accounts.belongings(organisation.id).repositories:
                raise BadName(
                    f"{organisation.name} owns repositories: {number}",
                    hints=["transfer them to another owner first, or remove them"],
                )
            work.accounts.remove(organisation.id)
            note(work, actor, "remove organisation", organisation.name, "ok", self._clock())

    def mine(self, actor: Actor) -> list[Account]:
        """Give the organisations that one is in."""
        with self._database.reading() as work:
            person = self._gate.account(work, actor, Scope.READ_ORGANIZATION)
            return work.organisations.of_person(person.id)

    def named(self, name: str) -> Account:
        """Give an organisation by its name.  Raises NotFound."""
        with self._database.reading() as work:
            return _organisation(work, name)

    def teams(self, actor: Actor, name: str) -> list[Team]:
        """Give the teams, to people of the organisation.  Raises NotFound, Forbidden."""
        with self._database.reading() as work:
            organisation = _organisation(work, name)
            self._require(work, actor, organisation.id, Level.READ, Scope.READ_ORGANIZATION)
            return work.organisations.teams(organisation.id)

    def runs(self, actor: Actor, name: str) -> bool:
        """Say whether somebody may change an organisation's teams."""
        with self._database.reading() as work:
            organisation = _organisation(work, name)
            try:
                self._require(work, actor, organisation.id, Level.OWNER, Scope.WRITE_ORGANIZATION)
            except (Forbidden, NeedsSignIn):
                return False
            return True

    def members(self, actor: Actor, team: int) -> list[Account]:
        """Give the people of a team, to people of the organisation.  Raises NotFound, Forbidden."""
        with self._database.reading() as work:
            found = _team(work, team)
            self._require(work, actor, found.organisation, Level.READ, Scope.READ_ORGANIZATION)
            return work.organisations.members(team)

    def add_team(self, actor: Actor, name: str, title: str, level: Level, *, all_repositories: bool) -> Team:
        """Make a team.  Raises NotFound, Forbidden, BadName, Conflict."""
        if level is Level.NONE:
            raise BadName("a team has a level", hints=["levels: read, write, admin, owner"])
        with self._database.writing() as work:
            organisation = _organisation(work, name)
            self._require(work, actor, organisation.id, Level.OWNER, Scope.WRITE_ORGANIZATION)
            named = one_line(title, most=40, what="the name of a team")
            made = work.organisations.add_team(
                organisation.id, named, level, all_repositories=all_repositories
            )
            note(work, actor, "add team", f"{organisation.name}", named, self._clock())
        return made

    def set_member(self, actor: Actor, team: int, name: str, *, inside: bool) -> None:
        """Take somebody into a team or out of it; the last owner stays.  Raises NotFound, Forbidden, BadName."""
        with self._database.writing() as work:
            found = _team(work, team)
            self._require(work, actor, found.organisation, Level.OWNER, Scope.WRITE_ORGANIZATION)
            person = work.accounts.by_name(owner_name(name))
            if person is None or person.kind is not Kind.PERSON:
                raise NotFound(f"there is no account {name}")
            members = {member.id for member in work.organisations.members(team)}
            if not inside and found.level is Level.OWNER and members == {person.id}:
                raise BadName(f"{name} is the last one in {found.name}")
            work.organisations.set_member(team, person.id, inside=inside)
            note(work, actor, "team", found.name, f"{'+' if inside else '-'}{person.name}", self._clock())

    def set_repository(self, actor: Actor, team: int, path: RepositoryPath, *, inside: bool) -> None:
        """Give one of the organisation's repositories to a team or take it away.  Raises NotFound, Forbidden."""
        with self._database.writing() as work:
            found = _team(work, team)
            self._require(work, actor, found.organisation, Level.OWNER, Scope.WRITE_ORGANIZATION)
            repository = work.repositories.by_path(path)
            if repository is None or repository.owner_id != found.organisation:
                raise NotFound(f"the organisation has no repository {path.name}")
            work.organisations.set_repository(team, repository.id, inside=inside)
            note(work, actor, "team", found.name, f"{'+' if inside else '-'}{path}", self._clock())

    def _require(self, work: Work, actor: Actor, organisation: int, level: Level, scope: Scope) -> None:
        person = self._gate.account(work, actor, scope)
        if not person.admin and work.organisations.level(organisation, person.id) < level:
            raise Forbidden(f"{person.name} may not do this in this organisation")


def _organisation(work: Work, name: str) -> Account:
    found = work.accounts.by_name(owner_name(name))
    if found is None or found.kind is not Kind.ORGANISATION:
        raise NotFound(f"there is no organisation {name}")
    return found


def _team(work: Work, team: int) -> Team:
    found = work.organisations.team(team)
    if found is None:
        raise NotFound("there is no such team")
    return found
