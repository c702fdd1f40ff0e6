"""The API put together: an application of its own under `/api/v1`, which describes itself in OpenAPI."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rookery import __version__
from rookery.hub.asking import headers_of, settings_of, status_of
from rookery.hub.domain.errors import Conflict, HubError
from rookery.hub.http_api import (
    accounts,
    annex,
    answers,
    history,
    hooks,
    issues,
    notices,
    pulls,
    repositories,
    runs,
    sharing,
)
from rookery.hub.http_api.asked import AskedSite, bounded_numbers
from rookery.hub.http_api.described import PROBLEMS, Described
from rookery.hub.http_api.shapes import Shape
from rookery.hub.settings import PERSONAS


class Bounded:
    """Refuses bodies that are larger than any that is sent here in earnest."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look at the announced length; count what comes without one."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = scope["app"].state.settings.limits.largest_request
        announced = MutableHeaders(scope=scope).get("content-length", "0")
        if not announced.isdecimal() or int(announced) > most:
            await _said(f"a request here has at most {most} bytes", 413)(scope, receive, send)
            return
        came = 0

        async def counted() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > most:
                raise HTTPException(413, f"a request here has at most {most} bytes")
            return message

        await self._app(scope, counted, send)


class TolerantOfTypes:
    """Takes a body that calls itself JSON in an odd way as JSON: gin-cli sends `application/jsonAuthorization`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Rewrite the header, and go on."""
        if scope["type"] == "http":
            headers = MutableHeaders(scope=scope)
            if headers.get("content-type", "").lower().startswith("application/json"):
                headers["content-type"] = "application/json"
        await self._app(scope, receive, send)


def make_api(origins: Sequence[str] = ()) -> FastAPI:
    """Make the application; the one that it is mounted in gives it the hub and the settings.

    Scripts of pages from `origins` may read it.  No cookie counts here, so that
    they get what anybody gets, or what the token that they were given gets.  None
    may by default: a hub that only a laboratory reaches would be open to every page that
    somebody there looks at.
    """
    api = Described(
        title="Rookery hub",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        responses=PROBLEMS,
        dependencies=[Depends(bounded_numbers)],
    )
    api.add_middleware(TolerantOfTypes)
    api.add_middleware(Bounded)
    if origins:
        api.add_middleware(
            CORSMiddleware,
            allow_origins=origins,
            allow_methods=["GET", "HEAD"],
            allow_headers=["Authorization", "If-None-Match", "Range"],
            expose_headers=["Content-Range", "ETag", "Link", "Retry-After", "X-Total-Count"],
        )
    api.add_exception_handler(HubError, _refused)
    api.add_exception_handler(RequestValidationError, _misunderstood)
    api.add_exception_handler(HTTPException, _unknown)
    api.add_api_route("/version", version, methods=["GET"], response_model=answers.Version)
    for part in (accounts, repositories, sharing, history, annex, runs, issues, pulls, notices, hooks):
        api.include_router(part.router)
    return api


def version(request: Request, site: AskedSite) -> Shape:
    """Tell the version, and where SSH is spoken and by whose keys, so that clients need not believe the first best."""
    settings = settings_of(request)
    keys = settings.public_host_keys() if settings.ssh else []
    return {"version": __version__, "ssh": site.ssh, "ssh_host_keys": keys}


def _said(message: str, status: int, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"message": message, "url": ""}, status, headers)


def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HubError)
    exists = PERSONAS[settings_of(request).persona]
    status = exists if isinstance(error, Conflict) else status_of(error)
    return _said("; ".join([error.message, *error.hints]), status, headers_of(error))


def _misunderstood(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    if any(one["loc"] == ("body",) for one in error.errors()):
        # What else a browser can be made to send, from a page of another site, is not taken for JSON.
        kind = request.headers.get("content-type") or "nothing"
        return _said(
            f"the body must be a JSON object, with Content-Type: application/json (it was {kind[:60]})", 422
        )
    told = [f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors()]
    return _said("; ".join(told), 422)


def _unknown(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _said(str(error.detail), error.status_code, dict(error.headers or {}))
