"""The page that shows how a file came to be, as a drawing and as a list."""

from __future__ import annotations

from starlette.responses import Response

from rookery.hub.domain.errors import NotFound
from rookery.hub.web import drawing
from rookery.hub.web.repository_page import repository_page
from rookery.hub.web.visit import Visit


def show(visit: Visit) -> Response:
    """Show which command made a file, from what, and what was made of it."""
    repository = visit.hub.repositories.get(visit.actor, visit.path)
    place, path = visit.hub.browsing.split(visit.actor, repository.id, visit.rest)
    if not path:
        raise NotFound("a file has a provenance; name one behind the branch, tag or commit")
    lineage = visit.hub.lineage.of(place, path)
    return repository_page(
        visit,
        "provenance.html",
        repository,
        tab="files",
        home=f"/{repository.path}",
        ref=place.ref,
        path=path,
        top=drawing.branches(lineage),
        drawing=drawing.draw(lineage),
        uses=lineage.uses,
        cut=lineage.cut,
        wide=drawing.WIDTH,
        high=drawing.HEIGHT,
    )
