"""The API of content: what a repository has, what it should have, where else it is."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from rookery.hub.content_http import content_response
from rookery.hub.domain.errors import InUse, NotFound
from rookery.hub.http_api import answers
from rookery.hub.http_api.asked import AskedBy, AskedHub, AskedPath
from rookery.hub.http_api.described import BYTES
from rookery.hub.http_api.shapes import Shape

router = APIRouter(prefix="/repos/{owner}/{repo}")


@router.get("/annex", response_model=answers.Summary)
def summary(path: AskedPath, asked_by: AskedBy, hub: AskedHub) -> Shape:
    """Count the content that is here."""
    repository = hub.repositories.get(asked_by, path)
    totals = hub.contents.totals(asked_by, path)
    return {"uuid": repository.uuid, "keys": totals.keys, "bytes": totals.size}


@router.head("/annex/keys/{key:path}", response_model=None, include_in_schema=False)
@router.get("/annex/keys/{key:path}", response_model=None, response_class=Response, responses=BYTES)
def content(request: Request, path: AskedPath, key: str, asked_by: AskedBy) -> Response:
    """Give the content of a key."""
    return content_response(request, asked_by, path, key)


@router.delete("/annex/keys/{key:path}", status_code=204)
def drop(path: AskedPath, key: str, asked_by: AskedBy, hub: AskedHub) -> None:
    """Drop the content of a key, unless somebody has locked it or nobody else is known to have it."""
    if not hub.contents.remove(asked_by, path, key):
        raise InUse(f"{key} is locked: somebody counts on this copy", hints=["try again in ten minutes"])


@router.get("/whereis/{file:path}", response_model=answers.Whereis)
def whereis(path: AskedPath, file: str, asked_by: AskedBy, hub: AskedHub, ref: str = "") -> Shape:
    """Tell which places are known to have a file's content, and what they are called."""
    place = hub.browsing.at(asked_by, path, ref)
    found = hub.browsing.file(place, file)
    if found.key is None:
        raise NotFound(f"{file} is not annexed")
    here = hub.contents.present(asked_by, path, found.key)
    places = hub.browsing.places_of(place, found.key)
    return {
        "key": found.key,
        "here": here,
        "whereis": [{"uuid": uuid, "description": text} for uuid, text in places],
    }
