"""What the API's description says of all routes: how one signs in, and what refusals look like."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from rookery.hub.http_api.answers import Problem
from rookery.hub.services.archive_kinds import KINDS

_REFUSALS = {
    401: "Nobody signed in, or what was to say who asks is not good",
    403: "It may be seen, and this may not be done",
    404: "There is no such thing, or whoever asks may not know of it",
    409: "Somebody else holds it at this moment",
    413: "Larger than a quota or a limit",
    422: "It makes no sense, or is there already",
    429: "Too often; the header Retry-After says when to try again",
    503: "The store of contents or the database does not answer; try again later",
}

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": text} for status, text in _REFUSALS.items()
}

_ANY = {"type": "string", "format": "binary"}

BYTES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The bytes", "content": {"application/octet-stream": {"schema": _ANY}}},
    206: {"description": "A part of them", "content": {"application/octet-stream": {"schema": _ANY}}},
    304: {"description": "The client has them: its If-None-Match names their ETag"},
    416: {"description": "There is no such part"},
}

ARCHIVE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The archive",
        "content": {kind.media_type: {"schema": _ANY} for kind in KINDS},
    }
}


class Described(FastAPI):
    """The application, whose description says how to sign in: not at all, with a token, or with name and password."""

    def openapi(self) -> dict[str, Any]:
        """Give the description; made once."""
        if self.openapi_schema is None:
            made = super().openapi()
            made["components"]["securitySchemes"] = {
                "token": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "`token TOKEN` or `Bearer TOKEN`",
                },
                "basic": {"type": "http", "scheme": "basic", "description": "Name and password, or a token"},
            }
            made["security"] = [{}, {"token": []}, {"basic": []}]
        assert self.openapi_schema is not None
        return self.openapi_schema
