"""The API of notices, and of what happened in a repository."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response

from rookery.hub.http_api import talk_shapes as shapes
from rookery.hub.http_api.asked import AskedBy, AskedHub, AskedPage, AskedPath, AskedSite
from rookery.hub.http_api.shapes import Shape

router = APIRouter()


@router.get("/notifications")
def notifications(
    asked_by: AskedBy, hub: AskedHub, site: AskedSite, page: AskedPage, all: bool = False
) -> list[Shape]:
    """Tell what one was told and has not read; `all` adds what one has."""
    found = hub.notices.mine(asked_by, unread_only=not all, skip=page.skip, limit=page.limit)
    return [shapes.notice(one, where, site) for one, where in found]


@router.get("/notifications/new")
def unread(asked_by: AskedBy, hub: AskedHub) -> Shape:
    """Count what one has not read."""
    hub.accounts.own(asked_by)
    return {"new": hub.notices.unread(asked_by)}


@router.put("/notifications", status_code=205, response_class=Response)
def read_all(asked_by: AskedBy, hub: AskedHub) -> Response:
    """Mark all as read."""
    hub.notices.mark(asked_by, None)
    return Response(status_code=205)  # FastAPI would announce a body of four bytes and send none


@router.patch("/notifications/threads/{notice}", status_code=205, response_class=Response)
def read(notice: int, asked_by: AskedBy, hub: AskedHub) -> Response:
    """Mark one as read."""
    hub.notices.mark(asked_by, notice)
    return Response(status_code=205)


@router.get("/repos/{owner}/{repo}/activities/feeds")
def activity(
    path: AskedPath,
    asked_by: AskedBy,
    hub: AskedHub,
    site: AskedSite,
    before: Annotated[int, Query(ge=1, le=2_147_483_647)] | None = None,
) -> list[Shape]:
    """Tell what happened in a repository, newest first; `before` is the number of the last one that is known."""
    where = hub.repositories.get(asked_by, path)
    found = hub.notices.activity(asked_by, where.id, before=before)
    return [shapes.activity(one, where, site) for one in found]
