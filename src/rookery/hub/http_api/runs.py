"""The API of run records: which commands made what is in a repository."""

from __future__ import annotations

from fastapi import APIRouter

from rookery.hub.domain.errors import NotFound
from rookery.hub.http_api import answers, shapes
from rookery.hub.http_api.asked import AskedBy, AskedHub, AskedPage, AskedPath, AskedSite
from rookery.hub.http_api.shapes import Shape

router = APIRouter(prefix="/repos/{owner}/{repo}/runs")


@router.get("", response_model=list[answers.Run])
def runs(
    at: AskedPath,
    asked_by: AskedBy,
    hub: AskedHub,
    site: AskedSite,
    page: AskedPage,
    sha: str = "",
    path: str = "",
) -> list[Shape]:
    """Tell of the runs of a history, newest first.

    `sha` is a branch, tag or commit to begin at; with `path`, only runs that changed that file or folder.
    """
    inside = path.strip("/")
    if "\0" in inside or {".", ".."} & set(inside.split("/")):
        raise NotFound("there is no such path")
    place = hub.browsing.at(asked_by, at, sha)
    found = hub.runs.runs(place, skip=page.skip, limit=page.limit + 1, path=inside)
    return [shapes.run(one, place.repository, site) for one in page.some(found)]


@router.get("/{sha}", response_model=answers.Run)
def one_run(at: AskedPath, sha: str, asked_by: AskedBy, hub: AskedHub, site: AskedSite) -> Shape:
    """Tell of the run that made a commit."""
    place = hub.browsing.at(asked_by, at, sha)
    found = hub.runs.of(place, hub.browsing.commits(place, limit=1))
    if not found:
        raise NotFound(f"{sha} was not made by a run")
    return shapes.run(next(iter(found.values())), place.repository, site)
