"""The API of pull requests: proposed, looked at, merged."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter

from rookery.hub.asking import Site
from rookery.hub.domain.access import Actor
from rookery.hub.domain.errors import Conflict, NotFound
from rookery.hub.domain.names import RepositoryPath
from rookery.hub.http_api import shapes as general
from rookery.hub.http_api import talk_shapes as shapes
from rookery.hub.http_api.asked import AskedBy, AskedHub, AskedPage, AskedPath, AskedSite
from rookery.hub.http_api.bodies import IssueChange, MergeOrder, NewPull
from rookery.hub.http_api.shapes import Shape
from rookery.hub.services.hub import Hub
from rookery.hub.services.merge_styles import Style

router = APIRouter(prefix="/repos/{owner}/{repo}/pulls")

_STATES = {"open": True, "closed": False, "all": None}


@router.get("")
def pulls(
    path: AskedPath,
    asked_by: AskedBy,
    hub: AskedHub,
    site: AskedSite,
    page: AskedPage,
    state: Literal["open", "closed", "all"] = "open",
) -> list[Shape]:
    """Tell of pull requests, newest first."""
    open_ = _STATES[state]
    found = hub.issues.listed(asked_by, path, pulls=True, open=open_, skip=page.skip, limit=page.limit)
    told = []
    for issue, labels in found:
        request = hub.pulls.get(asked_by, issue.repository, issue.number)
        told.append(shapes.pull(issue, request.pull, labels, request.repository, site))
    return told


@router.post("", status_code=201)
def propose(path: AskedPath, body: NewPull, asked_by: AskedBy, hub: AskedHub, site: AskedSite) -> Shape:
    """Propose a branch of a repository that one may write to."""
    source, branch = hub.pulls.source_of(asked_by, path, body.head)
    made = hub.pulls.propose(
        asked_by,
        path,
        source,
        source_branch=branch,
        target_branch=body.base,
        title=body.title,
        body=body.body,
    )
    return _told(hub, asked_by, path, made.issue.number, site)


@router.get("/{number}")
def one_pull(path: AskedPath, number: int, asked_by: AskedBy, hub: AskedHub, site: AskedSite) -> Shape:
    """Tell of a pull request, whether it can be merged, and where its content is."""
    return _told(hub, asked_by, path, number, site)


def _told(hub: Hub, asked_by: Actor, path: RepositoryPath, number: int, site: Site) -> Shape:
    request = hub.merging.settle(hub.pulls.get(asked_by, path, number))
    found = hub.issues.get(asked_by, path, number)
    shape = shapes.pull(found.issue, request.pull, found.labels, found.repository, site)
    try:
        seen = hub.pulls.comparison(request)
    except Conflict:
        return {**shape, "mergeable": False}  # its branch is gone
    told = shapes.comparison(seen, hub.pulls.content(request, seen))
    return {**shape, **told, "mergeable": told["mergeable"] and found.issue.open}


@router.patch("/{number}", status_code=201)
def change(
    path: AskedPath, number: int, body: IssueChange, asked_by: AskedBy, hub: AskedHub, site: AskedSite
) -> Shape:
    """Change a pull request, close it, or open it again."""
    open_ = None if body.state is None else body.state == "open"
    hub.issues.change(asked_by, path, number, title=body.title, body=body.body, open=open_)
    return _told(hub, asked_by, path, number, site)


@router.get("/{number}/commits")
def commits(
    path: AskedPath, number: int, asked_by: AskedBy, hub: AskedHub, site: AskedSite, page: AskedPage
) -> list[Shape]:
    """Tell of the proposed commits, newest first."""
    request = hub.pulls.get(asked_by, path, number)
    seen = hub.pulls.comparison(request)
    return [general.commit(one, request.repository, site) for one in page.of(seen.commits)]


@router.get("/{number}/files")
def files(path: AskedPath, number: int, asked_by: AskedBy, hub: AskedHub, page: AskedPage) -> list[Shape]:
    """Tell of the files that differ, annexed ones with their keys, and whether their content is here already."""
    request = hub.pulls.get(asked_by, path, number)
    seen = hub.pulls.comparison(request)
    place = hub.pulls.place(request)
    found = hub.changes.between(asked_by, place, seen.base, seen.head, skip=page.skip, limit=page.limit)
    return [shapes.change(one) for one in found.changes]


@router.get("/{number}/merge", status_code=204)
def is_merged(path: AskedPath, number: int, asked_by: AskedBy, hub: AskedHub) -> None:
    """Say whether it was merged: 204, or 404."""
    if hub.pulls.get(asked_by, path, number).pull.merged is None:
        raise NotFound(f"#{number} is not merged")


@router.post("/{number}/merge")
def merge(path: AskedPath, number: int, asked_by: AskedBy, hub: AskedHub, body: MergeOrder) -> Shape:
    """Merge, with the content that its commits speak of."""
    message = "\n\n".join(part for part in (body.MergeTitleField, body.MergeMessageField) if part.strip())
    done = hub.merging.merge(
        asked_by, path, number, style=Style(body.Do), head=body.head_commit_id, message=message
    )
    return {
        "sha": done.commit,
        "keys": done.content.keys,
        "bytes": done.content.size,
        "missing": done.missing,
    }
