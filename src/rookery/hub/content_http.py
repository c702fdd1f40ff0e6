"""Content and files of Git as HTTP responses: the length, parts, and a mark by which a cache knows them again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import closing
from typing import NamedTuple

import anyio.lowlevel
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse

from rookery.hub.asking import hub_of
from rookery.hub.domain.access import Actor
from rookery.hub.domain.errors import NotFound
from rookery.hub.domain.ports.objects import PromptReader, Reader
from rookery.hub.services.browsing import File, Place
from rookery.hub.services.gate import Where

PIECE, FROM_DISK = 1 << 18, 1 << 20

# What people put into their datasets is shown to others: no script of it runs here, and no type is guessed.
SANDBOX = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def content_response(
    request: Request, actor: Actor, where: Where, key: str, *, media_type: str = "application/octet-stream"
) -> Response:
    """Give the content of a key, or the part that was asked for.  Raises NotFound, and what the gate does."""
    contents = hub_of(request).contents
    size = contents.size(actor, where, key)
    if size is None:
        raise NotFound(f"the content of {key} is not here")
    mark = f'"{key.encode("ascii", "xmlcharrefreplace").decode()}"'.replace("\\", "")
    part = _wanted(request, size, mark, media_type)
    if isinstance(part, Response):
        return part
    if _is_visit(request) and (elsewhere := _elsewhere(request, actor, where, key, media_type)):
        return elsewhere
    reader = contents.open(actor, where, key, part.start)
    return StreamingResponse(pieces_of(reader, part.end - part.start), part.status, part.headers)


def blob_response(
    request: Request, place: Place, file: File, *, media_type: str = "application/octet-stream"
) -> Response:
    """Give what Git has of a file, or the part that was asked for; Git reads from the start, whatever the part.

    Raises NotFound for what has no bytes.
    """
    if file.kind not in ("file", "symlink") or file.size is None:
        raise NotFound(f"{file.path} is a {file.kind}")
    part = _wanted(request, file.size, f'"{file.sha}"', media_type)
    if isinstance(part, Response):
        return part
    pieces = _cut(hub_of(request).browsing.bytes_of(place, file), part.start, part.end)
    return StreamingResponse(pieces, part.status, part.headers)


def _cut(pieces: Generator[bytes, None, None], start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes [start, end) of what comes; then end the program that it comes from."""
    at = 0
    with closing(pieces):
        for piece in pieces:
            if inside := piece[max(start - at, 0) : max(end - at, 0)]:
                yield inside
            at += len(piece)
            if at >= end:
                break


class _Part(NamedTuple):
    """The bytes [start, end) that are wanted, and how the answer begins."""

    start: int
    end: int
    status: int
    headers: dict[str, str]


def _wanted(request: Request, size: int, mark: str, media_type: str) -> _Part | Response:
    """Say which part is wanted; or answer, where no bytes are to come.

    HEAD gets the same headers.  One range is served (RFC 9110, 14); more than
    one, or one in a form that is not known, gets all of the content.
    """
    headers = {
        **SANDBOX,
        "Accept-Ranges": "bytes",
        "ETag": mark,
        "Cache-Control": "private, no-cache",
        "Content-Type": media_type,
    }
    if mark in (tag.strip() for tag in request.headers.get("if-none-match", "").split(",")):
        return Response(status_code=304, headers={"ETag": mark})
    part = asked_range(request.headers, size, mark)
    if part is None:
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    start, end = part
    status = 200
    if end - start != size:
        status = 206
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    headers["Content-Length"] = str(end - start)
    if request.method == "HEAD":
        return Response(status_code=status, headers=headers)
    return _Part(start, end, status, headers)


def _is_visit(request: Request) -> bool:
    """Say whether a person's browser goes to this address: not a part of a page, not a program.

    Browsers say so at secure addresses (https://www.w3.org/TR/fetch-metadata/).  Parts of pages come from
    here always, as the pages' policies want it; git-annex gets bytes, not the addresses of other servers.
    """
    told = request.headers
    whole_page = told.get("sec-fetch-dest", "document") == "document"  # a frame is a part of a page
    return told.get("sec-fetch-mode") == "navigate" and whole_page and "range" not in told


def _elsewhere(request: Request, actor: Actor, where: Where, key: str, media_type: str) -> Response | None:
    """Send a browser to the store of contents, where the site wants that; whoever has the address has the content."""
    name = request.url.path.rpartition("/")[2]
    found = hub_of(request).contents.address(actor, where, key, name=name, media_type=media_type)
    if found is None:
        return None
    return RedirectResponse(found, 303, {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


def asked_range(headers: Headers, size: int, mark: str) -> tuple[int, int] | None:
    """Give the part that is wanted as [start, end); all of it if none is named; None if it cannot be given."""
    unit, _, text = headers.get("range", "").partition("=")
    if unit.strip().lower() != "bytes" or "," in text or headers.get("if-range", mark) != mark:
        return 0, size
    first, dash, last = (word.strip() for word in text.partition("-"))
    if not dash or not (first or last) or not all(word.isdecimal() or not word for word in (first, last)):
        return 0, size
    if not first:
        length = min(int(last), size)
        return (size - length, size) if length else None
    start, end = int(first), min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return 0, size
    return (start, end) if start < size else None


async def pieces_of(reader: Reader, length: int) -> AsyncIterator[bytes | memoryview]:
    """Yield so much of content; close it.

    What is in the system's memory already is handed on at once, in small pieces
    that stay in the processor's cache: half the time, and a third of the
    processor, of a thread that reads (1 GiB, uvloop, two cores).  What is not is read by a thread.
    """
    prompt = reader if isinstance(reader, PromptReader) else None
    try:
        while length > 0:
            piece = prompt.at_once(min(PIECE, length)) if prompt else None
            if piece is None:
                piece = memoryview(await run_in_threadpool(reader.read, min(FROM_DISK, length)))
            else:
                await anyio.lowlevel.checkpoint()  # a fast client must not keep the others waiting
            if not piece:
                break
            length -= len(piece)
            yield piece
    finally:
        reader.close()
