"""The API of who shares in a repository: collaborators, deploy keys; organisations and teams."""

from __future__ import annotations

from fastapi import APIRouter

from rookery.hub.domain.access import Level
from rookery.hub.domain.errors import NotFound
from rookery.hub.http_api import answers, shapes
from rookery.hub.http_api.asked import AskedBy, AskedHub, AskedPage, AskedPath, AskedSite
from rookery.hub.http_api.bodies import Collaboration, NewDeployKey, NewOrganisation, NewTeam
from rookery.hub.http_api.shapes import Shape

router = APIRouter()


@router.get("/repos/{owner}/{repo}/collaborators", response_model=list[answers.Collaborator])
def collaborators(
    path: AskedPath, asked_by: AskedBy, hub: AskedHub, site: AskedSite, page: AskedPage
) -> list[Shape]:
    """Tell of those who were invited."""
    return [
        {**shapes.account(person, site), "permission": level.name.lower()}
        for person, level in page.of(hub.repositories.collaborators(asked_by, path))
    ]


@router.get("/repos/{owner}/{repo}/collaborators/{name}", status_code=204)
def is_collaborator(path: AskedPath, name: str, asked_by: AskedBy, hub: AskedHub) -> None:
    """Say whether somebody was invited: 204, or 404."""
    people = {person.name.lower() for person, _ in hub.repositories.collaborators(asked_by, path)}
    if name.lower() not in people:
        raise NotFound(f"{name} is not a collaborator")


@router.put("/repos/{owner}/{repo}/collaborators/{name}", status_code=204)
def invite(
    path: AskedPath, name: str, asked_by: AskedBy, hub: AskedHub, body: Collaboration | None = None
) -> None:
    """Invite somebody, or change their level."""
    level = Level[(body or Collaboration()).permission.upper()]
    hub.repositories.set_collaborator(asked_by, path, name, level)


@router.delete("/repos/{owner}/{repo}/collaborators/{name}", status_code=204)
def disinvite(path: AskedPath, name: str, asked_by: AskedBy, hub: AskedHub) -> None:
    """Take an invitation back."""
    hub.repositories.set_collaborator(asked_by, path, name, Level.NONE)


@router.get("/repos/{owner}/{repo}/keys", response_model=list[answers.PublicKey])
def deploy_keys(
    path: AskedPath, asked_by: AskedBy, hub: AskedHub, site: AskedSite, page: AskedPage
) -> list[Shape]:
    """Tell of the deploy keys."""
    return [shapes.public_key(key, site) for key in page.of(hub.repositories.deploy_keys(asked_by, path))]


@router.post("/repos/{owner}/{repo}/keys", response_model=answers.PublicKey, status_code=201)
def add_deploy_key(
    path: AskedPath, body: NewDeployKey, asked_by: AskedBy, hub: AskedHub, site: AskedSite
) -> Shape:
    """Keep an SSH key for this repository alone."""
    level = Level.READ if body.read_only else Level.WRITE
    made = hub.repositories.add_deploy_key(
        asked_by, path, body.title, body.key, level=level, append_only=body.append_only
    )
    return shapes.public_key(made, site)


@router.delete("/repos/{owner}/{repo}/keys/{key}", status_code=204)
def remove_deploy_key(path: AskedPath, key: int, asked_by: AskedBy, hub: AskedHub) -> None:
    """Forget a deploy key."""
    hub.repositories.remove_deploy_key(asked_by, path, key)


# --- organisations -------------------------------------------------------------------------------


@router.post("/orgs", response_model=answers.User, status_code=201)
def add_organisation(body: NewOrganisation, asked_by: AskedBy, hub: AskedHub, site: AskedSite) -> Shape:
    """Make an organisation."""
    return shapes.account(hub.organisations.create(asked_by, body.username, body.full_name), site)


@router.get("/user/orgs", response_model=list[answers.User])
def own_organisations(asked_by: AskedBy, hub: AskedHub, site: AskedSite, page: AskedPage) -> list[Shape]:
    """Tell of the organisations that one is in."""
    return [shapes.account(one, site) for one in page.of(hub.organisations.mine(asked_by))]


@router.get("/orgs/{org}", response_model=answers.User)
def one_organisation(org: str, hub: AskedHub, site: AskedSite, asked_by: AskedBy) -> Shape:
    """Tell of an organisation."""
    return shapes.account(hub.organisations.named(org), site, own=asked_by.admin)


@router.delete("/orgs/{org}", status_code=204)
def remove_organisation(org: str, asked_by: AskedBy, hub: AskedHub) -> None:
    """Remove an organisation that owns no repositories."""
    hub.organisations.remove(asked_by, org)


@router.get("/orgs/{org}/teams", response_model=list[answers.Team])
def teams(org: str, asked_by: AskedBy, hub: AskedHub, page: AskedPage) -> list[Shape]:
    """Tell of an organisation's teams."""
    return [shapes.team(one) for one in page.of(hub.organisations.teams(asked_by, org))]


@router.post("/orgs/{org}/teams", response_model=answers.Team, status_code=201)
def add_team(org: str, body: NewTeam, asked_by: AskedBy, hub: AskedHub) -> Shape:
    """Make a team."""
    level = Level[body.permission.upper()]
    everything = body.includes_all_repositories
    return shapes.team(
        hub.organisations.add_team(asked_by, org, body.name, level, all_repositories=everything)
    )


@router.get("/teams/{team}/members", response_model=list[answers.User])
def members(team: int, asked_by: AskedBy, hub: AskedHub, site: AskedSite, page: AskedPage) -> list[Shape]:
    """Tell of the people of a team."""
    return [shapes.account(one, site) for one in page.of(hub.organisations.members(asked_by, team))]


@router.put("/teams/{team}/members/{name}", status_code=204)
def add_member(team: int, name: str, asked_by: AskedBy, hub: AskedHub) -> None:
    """Take somebody into a team."""
    hub.organisations.set_member(asked_by, team, name, inside=True)


@router.delete("/teams/{team}/members/{name}", status_code=204)
def remove_member(team: int, name: str, asked_by: AskedBy, hub: AskedHub) -> None:
    """Take somebody out of a team."""
    hub.organisations.set_member(asked_by, team, name, inside=False)


@router.put("/teams/{team}/repos/{owner}/{repo}", status_code=204)
def add_to_team(team: int, path: AskedPath, asked_by: AskedBy, hub: AskedHub) -> None:
    """Give a repository to a team."""
    hub.organisations.set_repository(asked_by, team, path, inside=True)


@router.delete("/teams/{team}/repos/{owner}/{repo}", status_code=204)
def remove_from_team(team: int, path: AskedPath, asked_by: AskedBy, hub: AskedHub) -> None:
    """Take a repository from a team."""
    hub.organisations.set_repository(asked_by, team, path, inside=False)
