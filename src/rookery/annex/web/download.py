"""One content from one URL: by requests that git-annex would allow, on connections that are kept open.

Redirects are followed, and each place is looked at as the first one was.  What
came before is gone on with (`Range`) if the key has a checksum: it tells in the
end whether the two parts belong together.
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from rookery import __version__
from rookery.annex.branch_writing import NotForUs
from rookery.annex.incoming.arrival import Arrival
from rookery.annex.nearby.placing import Unplaced
from rookery.annex.nearby.plain import Settings
from rookery.annex.reachable import Endpoint, endpoints, open_http, trusted

PIECE = 1 << 20

# As git-annex's HTTP library does.
MOST_REDIRECTS = 10

REDIRECTS = frozenset({301, 302, 303, 307, 308})
OK, PARTIAL = 200, 206

_TROUBLE = (OSError, http.client.HTTPException, ValueError)


class NotFetched(Unplaced):
    """A URL did not give the content; git-annex may know another way, or says why."""


class _Place(NamedTuple):
    """What a connection leads to."""

    secure: bool
    host: str
    port: int


class Rules:
    """What may be asked for, here and now; threads share it."""

    def __init__(self, settings: Settings, env: Mapping[str, str]) -> None:
        """Read the settings.  Raises NotForUs where git-annex would not go straight to the server, OSError."""
        proxies = [n for n in env if n.lower().endswith("_proxy") and n.lower() != "no_proxy" and env[n]]
        odd = [
            n
            for n in settings
            if n.startswith("remote.web.") or (n.startswith("http.") and n.endswith(".proxy"))
        ]
        if proxies or odd or "http.proxy" in settings:
            raise NotForUs(f"git-annex knows better what to do with {[*proxies, *odd]}")
        self._settings = settings
        self._env = env
        self._schemes = settings.get("annex.security.allowed-url-schemes", "http https ftp").split()
        self._known: dict[tuple[str, int], list[Endpoint]] = {}
        self.tls = trusted(settings, env)

    def allowed(self, url: str) -> bool:
        """Say whether a URL is one that we may ask for, as far as its letters tell."""
        if not url.isascii() or not url.isprintable() or " " in url:
            return False  # git-annex has a way of its own to write these
        parts = urlsplit(url)
        with suppress(ValueError):
            known = parts.scheme in ("http", "https") and parts.scheme in self._schemes
            return known and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
        return False

    def endpoints(self, host: str, port: int) -> list[Endpoint]:
        """Look a host up, once.  Raises NotForUs, OSError."""
        if (host, port) not in self._known:
            self._known[host, port] = endpoints(self._settings, host, port)
        return self._known[host, port]


class Downloads:
    """The connections of one thread."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._lines: dict[_Place, http.client.HTTPConnection] = {}
        self._busy: socket.socket | None = None
        self._stopped = False

    def stop(self) -> None:
        """Let what is under way in another thread fail at once, and begin nothing anew."""
        self._stopped = True
        if (busy := self._busy) is not None:
            with suppress(OSError):
                busy.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Hang up."""
        lines, self._lines = self._lines, {}
        for line in lines.values():
            line.close()

    def fetch(self, url: str, arrival: Arrival, offset: int) -> None:
        """Bring a content, from `offset` on if the server can do that.  Raises NotFetched, Unplaced, OSError."""
        answer = self._answer(url, offset)
        try:
            if answer.status == PARTIAL:
                if _begins(answer) != offset or not offset:
                    raise NotFetched(f"{url} answers from another byte than it was asked")
            elif answer.status == OK:
                arrival.restart()
            else:
                raise NotFetched(f"{url} answers with status {answer.status}")
            length = answer.length
            if length is not None and not arrival.fits(length):
                raise NotFetched(f"{url} has content of another size")
            self._receive(url, answer, arrival)
        except BaseException:
            self.close()  # what is still to come on that connection nobody reads
            raise
        arrival.finish()

    def _receive(self, url: str, answer: http.client.HTTPResponse, arrival: Arrival) -> None:
        while True:
            try:
                piece = answer.read(PIECE)
            except _TROUBLE as e:
                raise NotFetched(f"{url}: {e}") from e
            if not piece:
                break
            arrival.write(piece)
            if arrival.size is not None and arrival.done > arrival.size:
                arrival.restart()
                raise NotFetched(f"{url} has content of another size")
        if answer.length:  # http.client does not say so itself where it was asked for so many bytes
            raise NotFetched(f"{url} was cut {answer.length} bytes before the end")

    def _answer(self, url: str, offset: int) -> http.client.HTTPResponse:
        for _ in range(MOST_REDIRECTS):
            answer = self._ask(url, offset)
            target = answer.headers.get("Location")
            if answer.status not in REDIRECTS or target is None:
                return answer
            with suppress(*_TROUBLE):
                answer.read(PIECE)
            if not answer.isclosed():
                self.close()
            url = urljoin(url, target)
            if not self._rules.allowed(url):
                break
        raise NotFetched(f"{url} leads further than we go")

    def _ask(self, url: str, offset: int) -> http.client.HTTPResponse:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        place = _Place(secure, parts.hostname or "", parts.port or (443 if secure else 80))
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"User-Agent": f"rookery/{__version__}", "Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        try:
            if place in self._lines:
                with suppress(*_TROUBLE):  # the server may have closed it meanwhile
                    return self._exchange(place, target, headers)
                self._lines.pop(place).close()
            found = self._rules.endpoints(place.host, place.port)
            self._lines[place] = open_http(found, place.host, place.port, self._rules.tls if secure else None)
            return self._exchange(place, target, headers)
        except NotForUs as e:
            raise NotFetched(e.message) from e
        except _TROUBLE as e:
            self.close()
            raise NotFetched(f"{url}: {e}") from e

    def _exchange(self, place: _Place, target: str, headers: Mapping[str, str]) -> http.client.HTTPResponse:
        line = self._lines[place]
        self._busy = line.sock  # also when the answer is all that holds it
        if self._stopped:
            raise OSError("the command ends")
        line.request("GET", target, headers=dict(headers))
        answer = line.getresponse()
        if answer.will_close:
            del self._lines[place]  # the answer holds what it needs of the connection
        return answer


def _begins(answer: http.client.HTTPResponse) -> int | None:
    """Read where the body begins: `bytes 10-99/100`."""
    unit, _, rest = (answer.headers.get("Content-Range") or "").strip().partition(" ")
    first, dash, _ = rest.partition("-")
    return int(first) if unit == "bytes" and dash and first.isdecimal() and first.isascii() else None
