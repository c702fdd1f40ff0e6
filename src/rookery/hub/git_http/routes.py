"""The addresses of this face.  They end in what Git and git-annex ask for, whatever is before."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from rookery.hub.git_http import dumb, smart


def routes() -> list[BaseRoute]:
    """Give the routes, for the end of the app's list: `place` takes any beginning."""
    return [
        Route("/{place:path}/info/refs", smart.info_refs, methods=["GET"]),
        Route("/{place:path}/git-upload-pack", smart.upload_pack, methods=["POST"]),
        Route("/{place:path}/git-receive-pack", smart.receive_pack, methods=["POST"]),
        Route("/{place:path}/config", dumb.config, methods=["GET"]),
        Route("/{place:path}/annex/objects/{one}/{two}/{folder}/{file}", dumb.annex_object, methods=["GET"]),
        # The other order of folders of git-annex is as deep as this one.
    ]
