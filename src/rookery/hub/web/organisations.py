"""Pages of organisations: making one, and its teams."""

from __future__ import annotations

from starlette.responses import Response

from rookery.hub.domain.access import Level
from rookery.hub.domain.errors import BadName
from rookery.hub.domain.names import OwnerName, RepositoryPath, repository_name
from rookery.hub.web.own import number_of
from rookery.hub.web.repository_settings import level_of
from rookery.hub.web.visit import Visit


def show_create(visit: Visit) -> Response:
    """Show the form for a new organisation."""
    visit.own()
    return visit.page("organisation_create.html")


def create(visit: Visit) -> Response:
    """Make an organisation."""
    made = visit.hub.organisations.create(visit.actor, visit.field("name").strip(), visit.field("full_name"))
    return visit.go(f"/org/{made.name}/teams")


def show_teams(visit: Visit) -> Response:
    """Show the teams with their people, to people of the organisation."""
    service = visit.hub.organisations
    organisation = service.named(visit.request.path_params["org"])
    teams = service.teams(visit.actor, organisation.name)
    return visit.page(
        "teams.html",
        organisation=organisation,
        teams=[(team, service.members(visit.actor, team.id)) for team in teams],
        runs_it=service.runs(visit.actor, organisation.name),
        levels_of_teams=[Level.READ, Level.WRITE, Level.ADMIN, Level.OWNER],
    )


def act_on_teams(visit: Visit) -> Response:
    """Make a team, change who is in one or which repositories it has, or remove the organisation."""
    service = visit.hub.organisations
    organisation = service.named(visit.request.path_params["org"])
    what = visit.field("what")
    if what == "team":
        service.add_team(
            visit.actor,
            organisation.name,
            visit.field("title"),
            level_of(visit.field("level"), least=Level.READ),
            all_repositories=visit.field("all") == "on",
        )
        return visit.go(f"/org/{organisation.name}/teams")
    if what == "dissolve":
        if visit.field("confirm").strip() != organisation.name:
            raise BadName(f"type {organisation.name} to remove this organisation")
        service.remove(visit.actor, organisation.name)
        return visit.go("/")
    team = number_of(visit.field("team"))
    if what in ("give", "take"):
        name = repository_name(visit.field("repository").strip())
        path = RepositoryPath(OwnerName(organisation.name), name)
        service.set_repository(visit.actor, team, path, inside=what == "give")
    else:
        gone = visit.field("remove")
        service.set_member(visit.actor, team, gone or visit.field("person").strip(), inside=not gone)
    return visit.go(f"/org/{organisation.name}/teams")
