"""Which repository an address of Git or git-annex means."""

from __future__ import annotations

from starlette.requests import Request

from rookery.hub.domain.names import RepositoryPath, parse_path


def place_of(request: Request) -> RepositoryPath:
    """Read `owner/name`, with or without `.git`, from the part of the address that routes call `place`.

    Raises BadName.
    """
    return parse_path(request.path_params["place"])
