"""The API of repositories: made, found, changed, removed."""

from __future__ import annotations

from fastapi import APIRouter

from rookery.hub.asking import Site
from rookery.hub.domain.access import Actor, Level, Visibility
from rookery.hub.domain.names import owner_name
from rookery.hub.domain.records import Account, Repository
from rookery.hub.http_api import answers, shapes
from rookery.hub.http_api.asked import AskedBy, AskedHub, AskedPage, AskedPath, AskedSite
from rookery.hub.http_api.bodies import NewFork, NewRepository, RepositoryChange
from rookery.hub.http_api.shapes import Shape
from rookery.hub.services.hub import Hub
from rookery.hub.services.repositories import FIRST_BRANCH

router = APIRouter()


def _shape(hub: Hub, asked_by: Actor, of: Repository, site: Site) -> Shape:
    owner = hub.accounts.named(of.owner)
    empty = not hub.browsing.branches(asked_by, of.id)
    shape = shapes.repository(of, owner, hub.gate.may(asked_by, of), site, empty=empty)
    shape["fork"] = hub.forks.is_fork(of)
    if shape["fork"] and (parent := hub.forks.parent(asked_by, of)) is not None:
        may = hub.gate.may(asked_by, parent)
        shape["parent"] = shapes.repository(parent, hub.accounts.named(parent.owner), may, site, empty=False)
    return shape


def _visibility(word: str | None, private: bool | None) -> Visibility | None:
    if word is not None:
        return Visibility(word)
    return None if private is None else Visibility.PRIVATE if private else Visibility.PUBLIC


def _created(hub: Hub, asked_by: Actor, owner: Account, body: NewRepository, site: Site) -> Shape:
    made = hub.repositories.create(
        asked_by,
        owner.name,
        body.name,
        visibility=_visibility(body.visibility, body.private) or Visibility.PRIVATE,
        description=body.description,
        default_branch=body.default_branch or FIRST_BRANCH,
    )
    return _shape(hub, asked_by, made, site)


@router.post("/user/repos", response_model=answers.Repository, status_code=201)
def create_own(body: NewRepository, asked_by: AskedBy, hub: AskedHub, site: AskedSite) -> Shape:
    """Make a repository of one's own, annex-ready from the beginning."""
    return _created(hub, asked_by, hub.accounts.own(asked_by), body, site)


@router.post("/org/{org}/repos", response_model=answers.Repository, status_code=201)
@router.post("/orgs/{org}/repos", response_model=answers.Repository, status_code=201)
def create_for_organisation(
    org: str, body: NewRepository, asked_by: AskedBy, hub: AskedHub, site: AskedSite
) -> Shape:
    """Make a repository of an organisation."""
    return _created(hub, asked_by, hub.organisations.named(org), body, site)


@router.post("/admin/users/{name}/repos", response_model=answers.Repository, status_code=201)
def create_for_other(
    name: str, body: NewRepository, asked_by: AskedBy, hub: AskedHub, site: AskedSite
) -> Shape:
    """Make a repository of somebody else, as an administrator."""
    return _created(hub, asked_by, hub.accounts.named(name), body, site)


@router.get("/user/repos", response_model=list[answers.Repository])
def own_repositories(asked_by: AskedBy, hub: AskedHub, site: AskedSite, page: AskedPage) -> list[Shape]:
    """Tell of one's own repositories."""
    found = hub.repositories.of_owner(asked_by, hub.accounts.own(asked_by))
    return [_shape(hub, asked_by, one, site) for one in page.of(found)]


@router.get("/users/{name}/repos", response_model=list[answers.Repository])
@router.get("/orgs/{name}/repos", response_model=list[answers.Repository])
def repositories_of(
    name: str, asked_by: AskedBy, hub: AskedHub, site: AskedSite, page: AskedPage
) -> list[Shape]:
    """Tell of an account's repositories, as far as they are listed to whoever asks."""
    found = hub.repositories.of_owner(asked_by, hub.accounts.named(owner_name(name)))
    return [_shape(hub, asked_by, one, site) for one in page.of(found)]


@router.get("/repos/search", response_model=answers.Found)
def search(asked_by: AskedBy, hub: AskedHub, site: AskedSite, page: AskedPage, q: str = "") -> Shape:
    """Find repositories by a word in the name, the owner or the description."""
    found = page.of(hub.repositories.search(asked_by, q, limit=1000))
    return {"ok": True, "data": [_shape(hub, asked_by, one, site) for one in found]}


@router.get("/repos/{owner}/{repo}", response_model=answers.Repository)
def one_repository(path: AskedPath, asked_by: AskedBy, hub: AskedHub, site: AskedSite) -> Shape:
    """Tell of a repository."""
    return _shape(hub, asked_by, hub.repositories.get(asked_by, path), site)


@router.patch("/repos/{owner}/{repo}", response_model=answers.Repository)
def change(
    path: AskedPath, body: RepositoryChange, asked_by: AskedBy, hub: AskedHub, site: AskedSite
) -> Shape:
    """Change settings of a repository."""
    changed = hub.repositories.change(
        asked_by,
        path,
        name=body.name,
        visibility=_visibility(body.visibility, body.private),
        description=body.description,
        default_branch=body.default_branch,
        drop_level=None if body.drop_level is None else Level[body.drop_level.upper()],
        archived=body.archived,
        keep_last=body.keep_last,
    )
    return _shape(hub, asked_by, changed, site)


@router.delete("/repos/{owner}/{repo}", status_code=204)
def remove(path: AskedPath, asked_by: AskedBy, hub: AskedHub) -> None:
    """Remove a repository, its history and its content."""
    hub.repositories.remove(asked_by, path)


@router.get("/repos/{owner}/{repo}/forks")
def forks(path: AskedPath, asked_by: AskedBy, hub: AskedHub, site: AskedSite, page: AskedPage) -> list[Shape]:
    """Tell of the forks of a repository, as far as one may read them."""
    return [_shape(hub, asked_by, one, site) for one in page.of(hub.forks.forks(asked_by, path))]


@router.post("/repos/{owner}/{repo}/forks", status_code=202)
def fork(
    path: AskedPath, asked_by: AskedBy, hub: AskedHub, site: AskedSite, body: NewFork | None = None
) -> Shape:
    """Make a fork with all history and content, of which nothing is stored twice."""
    wanted = body or NewFork()
    owner = owner_name(wanted.organization) if wanted.organization else None
    return _shape(hub, asked_by, hub.forks.fork(asked_by, path, owner=owner, name=wanted.name or ""), site)
