"""What all pages of a repository share: its name, its tabs, and what the visitor may do in it."""

from __future__ import annotations

from typing import Any, NamedTuple

from starlette.responses import Response

from rookery.hub.domain.access import Action
from rookery.hub.domain.records import Repository
from rookery.hub.web.linked_data import linked_data
from rookery.hub.web.visit import Visit


class Tab(NamedTuple):
    """A part of a repository's pages: `word` is how its pages name it, `address` is below the repository's."""

    word: str
    name: str
    icon: str
    address: str
    wants: Action = Action.READ


TABS = (
    Tab("files", "Files", "folder", ""),
    Tab("commits", "Commits", "history", "/commits"),
    Tab("branches", "Branches", "git-branch", "/branches"),
    Tab("issues", "Issues", "circle-dot", "/issues"),
    Tab("pulls", "Pull requests", "git-pull-request", "/pulls"),
    Tab("activity", "Activity", "activity", "/activity"),
    Tab("settings", "Settings", "settings", "/settings", Action.MANAGE),
)


def repository_page(
    visit: Visit, template: str, repository: Repository, *, tab: str, status: int = 200, **values: Any
) -> Response:
    """Show a page whose template extends `repository_base.html`.

    Templates get `repository`, `tab`, `tabs` (those that this visitor can use), `may`, the names of what
    they may do (`"write" in may`), and `parent`, what it was forked from, if they may read that.
    """
    may = visit.hub.gate.may(visit.actor, repository)
    linked = None
    if visit.request.url.path == f"/{repository.path}":  # the front page speaks for the dataset
        document = visit.hub.search.document(visit.actor, repository.id)
        linked = linked_data(repository, document, visit.site)
    tabs = [one for one in TABS if one.wants in may]
    shared = {"repository": repository, "tab": tab, "tabs": tabs, "may": may, "linked": linked}
    parent = visit.hub.forks.parent(visit.actor, repository)
    return visit.page(template, status=status, parent=parent, **shared, **values)
