"""Git-annex's P2P protocol over HTTP, versions 0 to 4: all but uploads and the keeping of locks.

    GET  /git-annex/UUID/key/KEY                 content, for any client
    GET  /git-annex/UUID/v4/key/KEY?offset=N     content from N on
    POST /git-annex/UUID/v4/checkpresent?key=KEY, remove, remove-before, lockcontent, gettimestamp

The services decide; here is what their answers look like.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from rookery.annex.p2p import several
from rookery.hub.asking import actor_of, hub_of
from rookery.hub.content_http import content_response, pieces_of
from rookery.hub.domain.access import Actor
from rookery.hub.domain.errors import HubError, NotFound
from rookery.hub.p2p.asked import key_at_end, named_key, number, refusal, uuid_of
from rookery.hub.services.small_contents import whole

NEWEST = 4
SMALL = 1 << 20  # is read at once, by the thread that has asked the database

Answer = Callable[[Request, Actor], Response]


def answering(answer: Answer, *, since: int = 0) -> Callable[[Request], Response]:
    """Make an endpoint that exists from a version of the protocol on, and refuses as git-annex understands it."""

    def endpoint(request: Request) -> Response:
        try:
            require_version(request, since)
            return answer(request, actor_of(request))
        except HubError as e:
            return refusal(e)

    return endpoint


def require_version(request: Request, since: int) -> None:
    """Raise NotFound for a version that is not spoken, or has no such request: the client tries an older one."""
    version = request.path_params.get("version", NEWEST)
    if not since <= version <= NEWEST:
        raise NotFound(f"there is no such request in version {version}")


def plain(request: Request, actor: Actor) -> Response:
    """Give content to a client that need not know of the protocol: whole, or a range of it."""
    return content_response(request, actor, uuid_of(request), key_at_end(request))


def get(request: Request, actor: Actor) -> Response:
    """Give content from an offset on; the header says how much is to come."""
    offset = number(request, "offset", 0)
    reader = hub_of(request).contents.open(actor, uuid_of(request), key_at_end(request), offset)
    left = max(reader.size - offset, 0)
    headers = {"X-git-annex-data-length": str(left), "Content-Length": str(left)}
    if request.method == "HEAD":
        reader.close()
        return Response(headers=headers, media_type="application/octet-stream")
    if left <= SMALL:
        return Response(whole(reader), headers=headers, media_type="application/octet-stream")
    return StreamingResponse(pieces_of(reader, left), headers=headers, media_type="application/octet-stream")


def check_present(request: Request, actor: Actor) -> Response:
    """Say whether content is here."""
    present = hub_of(request).contents.present(actor, uuid_of(request), named_key(request))
    return JSONResponse({"present": present}, headers={several.OFFER: several.OFFERED})


def remove(request: Request, actor: Actor) -> Response:
    """Drop content, unless a lock is on it."""
    return _removed(request, hub_of(request).contents.remove(actor, uuid_of(request), named_key(request)))


def remove_before(request: Request, actor: Actor) -> Response:
    """Drop content, if the hub's clock has not reached a moment."""
    before = number(request, "timestamp")
    contents = hub_of(request).contents
    return _removed(request, contents.remove(actor, uuid_of(request), named_key(request), before=before))


def _removed(request: Request, removed: bool) -> Response:
    return JSONResponse({"removed": removed} | nobody_else(request))


def nobody_else(request: Request) -> dict[str, list[str]]:
    """Say that no other repository behind this one took part, which versions from 2 on want to hear."""
    return {"plusuuids": []} if request.path_params["version"] >= 2 else {}


def lock_content(request: Request, actor: Actor) -> Response:
    """Keep content from being dropped, for ten minutes."""
    lock = hub_of(request).contents.lock(actor, uuid_of(request), named_key(request))
    return JSONResponse({"locked": False} if lock is None else {"locked": True, "lockid": lock})


def get_timestamp(request: Request, actor: Actor) -> Response:
    """Give the hub's clock, in whole seconds."""
    return JSONResponse({"timestamp": int(hub_of(request).contents.timestamp(actor, uuid_of(request)))})
