"""Git-annex's P2P protocol over HTTP as tests speak it, to the hub or to git-annex's own server."""

from __future__ import annotations

import hashlib
import http.client
import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from support.hubs import Reply


def key_of(data: bytes, backend: str = "SHA256E", extension: str = ".dat") -> str:
    """Name content as git-annex does."""
    kind = backend.removesuffix("E").lower()
    extension = extension if backend.endswith("E") else ""
    return f"{backend}-s{len(data)}--{hashlib.new(kind, data).hexdigest()}{extension}"


class P2p(NamedTuple):
    """One annex at one address; `headers` say who asks."""

    url: str
    uuid: str
    headers: Mapping[str, str] = {}
    version: int = 4

    def ask(
        self,
        method: str,
        action: str,
        body: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        version: int | None = None,
        **query: Any,
    ) -> Reply:
        """Make one request."""
        number = self.version if version is None else version
        words = urlencode({"clientuuid": "11111111-2222-3333-4444-555555555555"} | query)
        path = f"/git-annex/{self.uuid}/v{number}/{action}?{words}"
        return self.raw(method, path, body, headers=headers)

    def raw(
        self, method: str, path: str, body: bytes = b"", *, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Make one request at an address as it is."""
        wire = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=60)
        try:
            kind = {"Content-Type": "application/octet-stream"} if body else {}
            wire.request(method, path, body, {**kind, **self.headers, **(headers or {})})
            answer = wire.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            wire.close()

    def told(self, action: str, **query: Any) -> Any:
        """Ask, and give the JSON of the answer, which must be 200."""
        reply = self.ask("POST", action, **query)
        assert reply.status == 200, reply
        return json.loads(reply.body)

    def get(self, key: str, **query: Any) -> Reply:
        """Ask for content."""
        return self.ask("GET", f"key/{quote(key, safe='')}", **query)

    def put(self, key: str, data: bytes, *, length: int | None = None, **query: Any) -> Reply:
        """Send content."""
        announced = {"X-git-annex-data-length": str(len(data) if length is None else length)}
        return self.ask("POST", "put", data, headers=announced, key=key, **query)

    def stored(self, key: str, data: bytes, **query: Any) -> bool:
        """Send content, and give what is said of it."""
        reply = self.put(key, data, **query)
        assert reply.status == 200, reply
        answer = json.loads(reply.body)["stored"]
        assert isinstance(answer, bool)
        return answer
