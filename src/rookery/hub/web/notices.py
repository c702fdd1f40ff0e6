"""Pages of what one was told, and of what happened in a repository."""

from __future__ import annotations

from starlette.responses import Response

from rookery.hub.web.own import number_of
from rookery.hub.web.repository_page import repository_page
from rookery.hub.web.visit import Visit

A_PAGE = 50


def show(visit: Visit) -> Response:
    """Show what one was told: what is new first, and all of it if asked."""
    visit.own()
    everything, skip = visit.request.query_params.get("all") == "1", visit.number("from")
    found = visit.hub.notices.mine(visit.actor, unread_only=not everything, skip=skip, limit=A_PAGE + 1)
    return visit.page(
        "notifications.html",
        found=found[:A_PAGE],
        everything=everything,
        before=None if not skip else max(skip - A_PAGE, 0),
        more=skip + A_PAGE if len(found) > A_PAGE else 0,
    )


def act(visit: Visit) -> Response:
    """Mark one, or all, as read or unread."""
    visit.own()
    if read := visit.field("read"):
        visit.hub.notices.mark(visit.actor, number_of(read))
    elif unread := visit.field("unread"):
        visit.hub.notices.mark(visit.actor, number_of(unread), unread=True)
    elif visit.field("all"):
        visit.hub.notices.mark(visit.actor, None)
    return visit.go("/notifications")


def activity(visit: Visit) -> Response:
    """Show what happened in a repository."""
    repository = visit.hub.repositories.get(visit.actor, visit.path)
    before = visit.number("before") or None
    found = visit.hub.notices.activity(visit.actor, repository.id, before=before, limit=A_PAGE + 1)
    more = found[A_PAGE - 1].id if len(found) > A_PAGE else 0
    return repository_page(
        visit, "activity.html", repository, tab="activity", found=found[:A_PAGE], more=more, before=before
    )
