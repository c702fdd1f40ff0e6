"""Git's smart HTTP protocol (gitprotocol-http(5)), around Git's own programs.

    GET  PLACE/info/refs?service=git-upload-pack     what there is
    POST PLACE/git-upload-pack                       fetch
    POST PLACE/git-receive-pack                      push

PLACE is `owner/name` with or without `.git`.  Git says in its answer what went
wrong on its side; HTTP statuses are for who may not, or what is not there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from rookery.hub.asking import actor_of, address_of, hub_of, refused
from rookery.hub.bodies import pieces, whole
from rookery.hub.domain.access import Actor
from rookery.hub.domain.errors import HubError, NotFound
from rookery.hub.git_http.places import place_of
from rookery.hub.git_http.push import Push
from rookery.hub.services.history import Conversation, Service
from rookery.hub.slots import Slots

_NO_CACHE = {
    "Cache-Control": "no-cache, max-age=0, must-revalidate",
    "Expires": "Fri, 01 Jan 1980 00:00:00 GMT",
}

# What a client has and wants is said in memory: a million lines of fifty bytes.
LARGEST_QUESTION = 64 << 20

FLUSH = b"0000"

_SERVICES = {"git-upload-pack": Service.UPLOAD, "git-receive-pack": Service.RECEIVE}


def _prepared(request: Request, service: Service) -> tuple[Actor, Conversation]:
    actor = actor_of(request)
    protocol = request.headers.get("git-protocol", "")
    history = hub_of(request).history
    return actor, history.prepare(actor, place_of(request), service, protocol=protocol, stateless=True)


def info_refs(request: Request) -> Response:
    """Say what there is."""
    named = request.query_params.get("service", "")
    try:
        if named not in _SERVICES:
            raise NotFound(
                "Git's old protocol over HTTP is not spoken here", hints=["use Git 1.6.6 or later"]
            )
        _, talk = _prepared(request, _SERVICES[named])
    except HubError as e:
        return refused(e)
    text = talk.advertisement()
    if not text.startswith(b"000eversion 2"):
        line = f"# service={named}\n".encode()
        text = b"%04x%s0000" % (len(line) + 4, line) + text
    return Response(text, media_type=f"application/x-{named}-advertisement", headers=_NO_CACHE)


async def upload_pack(request: Request) -> Response:
    """Answer a fetch: what the client has and wants is read whole, then the pack streams out."""
    try:
        _, talk = await run_in_threadpool(_prepared, request, Service.UPLOAD)
        question = await whole(request, most=LARGEST_QUESTION)
    except HubError as e:
        return refused(e)
    return StreamingResponse(
        _talking(request, talk, question),
        media_type="application/x-git-upload-pack-result",
        headers=_NO_CACHE,
    )


async def receive_pack(request: Request) -> Response:
    """Take in a push: the pack streams into Git, whose answer follows when all of it came."""
    try:
        actor, talk = await run_in_threadpool(_prepared, request, Service.RECEIVE)
        said, size = await _taken(request, talk)
    except HubError as e:
        return refused(e)
    if size > len(FLUSH):  # else the client has only tried whether it may
        await run_in_threadpool(hub_of(request).history.settle, actor, talk)
    return Response(said, media_type="application/x-git-receive-pack-result", headers=_NO_CACHE)


async def _taken(request: Request, talk: Conversation) -> tuple[bytes, int]:
    """Hand all of the body to Git; give its answer, and the size of the body."""
    limits, slots = hub_of(request).limits, _slots(request)
    async with slots.taken(address_of(request)) as slot:
        push, size = await run_in_threadpool(Push, talk), 0
        with slot.for_at_most(limits.git_seconds, push.stop):
            try:
                async for piece in pieces(request, most=limits.largest_push):
                    await run_in_threadpool(push.feed, piece)
                    size += len(piece)
            finally:
                with anyio.CancelScope(shield=True):  # a client that went away leaves no Git behind
                    said = await run_in_threadpool(push.finish)
    return said, size


async def _talking(request: Request, talk: Conversation, question: bytes) -> AsyncIterator[bytes]:
    """Yield what Git says; leaving early ends it."""
    seconds = hub_of(request).limits.git_seconds
    async with _slots(request).taken(address_of(request)) as slot:
        stack = ExitStack()
        stream = await run_in_threadpool(stack.enter_context, talk.run([question]))
        chunks = stream.chunks()
        try:
            with slot.for_at_most(seconds, stream.stop):
                while piece := await run_in_threadpool(next, chunks, b""):
                    yield piece
        finally:
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(stack.__exit__, GeneratorExit, None, None)


def _slots(request: Request) -> Slots:
    found: Slots = request.app.state.git_slots
    return found
