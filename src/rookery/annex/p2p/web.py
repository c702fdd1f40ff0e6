"""The P2P protocol over HTTP: siblings behind `git annex p2phttp`, and what speaks as it does.

The requests are those of https://git-annex.branchable.com/design/p2p_protocol_over_http/;
versions 0 to 4.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from rookery.annex.incoming.arrival import LARGE, STEP, Arrival
from rookery.annex.keys import size_of
from rookery.annex.nearby.content_locks import NotKept
from rookery.annex.nearby.placing import Unplaced
from rookery.annex.p2p import several
from rookery.annex.p2p.messages import NEWEST, BadMessage
from rookery.annex.p2p.peer import Content, Parcel, PeerLost
from rookery.annex.p2p.server import Server
from rookery.core.errors import LockedError
from rookery.core.process import encode

PIECE = 1 << 20

# What a server says in answer to a question is far shorter.
LONGEST_ANSWER = 64 * 1024

# Any key does to find out which version a server speaks; this is the one of no content.
_NOTHING = "MD5-s0--d41d8cd98f00b204e9800998ecf8427e"

_TROUBLE = (OSError, http.client.HTTPException, ValueError)

# How many bytes follow, whatever the encoding of the transfer; fewer that come mean that they are not valid.
_LENGTH = "X-git-annex-data-length"

_EMPTY = {"Content-Length": "0"}

Thing = TypeVar("Thing")


class WebPeer:
    """One connection to such a server; it is kept open from one request to the next."""

    def __init__(self, server: Server) -> None:
        """Connect, and find out the version if nobody has yet.  Raises PeerLost."""
        self._server = server
        self._line: http.client.HTTPConnection | None = None
        self._busy: socket.socket | None = None
        if server.version is None:
            server.version = self._newest()

    def close(self) -> None:
        """Hang up, also if another thread is waiting for an answer."""
        if (busy := self._busy) is not None:
            with suppress(OSError):
                busy.shutdown(socket.SHUT_RDWR)
        line, self._line = self._line, None
        if line is not None:
            line.close()

    def _newest(self) -> int:
        """Go down from the newest version to the first that the server knows, as git-annex does."""
        for version in range(NEWEST, -1, -1):
            self._server.version = version
            answer = self._send("POST", "checkpresent", {"key": _NOTHING}, headers=_EMPTY)
            self._skip(answer)
            if answer.status != 404:
                self._server.several = answer.headers.get(several.OFFER) == several.OFFERED
                return version
        self._server.version = None
        raise PeerLost(f"{self._server.address.host} has no repository {self._server.there}")

    def present(self, keys: Iterable[str]) -> Iterator[tuple[str, bool]]:
        """Ask for keys, one after the other."""
        for key in keys:
            status, told = self._ask("checkpresent", key=key)
            if status == 200 and isinstance(told.get("present"), bool):
                yield key, told["present"]

    def fetch(self, arrivals: Iterable[Arrival]) -> Iterator[Arrival]:
        """Bring contents, one after the other, or several small ones together."""
        for group in self._groups(arrivals, lambda arrival: arrival.size):
            came = self._fetch_together(group) if len(group) > 1 else {}
            for arrival in group:
                if arrival.item.key in came:
                    self._take_in(arrival, came.pop(arrival.item.key))
                else:
                    self._fetch_alone(arrival)
                yield arrival

    def _groups(self, things: Iterable[Thing], size: Callable[[Thing], int | None]) -> Iterable[list[Thing]]:
        return several.groups(things, size) if self._server.several else ([thing] for thing in things)

    def _fetch_together(self, arrivals: Sequence[Arrival]) -> dict[str, bytes]:
        """Ask for all in one request; what the answer lacks is asked for alone."""
        status, data = self._exchanged(several.GET, several.listed(a.item.key for a in arrivals))
        try:
            return dict(several.unpacked(data)) if status == 200 else {}
        except BadMessage as e:
            self.close()
            raise PeerLost(str(e)) from e

    def _take_in(self, arrival: Arrival, data: bytes) -> None:
        with suppress(Unplaced, LockedError, OSError):  # as in _fetch_alone
            try:
                arrival.begin()
                arrival.write(data)
                arrival.finish()
            finally:
                arrival.leave()

    def _fetch_alone(self, arrival: Arrival) -> None:
        try:
            self._bring(arrival, arrival.begin())
        except (Unplaced, LockedError, OSError):
            pass  # `ok` says it; the next engine finds out why for the person to read
        finally:
            arrival.leave()

    def _bring(self, arrival: Arrival, offset: int) -> None:
        try:
            self._receive(arrival, offset)
        except Unplaced:
            if not offset or arrival.done:
                raise
            self._receive(arrival, 0)  # what was there before was not the beginning of it

    def _receive(self, arrival: Arrival, offset: int) -> None:
        """Take in one content.  Raises Unplaced, OSError if it cannot be kept."""
        parameters = {"associatedfile": arrival.item.path or "", "offset": str(offset)}
        answer = self._send("GET", f"key/{_in_path(arrival.item.key)}", parameters)
        size = _length(answer)
        if answer.status != 200 or size is None or not arrival.fits(size):
            self._skip(answer)
            raise Unplaced(f"status {answer.status}, {size} bytes")
        rest = size
        while rest:
            piece = self._read(answer, min(rest, PIECE))
            if not piece:
                self._skip(answer)
                raise Unplaced("it changed while it was sent, or was not there")
            rest -= len(piece)
            try:
                arrival.write(piece)
            except OSError:
                self.close()
                raise
        self._skip(answer)
        arrival.finish()

    def store(self, parcels: Iterable[Parcel]) -> Iterator[tuple[Parcel, bool]]:
        """Send contents, one after the other, or several small ones together."""
        for group in self._groups(parcels, lambda parcel: size_of(parcel.item.key)):
            done = self._store_together(group) if len(group) > 1 else set()
            for parcel in group:
                yield parcel, parcel.item.key in done or self._store_alone(parcel)

    def _store_together(self, parcels: Sequence[Parcel]) -> set[str]:
        """Send all in one request; what the answer does not name is sent alone."""
        contents = []
        for parcel in parcels:
            with suppress(Unplaced), parcel.opened() as content:
                contents.append((parcel.item.key, os.pread(content.handle, content.size, 0)))
        status, data = self._exchanged(several.PUT, several.packed(contents))
        return set(several.keys_of(data)) if status == 200 else set()

    def _store_alone(self, parcel: Parcel) -> bool:
        try:
            with parcel.opened() as content:
                return self._store(parcel, content)
        except Unplaced:
            return False

    def _store(self, parcel: Parcel, content: Content) -> bool:
        offset = 0
        if content.size >= LARGE and self._server.version:
            status, told = self._ask("putoffset", key=parcel.item.key)
            if status == 200 and told.get("alreadyhave"):
                return True
            offset = told.get("offset", 0)
            if status != 200 or not isinstance(offset, int) or not 0 <= offset <= content.size:
                return False
        rest = content.size - offset
        answer = self._send(
            "POST",
            "put",
            {"key": parcel.item.key, "associatedfile": parcel.item.path or "", "offset": str(offset)},
            headers={
                _LENGTH: str(rest),
                "Content-Length": str(rest),
                "Content-Type": "application/octet-stream",
            },
            body=lambda: _pieces(parcel, content, offset),
        )
        status, told = self._told(answer)
        return status == 200 and told.get("stored") is True

    @contextmanager
    def kept(self, key: str) -> Iterator[None]:
        """Have a content kept: the server does so for ten minutes, or until it is told that it need not."""
        status, told = self._ask("lockcontent", key=key)
        lock = told.get("lockid")
        if told.get("locked") is False:
            raise NotKept(f"the other side does not keep {key}")
        if status != 200 or told.get("locked") is not True or not isinstance(lock, str):
            raise LockedError(f"the other side does not keep {key}")
        try:
            yield
        finally:
            end = b'{"unlock":true}'
            headers = {"Content-Length": str(len(end)), "Content-Type": "application/json"}
            with suppress(PeerLost):  # then it ends by itself
                parameters = {"lockid": lock}
                self._told(self._send("POST", "keeplocked", parameters, headers=headers, body=lambda: [end]))

    def _ask(self, action: str, **parameters: str) -> tuple[int, dict[str, Any]]:
        """Send a question, and give the status and what the answer tells."""
        return self._told(self._send("POST", action, parameters, headers=_EMPTY))

    def _exchanged(self, action: str, data: bytes) -> tuple[int, bytes]:
        """Send bytes, and give the status and the bytes of the answer."""
        headers = {"Content-Length": str(len(data)), "Content-Type": "application/octet-stream"}
        answer = self._send("POST", action, {}, headers=headers, body=lambda: [data])
        told = self._read(answer, several.LONGEST)
        self._skip(answer)
        return answer.status, told

    def _told(self, answer: http.client.HTTPResponse) -> tuple[int, dict[str, Any]]:
        raw = self._read(answer, LONGEST_ANSWER)
        self._skip(answer)
        if answer.status != 200:
            return answer.status, {}
        try:
            told = json.loads(raw)
        except ValueError as e:
            raise PeerLost(f"{raw[:80]!r} is no answer") from e
        return answer.status, told if isinstance(told, dict) else {}

    def _send(
        self,
        method: str,
        action: str,
        parameters: dict[str, str],
        *,
        headers: dict[str, str] | None = None,
        body: Callable[[], Iterable[bytes]] | None = None,
    ) -> http.client.HTTPResponse:
        """Send a request, with a login if the server wants one, and give the answer with its body unread."""
        server = self._server
        who = {**parameters, "clientuuid": server.here}
        query = urlencode({name: _bracketed(value) for name, value in who.items()})
        target = f"{server.address.base}/git-annex/{server.there}/v{server.version}/{action}?{query}"
        sent = server.authorization
        answer = self._exchange(method, target, headers or {}, body)
        if answer.status != 401:
            return answer
        self._skip(answer)
        if server.log_in(sent):
            answer = self._exchange(method, target, headers or {}, body)
            server.judge(accepted=answer.status != 401)
        return answer

    def _exchange(
        self, method: str, target: str, headers: dict[str, str], body: Callable[[], Iterable[bytes]] | None
    ) -> http.client.HTTPResponse:
        """Send one request; once more if the server had closed a connection that it had kept open until then."""
        kept_open = self._line is not None
        try:
            return self._exchange_once(method, target, headers, body)
        except _TROUBLE as e:
            self.close()
            if not kept_open or self._server.stopped:
                raise PeerLost(f"the connection is gone: {e}") from e
        try:
            return self._exchange_once(method, target, headers, body)
        except _TROUBLE as e:
            self.close()
            raise PeerLost(f"the connection is gone: {e}") from e

    def _exchange_once(
        self, method: str, target: str, headers: dict[str, str], body: Callable[[], Iterable[bytes]] | None
    ) -> http.client.HTTPResponse:
        if self._line is None:
            self._line = self._server.connect()
            self._busy = self._line.sock  # also when the answer is all that holds it
        headers = {**self._server.headers(), **headers}
        self._line.request(method, target, body=None if body is None else iter(body()), headers=headers)
        return self._line.getresponse()

    def _read(self, answer: http.client.HTTPResponse, size: int) -> bytes:
        try:
            return answer.read(size)
        except _TROUBLE as e:
            self.close()
            raise PeerLost(f"the connection was cut: {e}") from e

    def _skip(self, answer: http.client.HTTPResponse) -> None:
        """Leave the connection ready for the next request: what little is left is read, else it is closed."""
        if self._read(answer, LONGEST_ANSWER) or not answer.isclosed() or answer.will_close:
            self.close()


def _length(answer: http.client.HTTPResponse) -> int | None:
    text = answer.headers.get(_LENGTH) or ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def _pieces(parcel: Parcel, content: Content, start: int) -> Iterator[bytes]:
    at = told = start
    while at < content.size:
        piece = os.pread(content.handle, min(PIECE, content.size - at), at)
        if not piece:
            raise PeerLost("the content became shorter while it was sent")
        yield piece
        at += len(piece)
        if parcel.heard is not None and at - told >= STEP:
            told = at
            parcel.heard(at)


def _in_path(text: str) -> str:
    return quote(_bracketed(text), safe="")


def _bracketed(text: str) -> str:
    """Write what is no Unicode, or would be taken for this, as the protocol wants it."""
    raw = encode(text)
    try:
        raw.decode()
    except UnicodeDecodeError:
        pass
    else:
        if not text.startswith("["):
            return text
    return f"[{base64.urlsafe_b64encode(raw).decode()}]"
