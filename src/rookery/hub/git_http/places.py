"""Which repository an address of Git or git-annex means."""

from __future__ import annotations

from starlette.requests import Request

from rookery.hub.domain.names import NestedPath, RepositoryPath, parse_place


def place_of(request: Request) -> RepositoryPath | NestedPath:
    """Read `owner/name`, with or without `.git`, or the path of a subdataset below it, from the route's `place`.

    Raises BadName.
    """
    return parse_place(request.path_params["place"])
