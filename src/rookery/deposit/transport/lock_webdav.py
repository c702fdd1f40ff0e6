"""A cell on a WebDAV server: one collection for each value, numbered, of which the highest counts.

What only one can do is MKCOL of the next number: a server must answer 405 where
something is already (RFC 4918, 9.3.1), and file systems and databases below it
do that in one step.  Conditions on PUT (If-None-Match, If-Match) are looked at
first and obeyed a moment later by servers that keep files, and by some not at
all.

    FOLDER/7/lease      the value, put there by who made the collection

A number without a value, or with an empty one (servers that keep files make
them first and fill them then), is one whose maker is about to put it, or has
died: it counts as held until it is older than GRACE, by the server's own clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

from rookery.core.errors import AccessFailedError
from rookery.core.webrequest import Answer, Login, basic, send, shown
from rookery.deposit.terms.store import Unreadable
from rookery.deposit.transport.lock_refusal import CannotLock
from rookery.deposit.transport.locks import KEPT

# Below the special remote's address; git-annex never looks there.
FOLDER = ".rookery-lock"
VALUE = "lease"

GRACE = 60.0
# What `Lease` reads as held, by nobody that could be asked.
UNFINISHED = b'{"expires": Infinity, "token": "unfinished"}\n'
LISTING = (
    b'<?xml version="1.0" encoding="utf-8"?>'
    b'<propfind xmlns="DAV:"><prop><getlastmodified/><creationdate/></prop></propfind>'
)


class WebDavCell:
    """One small object at `url` (a folder of its own) that is replaced only if nobody else has done so.

    The server is tried out at the first swap: raises CannotLock if two can make the same collection.
    """

    def __init__(self, env: Mapping[str, str], url: str, login: Login | None) -> None:
        self._env = env
        self._url = url.rstrip("/")
        self._login = login
        self._tried = False

    def get(self) -> tuple[bytes, str] | None:
        """Give the newest value with its number.  Raises Unreadable."""
        while (found := self._numbers()) is not None and found:
            number, age = max(found.items())
            answer = self._send("GET", f"{number}/{VALUE}")
            if answer.status == 200 and answer.body:
                return answer.body, str(number)
            if answer.status not in (200, 404, 410):
                raise self._unreadable("GET", answer)
            if age is None or age > GRACE:
                return b"", str(number)
            if max(self._numbers() or [0]) == number:  # else it was cleared away: there is a newer one
                return UNFINISHED, str(number)
        return None

    def swap(self, content: bytes, *, tag: str | None) -> str | None:
        """Make the next number, if it is still free and nobody is further.  Raises Unreadable, CannotLock."""
        mine = int(tag or 0) + 1
        self.try_out()
        if not self._make(str(mine)):
            return None
        try:
            answer = self._send("PUT", f"{mine}/{VALUE}", content)
            if answer.status not in (200, 201, 204):
                raise self._unreadable("PUT", answer)
            numbers = sorted(self._numbers() or {})
        except Unreadable:
            # It is ours, and nobody is told so: left there it would keep all out, ourselves too.
            with suppress(Unreadable):
                self._send("DELETE", str(mine))
            raise
        if not numbers or numbers[-1] != mine:  # we had slept so long that somebody took over
            self._send("DELETE", str(mine))
            return None
        for old in numbers[:-KEPT]:
            self._send("DELETE", str(old))
        return str(mine)

    def try_out(self) -> None:
        """Make our folder, with those above it, and see that it cannot be made twice.  Raises CannotLock."""
        if self._tried:
            return
        self._make_folder(self._url)
        again = self._request("MKCOL", f"{self._url}/")
        if again.status in (200, 201, 204):
            raise CannotLock(shown(self._url), "a collection can be made twice, MKCOL does not answer 405")
        if again.status != 405:
            raise self._unreadable("MKCOL", again)
        self._tried = True

    def _make_folder(self, url: str) -> None:
        answer = self._request("MKCOL", f"{url}/")
        if answer.status == 409 and urlsplit(url).path.strip("/"):
            self._make_folder(url.rpartition("/")[0])
            answer = self._request("MKCOL", f"{url}/")
        # 405: it is there.  Of two that make it in the same moment some servers tell one that it failed (wsgidav: 500).
        if answer.status not in (200, 201, 204, 405) and not self._stands(url):
            raise self._unreadable("MKCOL", answer)

    def _stands(self, url: str) -> bool:
        return self._request("PROPFIND", f"{url}/", LISTING, {"Depth": "0"}).status == 207

    def _make(self, name: str) -> bool:
        answer = self._send("MKCOL", f"{name}/")
        if answer.status in (201, 200, 204):
            return True
        # 405: it is there.  See _make_folder for why the others are asked about.
        if answer.status == 405 or int(name) in (self._numbers() or {}):
            return False
        raise self._unreadable("MKCOL", answer)

    def _numbers(self) -> dict[int, float | None] | None:
        """List the numbers that are there, each with its age in seconds if the server says; None: no folder."""
        answer = self._send("PROPFIND", "", LISTING, {"Depth": "1"})
        if answer.status in (404, 410):
            return None
        if answer.status != 207:
            raise self._unreadable("PROPFIND", answer)
        try:
            return dict(_listed(answer))
        except ElementTree.ParseError as e:
            raise Unreadable(f"the listing of {shown(self._url)} cannot be understood: {e}") from e

    def _send(
        self, method: str, name: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        return self._request(method, f"{self._url}/{name}", body, headers)

    def _request(
        self, method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        login = {} if self._login is None else {"Authorization": basic(*self._login)}
        try:
            return send(self._env, method, url, headers={**login, **(headers or {})}, body=body)
        except AccessFailedError as e:
            raise Unreadable(e.message, hints=e.hints) from e

    def _unreadable(self, method: str, answer: Answer) -> Unreadable:
        said = f"{method} was answered {answer.status}"
        if answer.status == 403 and method not in ("GET", "PROPFIND"):
            return Unreadable(
                f"this login may not write at {shown(self._url.rpartition('/')[0])}: {said}",
                hints=["push with a login that may: dlacredential=NAME in the URL, or another environment"],
            )
        hints = ["check the login"] if answer.status in (401, 403) else ["try again later"]
        return Unreadable(f"the lock at {shown(self._url)}: {said}", hints=hints)


def _listed(answer: Answer) -> list[tuple[int, float | None]]:
    found = []
    for entry in ElementTree.fromstring(answer.body).iter("{DAV:}response"):
        name = unquote(urlsplit(entry.findtext("{DAV:}href") or "").path).rstrip("/").rpartition("/")[2]
        if name.isascii() and name.isdecimal():
            changed = next(entry.iter("{DAV:}getlastmodified"), None)
            found.append((int(name), _age(answer, None if changed is None else changed.text)))
    return found


def _age(answer: Answer, changed: str | None) -> float | None:
    try:
        now = parsedate_to_datetime(answer.headers.get("Date", ""))
        return (now - parsedate_to_datetime(changed or "")).total_seconds()
    except (ValueError, TypeError):
        return None
