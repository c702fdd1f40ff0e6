"""The web application: the faces on the services."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from rookery.hub.git_http.routes import ProgramRoute
from rookery.hub.git_http.routes import routes as git_routes
from rookery.hub.http_api.api import make_api
from rookery.hub.p2p.routes import routes as p2p_routes
from rookery.hub.p2p.slashes import OneSlash
from rookery.hub.plain_hosts import PlainHosts
from rookery.hub.services.hub import Hub
from rookery.hub.settings import Settings
from rookery.hub.slots import Slots
from rookery.hub.web.routes import nested_routes
from rookery.hub.web.routes import routes as web_routes

# So many archives are made at the same time.
ARCHIVES = 8


def make_app(hub: Hub, settings: Settings) -> Starlette:
    """Make the web application; its faces are tried in this order."""
    api, archive_slots = make_api(settings.origins), Slots(ARCHIVES)
    app = Starlette(
        routes=[Mount("/api/v1", api), *routes()],
        middleware=[Middleware(PlainHosts), Middleware(OneSlash)],
        exception_handlers={ClientDisconnect: _gone, HTTPException: _nowhere},
    )
    for one in (app, api):
        one.state.hub = hub
        one.state.settings = settings
        one.state.archive_slots = archive_slots
    app.state.git_slots = Slots(settings.limits.git_processes)
    app.state.speaks_p2p = any(getattr(r, "path", "").startswith("/git-annex/") for r in app.routes)
    return app


def routes() -> list[BaseRoute]:
    """Give the routes besides the API's."""
    return [
        Route("/healthz", healthy),
        *p2p_routes(),
        *git_routes(ProgramRoute),
        *web_routes(),
        *git_routes(),
        *nested_routes(),
    ]


async def healthy(_: Request) -> Response:
    """Say that the hub answers."""
    return JSONResponse({"status": "ok"})


def _nowhere(request: Request, error: Exception) -> Response:
    """Say what no route is for; in JSON to clients of the API, whose addresses may have what no route of it has."""
    assert isinstance(error, HTTPException)
    if request.scope["path"].startswith("/api/"):
        told = {"message": str(error.detail), "url": ""}
        return JSONResponse(told, error.status_code, headers=error.headers)
    return PlainTextResponse(f"{error.detail}\n", error.status_code, headers=error.headers)


def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=499)  # nobody hears it: the client went away in the middle of its request
