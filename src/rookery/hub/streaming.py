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
from rookery.hub.services.gate import Where
from rookery.hub.slots import Slots

ENDING = ".zip"


def archive_response(request: Request, actor: Actor, where: Where, name: str) -> Response:
    """Give the files of a branch, tag or commit as `NAME.zip`, those of a folder as `NAME/FOLDER.zip`.

    Raises NotFound and what the gate does.
    """
    if not name.endswith(ENDING):
        raise NotFound(f"archives end in {ENDING}")
    hub = hub_of(request)
    place, folder = hub.browsing.split(actor, where, name.removesuffix(ENDING))
    if folder and hub.browsing.file(place, folder).kind != "directory":
        raise NotFound(f"{folder} is no folder")
    words = [place.repository.name, place.ref, *([folder] if folder else [])]
    file = ("-".join(words).replace("/", "-") + ENDING).encode("ascii", "replace").decode()
    headers = {
        **SANDBOX,
        "Content-Disposition": f'attachment; filename="{file.replace(chr(34), chr(39))}"',
        "Cache-Control": "private, no-cache",
    }
    if request.method == "HEAD":
        return Response(headers=headers, media_type="application/zip")
    pieces = hub.archives.zipped(actor, place, folder)
    return StreamingResponse(_in_a_place(request, pieces), headers=headers, media_type="application/zip")


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
