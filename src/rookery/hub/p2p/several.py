"""Several small contents in one request (`annex/p2p/several.py` says how): one look at who asks, one at the database.

Who may not do it is refused before the body is read.
"""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from rookery.annex.p2p import several
from rookery.annex.p2p.messages import BadMessage
from rookery.hub.asking import actor_of, hub_of
from rookery.hub.bodies import whole
from rookery.hub.domain.access import Action, Actor
from rookery.hub.domain.errors import BadName, HubError
from rookery.hub.p2p.asked import refusal, uuid_of
from rookery.hub.p2p.http import require_version


async def get_several(request: Request) -> Response:
    """Give those of some contents that are here and small."""
    return await _answered(request, Action.READ, _given)


async def put_several(request: Request) -> Response:
    """Take in contents, and name those that are on the disk and what their keys say."""
    return await _answered(request, Action.STORE, _stored)


async def _answered(
    request: Request, action: Action, work: Callable[[Request, Actor, bytes], bytes]
) -> Response:
    try:
        require_version(request, 0)
        actor = await run_in_threadpool(_entered, request, action)
        body = await whole(request, most=several.LONGEST)
        answer = await run_in_threadpool(work, request, actor, body)
    except HubError as e:
        return refusal(e)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody hears it
    return Response(answer, media_type="application/octet-stream")


def _entered(request: Request, action: Action) -> Actor:
    hub, actor = hub_of(request), actor_of(request)
    hub.gate.enter(actor, uuid_of(request), action)
    return actor


def _given(request: Request, actor: Actor, body: bytes) -> bytes:
    found = hub_of(request).small.read(actor, uuid_of(request), several.keys_of(body))
    return several.packed(found)


def _stored(request: Request, actor: Actor, body: bytes) -> bytes:
    try:
        contents = dict(several.unpacked(body))
    except BadMessage as e:
        raise BadName(e.message) from e
    return several.listed(hub_of(request).small.store(actor, uuid_of(request), contents))
