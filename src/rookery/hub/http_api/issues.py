"""The API of issues, what is said in them, and labels."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter

from rookery.hub.domain.errors import NotFound
from rookery.hub.http_api import talk_shapes as shapes
from rookery.hub.http_api.asked import AskedBy, AskedHub, AskedPage, AskedPath, AskedSite
from rookery.hub.http_api.bodies import IssueChange, IssueLabels, NewComment, NewIssue, NewLabel
from rookery.hub.http_api.shapes import Shape

router = APIRouter(prefix="/repos/{owner}/{repo}")

_STATES = {"open": True, "closed": False, "all": None}
_KINDS = {"issues": False, "pulls": True, "": None}


@router.get("/issues")
def issues(
    path: AskedPath,
    asked_by: AskedBy,
    hub: AskedHub,
    site: AskedSite,
    page: AskedPage,
    state: Literal["open", "closed", "all"] = "open",
    type: Literal["issues", "pulls", ""] = "",
    labels: str = "",
    q: str = "",
) -> list[Shape]:
    """Tell of issues and pull requests, newest first; `labels` is one, `q` a word of the title."""
    where = hub.repositories.get(asked_by, path)
    found = hub.issues.listed(
        asked_by,
        where.id,
        pulls=_KINDS[type],
        open=_STATES[state],
        label=labels,
        text=q,
        skip=page.skip,
        limit=page.limit,
    )
    return [shapes.issue(one, bears, where, site) for one, bears in found]


@router.post("/issues", status_code=201)
def add_issue(path: AskedPath, body: NewIssue, asked_by: AskedBy, hub: AskedHub, site: AskedSite) -> Shape:
    """Make an issue; labels want the right to write."""
    made = hub.issues.create(asked_by, path, body.title, body.body)
    if body.labels:
        hub.issues.set_labels(asked_by, path, made.number, body.labels)
    return _told(hub, asked_by, path, made.number, site)


@router.get("/issues/{number}")
def one_issue(path: AskedPath, number: int, asked_by: AskedBy, hub: AskedHub, site: AskedSite) -> Shape:
    """Tell of an issue, or of what a pull request has of one."""
    return _told(hub, asked_by, path, number, site)


@router.patch("/issues/{number}", status_code=201)
def change_issue(
    path: AskedPath, number: int, body: IssueChange, asked_by: AskedBy, hub: AskedHub, site: AskedSite
) -> Shape:
    """Change an issue, close it, or open it again."""
    open_ = None if body.state is None else body.state == "open"
    hub.issues.change(asked_by, path, number, title=body.title, body=body.body, open=open_)
    return _told(hub, asked_by, path, number, site)


def _told(hub: AskedHub, asked_by: AskedBy, path: AskedPath, number: int, site: AskedSite) -> Shape:
    found = hub.issues.get(asked_by, path, number)
    return shapes.issue(found.issue, found.labels, found.repository, site)


# --- comments ------------------------------------------------------------------------------------


@router.get("/issues/{number}/comments")
def comments(
    path: AskedPath, number: int, asked_by: AskedBy, hub: AskedHub, site: AskedSite, page: AskedPage
) -> list[Shape]:
    """Tell what was said, oldest first."""
    found = hub.issues.get(asked_by, path, number)
    told = page.of(shapes.said(found.comments))
    return [shapes.comment(one, found.issue, found.repository, site) for one in told]


@router.get("/issues/{number}/timeline")
def timeline(
    path: AskedPath, number: int, asked_by: AskedBy, hub: AskedHub, site: AskedSite, page: AskedPage
) -> list[Shape]:
    """Tell what was said and done, oldest first."""
    found = hub.issues.get(asked_by, path, number)
    return [shapes.comment(one, found.issue, found.repository, site) for one in page.of(found.comments)]


@router.post("/issues/{number}/comments", status_code=201)
def add_comment(
    path: AskedPath, number: int, body: NewComment, asked_by: AskedBy, hub: AskedHub, site: AskedSite
) -> Shape:
    """Say something."""
    said = hub.issues.comment(asked_by, path, number, body.body)
    found = hub.issues.get(asked_by, path, number)
    return shapes.comment(said, found.issue, found.repository, site)


@router.patch("/issues/comments/{comment}")
def change_comment(
    path: AskedPath, comment: int, body: NewComment, asked_by: AskedBy, hub: AskedHub, site: AskedSite
) -> Shape:
    """Say something else."""
    changed = hub.issues.change_comment(asked_by, path, comment, body.body)
    if changed is None:
        raise NotFound("there is no such comment")
    return {"id": changed.id, "body": changed.body, "user": shapes.person(changed.author, site)}


@router.delete("/issues/comments/{comment}", status_code=204)
def remove_comment(path: AskedPath, comment: int, asked_by: AskedBy, hub: AskedHub) -> None:
    """Take it back."""
    hub.issues.change_comment(asked_by, path, comment, None)


# --- labels --------------------------------------------------------------------------------------


@router.get("/labels")
def labels(path: AskedPath, asked_by: AskedBy, hub: AskedHub, page: AskedPage) -> list[Shape]:
    """Tell of a repository's labels."""
    return [shapes.label(one) for one in page.of(hub.issues.labels(asked_by, path))]


@router.post("/labels", status_code=201)
def add_label(path: AskedPath, body: NewLabel, asked_by: AskedBy, hub: AskedHub) -> Shape:
    """Make a label."""
    return shapes.label(hub.issues.add_label(asked_by, path, body.name, body.color, body.description))


@router.delete("/labels/{label}", status_code=204)
def remove_label(path: AskedPath, label: int, asked_by: AskedBy, hub: AskedHub) -> None:
    """Remove a label, from all issues too."""
    hub.issues.remove_label(asked_by, path, label)


@router.put("/issues/{number}/labels")
def set_labels(
    path: AskedPath, number: int, body: IssueLabels, asked_by: AskedBy, hub: AskedHub
) -> list[Shape]:
    """Have an issue bear these labels and no others."""
    return [shapes.label(one) for one in hub.issues.set_labels(asked_by, path, number, body.labels)]
