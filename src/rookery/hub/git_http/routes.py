"""The addresses of this face.  They end in what Git and git-annex ask for, whatever is before."""

from __future__ import annotations

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Scope

from rookery.hub.git_http import dumb, smart


class ProgramRoute(Route):
    """Fits what Git and git-annex say that they ask.

    Such routes come before those of pages: `/ada/study/raw/config` is a file of a
    history for a browser, and for git-annex the annex of the subdataset `raw`.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Look at who asks, then at the address."""
        told = dict(scope["headers"]).get(b"user-agent", b"") if scope["type"] == "http" else b""
        return super().matches(scope) if told.startswith(PROGRAMS) else (Match.NONE, {})


PROGRAMS = (b"git/", b"git-annex/")


def routes(kind: type[Route] = Route) -> list[BaseRoute]:
    """Give the routes; those that fit any client belong to the end of the app's list: `place` takes any beginning."""
    return [
        kind("/{place:path}/info/refs", smart.info_refs, methods=["GET"]),
        kind("/{place:path}/git-upload-pack", smart.upload_pack, methods=["POST"]),
        kind("/{place:path}/git-receive-pack", smart.receive_pack, methods=["POST"]),
        kind("/{place:path}/config", dumb.config, methods=["GET"]),
        kind("/{place:path}/annex/objects/{one}/{two}/{folder}/{file}", dumb.annex_object, methods=["GET"]),
        # The other order of folders of git-annex is as deep as this one.
    ]
