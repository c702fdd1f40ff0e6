"""Addresses of subdatasets below their superdataset's, as clones ask for them: a browser is led to the repository."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from rookery.hub.domain.errors import BadName, NotFound
from rookery.hub.domain.names import NestedPath, parse_place
from rookery.hub.web.visit import HEADERS, Visit


def below(visit: Visit) -> Response:
    """Lead to the repository of a subdataset, if whoever asks may read it and all that is above it."""
    params = visit.request.path_params
    try:
        where = parse_place("/".join((params["owner"], params["repo"], params["below"])))
    except BadName as e:
        raise NotFound("there is no such page") from e
    if not isinstance(where, NestedPath):
        raise NotFound("there is no such page")
    found = visit.hub.repositories.get(visit.actor, where)
    # not for good: another repository may stand for it tomorrow
    return RedirectResponse(f"/{found.path}", 302, HEADERS)
