"""Keep a lock for as long as a client holds on: the long request `keeplocked`.

The client sends JSON, `{"unlock": false}` while it needs the lock and
`{"unlock": true}` at the end.  If it goes away without a word the lock stays
until it expires: whoever drops elsewhere on the strength of it is still right.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from rookery.hub.asking import actor_of, hub_of
from rookery.hub.domain.access import Action
from rookery.hub.domain.errors import BadName, HubError
from rookery.hub.p2p.asked import lock_of, refusal, uuid_of
from rookery.hub.p2p.http import require_version

# A message is a few letters; more without an end is none.
LONGEST_MESSAGE = 4096


async def keep_locked(request: Request) -> Response:
    """Hold a lock until the client says that it needs it no longer, or is gone."""
    contents = hub_of(request).contents
    try:
        require_version(request, 0)
        lock = lock_of(request)
        await run_in_threadpool(_enter, request)
        keeper = asyncio.ensure_future(_renewing(request, lock))
        try:
            async for message in _messages(request):
                if message.get("unlock") is True:
                    await run_in_threadpool(contents.unlock, lock)
                    break
        finally:
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper
    except HubError as e:
        return refusal(e)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody hears it
    return JSONResponse({"locked": False})


def _enter(request: Request) -> None:
    hub_of(request).gate.enter(actor_of(request), uuid_of(request), Action.READ)


async def _renewing(request: Request, lock: str) -> None:
    """Let the lock last, again and again, until it is gone."""
    hub = hub_of(request)
    lasts = await run_in_threadpool(hub.contents.keep, lock)
    while lasts:
        await asyncio.sleep(hub.limits.lock / 4)
        lasts = await run_in_threadpool(hub.contents.keep, lock)


async def _messages(request: Request) -> AsyncIterator[dict[str, Any]]:
    """Yield the JSON objects of the body as they come.  Raises BadName for anything else."""
    decoder, text = json.JSONDecoder(), ""
    async for piece in request.stream():
        text = (text + piece.decode("utf-8", "replace")).lstrip()
        while text:
            if not text.startswith("{"):
                raise BadName("this is not a message of keeplocked")
            try:
                message, end = decoder.raw_decode(text)
            except (json.JSONDecodeError, RecursionError) as e:
                if len(text) > LONGEST_MESSAGE:
                    raise BadName("this is not a message of keeplocked") from e
                break  # the rest is still to come
            yield message
            text = text[end:].lstrip()
