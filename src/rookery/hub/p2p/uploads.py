"""Uploads of git-annex's P2P protocol over HTTP: putoffset and put.

What comes is gathered in blocks on the event loop and handed to threads, which
hash and write.  A client that goes away leaves its part, and goes on behind it
the next time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from rookery.hub.asking import actor_of, hub_of
from rookery.hub.domain.access import Actor
from rookery.hub.domain.errors import HubError
from rookery.hub.p2p.asked import data_length, flag, named_key, number, refusal, uuid_of
from rookery.hub.p2p.http import nobody_else, require_version
from rookery.hub.services.contents import Receiving

# Content up to this size is handed over at once; what is larger, in blocks of it.  An upload has two in memory at most.
BLOCK = 1 << 20


class _TooLong(HubError):
    """More came than was announced: the sender's file has changed meanwhile."""


def put_offset(request: Request, actor: Actor) -> Response:
    """Say where an upload can go on, or that the content is here."""
    offset = hub_of(request).contents.put_offset(actor, uuid_of(request), named_key(request))
    if offset is None:
        return JSONResponse({"alreadyhave": True} | nobody_else(request))
    return JSONResponse({"offset": offset})


async def put(request: Request) -> Response:
    """Take in content; `stored` is said when it is on the disk, and is what its key says."""
    try:
        require_version(request, 0)
        stored = await _stored(request)
    except HubError as e:
        return refusal(e)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody hears it
    return JSONResponse({"stored": stored} | nobody_else(request))


async def _stored(request: Request) -> bool:
    if flag(request, "data-present"):
        return await run_in_threadpool(_is_present, request)
    length = data_length(request)
    try:
        if length > BLOCK:
            return await _in_blocks(request, length)
        body = b"".join([block async for block in _blocks(request, length)])
        return await run_in_threadpool(_at_once, request, body)
    except _TooLong:
        return await run_in_threadpool(_start_over, request)


def _is_present(request: Request) -> bool:
    """Say whether content that was brought in another way is in this repository: naming a key gains nothing."""
    contents = hub_of(request).contents
    return contents.put_offset(actor_of(request), uuid_of(request), named_key(request)) is None


def _start_over(request: Request) -> bool:
    """Forget the part that came; say whether the content is here all the same, from another time."""
    contents, actor = hub_of(request).contents, actor_of(request)
    contents.start_over(actor, uuid_of(request), named_key(request))
    return contents.present(actor, uuid_of(request), named_key(request))


def _begun(request: Request) -> Receiving | None:
    """Ask all who have a say; None if the content is here already."""
    contents, actor = hub_of(request).contents, actor_of(request)
    where, key = uuid_of(request), named_key(request)
    offset, length = number(request, "offset", 0), data_length(request)
    return contents.receive_missing(actor, where, key, length=length, offset=offset)


def _at_once(request: Request, body: bytes) -> bool:
    coming = _begun(request)
    if coming is None:
        return True
    with coming:
        coming.write(body)
        return coming.finish()


async def _blocks(request: Request, length: int) -> AsyncIterator[bytes]:
    """Yield the body in blocks.  Raises ClientDisconnect behind the last piece that came, _TooLong behind `length`."""
    gathered, left = bytearray(), length
    try:
        async for piece in request.stream():
            left -= len(piece)
            if left < 0:
                raise _TooLong("more came than was announced")
            gathered += piece
            if len(gathered) >= BLOCK:
                yield bytes(gathered)
                gathered.clear()
    except ClientDisconnect:
        yield bytes(gathered)
        raise
    yield bytes(gathered)


async def _in_blocks(request: Request, length: int) -> bool:
    coming = await run_in_threadpool(_begun, request)
    if coming is None:
        async for _ in _blocks(request, length):
            pass  # sent for nothing; the client hears our answer behind it
        return True
    writing: asyncio.Future[None] | None = None  # a block is hashed while the next one comes
    try:
        async for block in _blocks(request, length):
            if writing is not None:
                await writing
            writing = asyncio.ensure_future(run_in_threadpool(coming.write, block))
        if writing is not None:
            await writing
        return await run_in_threadpool(coming.finish)
    finally:
        if writing is not None:
            await asyncio.wait([writing])
        await run_in_threadpool(coming.close)
