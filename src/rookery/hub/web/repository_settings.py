"""Pages of a repository's settings: options, collaborators, deploy keys."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from rookery.hub.domain.access import Action, Level
from rookery.hub.domain.errors import BadName
from rookery.hub.domain.names import owner_name
from rookery.hub.domain.records import Repository
from rookery.hub.web.own import number_of
from rookery.hub.web.repositories import visibility_of
from rookery.hub.web.repository_page import repository_page
from rookery.hub.web.visit import Visit

# Branches that are for programs: nobody wants to see one of them first.
_NOBODYS = ("git-annex", "synced/", "adjusted/", "view/")


def _managed(visit: Visit) -> Repository:
    return visit.hub.gate.enter(visit.actor, visit.path, Action.MANAGE).repository


def _page(visit: Visit, template: str, repository: Repository, part: str, **values: Any) -> Response:
    return repository_page(visit, template, repository, tab="settings", part=part, **values)


def _home(repository: Repository, page: str = "") -> str:
    return f"/{repository.path}/settings{page}"


def show(visit: Visit) -> Response:
    """Show the options."""
    repository = _managed(visit)
    branches = [name for name, _ in visit.hub.browsing.branches(visit.actor, repository.id)]
    shown = [name for name in branches if not name.startswith(_NOBODYS) or name == repository.default_branch]
    mine = [visit.actor.name, *(one.name for one in visit.hub.organisations.mine(visit.actor))]
    heirs = [(name, name) for name in mine if name != repository.owner]
    return _page(visit, "settings.html", repository, "options", branches=shown, heirs=heirs)


def act(visit: Visit) -> Response:
    """Change options, the name, or remove all of it."""
    what = visit.field("what")
    if what == "rename":
        renamed = visit.hub.repositories.change(visit.actor, visit.path, name=visit.field("name").strip())
        return visit.go(_home(renamed))
    if what == "transfer":
        given = visit.hub.repositories.transfer(visit.actor, visit.path, owner_name(visit.field("heir")))
        return visit.go(f"/{given.path}")
    if what == "remove":
        if visit.field("confirm") != str(visit.path):
            raise BadName(f"type {visit.path} to remove it for ever")
        visit.hub.repositories.remove(visit.actor, visit.path)
        return visit.go(f"/{visit.path.owner}")
    changed = visit.hub.repositories.change(
        visit.actor,
        visit.path,
        visibility=visibility_of(visit.field("visibility")),
        description=visit.field("description"),
        default_branch=visit.field("default_branch") or None,
        drop_level=level_of(visit.field("drop_level"), least=Level.WRITE),
        archived=visit.field("archived") == "on",
        keep_last=visit.field("keep_last") == "on",
    )
    return visit.go(_home(changed))


def level_of(word: str, *, least: Level) -> Level:
    """Read a level between `least` and owner.  Raises BadName."""
    found = Level.__members__.get(word.upper())
    if found is None or found < least:
        raise BadName(f"{word[:20]!r} is not a level that can be given here")
    return found


def show_collaboration(visit: Visit) -> Response:
    """Show who was invited."""
    repository = _managed(visit)
    people = visit.hub.repositories.collaborators(visit.actor, repository.id)
    return _page(visit, "collaboration.html", repository, "collaboration", people=people)


def act_on_collaboration(visit: Visit) -> Response:
    """Invite somebody, change their level, or take it back."""
    gone = visit.field("remove")
    level = Level.NONE if gone else level_of(visit.field("level"), least=Level.READ)
    visit.hub.repositories.set_collaborator(
        visit.actor, visit.path, gone or visit.field("name").strip(), level
    )
    return visit.go(_home(_managed(visit), "/collaboration"))


def show_deploy_keys(visit: Visit) -> Response:
    """Show the keys of this repository alone."""
    repository = _managed(visit)
    keys = visit.hub.repositories.deploy_keys(visit.actor, repository.id)
    return _page(visit, "deploy_keys.html", repository, "keys", keys=keys)


def act_on_deploy_keys(visit: Visit) -> Response:
    """Keep a key, or forget one."""
    if gone := visit.field("remove"):
        visit.hub.repositories.remove_deploy_key(visit.actor, visit.path, number_of(gone))
    else:
        reach = visit.field("reach")
        visit.hub.repositories.add_deploy_key(
            visit.actor,
            visit.path,
            visit.field("title"),
            visit.field("key"),
            level=Level.READ if reach == "read" else Level.WRITE,
            append_only=reach == "append",
        )
    return visit.go(_home(_managed(visit), "/keys"))
