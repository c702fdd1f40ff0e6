"""The addresses of git-annex's P2P protocol."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from rookery.annex.p2p import several
from rookery.hub.p2p import http
from rookery.hub.p2p.keeping import keep_locked
from rookery.hub.p2p.several import get_several, put_several
from rookery.hub.p2p.uploads import put, put_offset

_AT = "/git-annex/{uuid}/v{version:int}"


def routes() -> list[BaseRoute]:
    """Give the routes; `/git-annex` stands alone at the top, since no account can have that name."""
    return [
        Route("/git-annex/{uuid}/key/{key:path}", http.answering(http.plain), methods=["GET"]),
        Route(f"{_AT}/key/{{key:path}}", http.answering(http.get), methods=["GET"]),
        Route(f"{_AT}/checkpresent", http.answering(http.check_present), methods=["POST"]),
        Route(f"{_AT}/putoffset", http.answering(put_offset, since=1), methods=["POST"]),
        Route(f"{_AT}/put", put, methods=["POST"]),
        Route(f"{_AT}/remove", http.answering(http.remove), methods=["POST"]),
        Route(f"{_AT}/remove-before", http.answering(http.remove_before, since=3), methods=["POST"]),
        Route(f"{_AT}/gettimestamp", http.answering(http.get_timestamp, since=3), methods=["POST"]),
        Route(f"{_AT}/lockcontent", http.answering(http.lock_content), methods=["POST"]),
        Route(f"{_AT}/keeplocked", keep_locked, methods=["POST"]),
        Route(f"{_AT}/{several.GET}", get_several, methods=["POST"]),
        Route(f"{_AT}/{several.PUT}", put_several, methods=["POST"]),
    ]
