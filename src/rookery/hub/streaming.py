"""Long answers that are made while they are sent: they wait for a place, and end when nobody listens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from rookery.hub.asking import address_of, hub_of
from rookery.hub.content_http import SANDBOX
from rookery.hub.domain.access import Actor
from rookery.hub.domain.errors import NotFound
from rookery.hub.services.archive_kinds import KINDS
from rookery.hub.services.gate import Where
from rookery.hub.slots import Slots


def archive_response(request: Request, actor: Actor, where: Where, name: str) -> Response:
    """Give the files of a branch, tag or commit as `NAME.zip`, those of a folder as `NAME/FOLDER.zip`.

    Or with another ending of KINDS.  Raises NotFound and what the gate does.
    """
    kind = next((kind for kind in KINDS if name.endswith(kind.ending)), None)
    if kind is None:
        raise NotFound(f"archives end in {' or '.join(kind.ending for kind in KINDS)}")
    hub = hub_of(request)
    place, folder = hub.browsing.split(actor, where, name.removesuffix(kind.ending))
    if folder and hub.browsing.file(place, folder).kind != "directory":
        raise NotFound(f"{folder} is no folder")
    words = [place.repository.name, place.ref, *([folder] if folder else [])]
    file = ("-".join(words).replace("/", "-") + kind.ending).encode("ascii", "replace").decode()
    headers = {
        **SANDBOX,
        "Content-Disposition": f'attachment; filename="{file.replace(chr(34), chr(39))}"',
        "Cache-Control": "private, no-cache",
    }
    if request.method == "HEAD":
        return Response(headers=headers, media_type=kind.media_type)
    pieces = hub.archives.made(kind, actor, place, folder)
    return StreamingResponse(_in_a_place(request, pieces), headers=headers, media_type=kind.media_type)


async def _in_a_place(request: Request, pieces: Generator[bytes, None, None]) -> AsyncIterator[bytes]:
    slots: Slots = request.app.state.archive_slots
    async with slots.taken(address_of(request)):
        try:
            while (piece := await run_in_threadpool(next, pieces, None)) is not None:
                if piece:
                    yield piece
        finally:
            with anyio.CancelScope(shield=True):
                await run_in_threadpool(pieces.close)
