"""Pages of repositories: those of an account, and making a new one."""

from __future__ import annotations

from starlette.responses import Response

from rookery.hub.domain.access import Visibility
from rookery.hub.domain.errors import BadName, NotFound
from rookery.hub.domain.names import owner_name
from rookery.hub.web.visit import Visit


def account(visit: Visit) -> Response:
    """Show somebody's repositories."""
    try:
        name = owner_name(visit.request.path_params["owner"])
    except BadName as e:
        raise NotFound("there is no such page") from e
    owner = visit.hub.accounts.named(name)
    mine = visit.hub.organisations.mine(visit.actor) if visit.session else []
    return visit.page(
        "account.html",
        owner=owner,
        found=visit.hub.repositories.of_owner(visit.actor, owner),
        of_mine=any(one.id == owner.id for one in mine),
        site=visit.site,
    )


def show_create(visit: Visit) -> Response:
    """Show the form for a new repository."""
    visit.own()
    owners = [visit.actor.name, *(one.name for one in visit.hub.organisations.mine(visit.actor))]
    return visit.page("create.html", owners=owners)


def create(visit: Visit) -> Response:
    """Make a repository."""
    made = visit.hub.repositories.create(
        visit.actor,
        owner_name(visit.field("owner") or visit.actor.name),
        visit.field("name").strip(),
        visibility=visibility_of(visit.field("visibility")),
        description=visit.field("description"),
    )
    if visit.field("begin") == "on":
        visit.hub.uploads.begin(visit.actor, made)
    return visit.go(f"/{made.path}")


def visibility_of(word: str) -> Visibility:
    """Read a visibility.  Raises BadName."""
    if word not in set(Visibility):
        raise BadName("choose who may see it")
    return Visibility(word)
