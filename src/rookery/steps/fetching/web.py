"""One request for the content of a URL: who asks, what came back, what went wrong.

Knows http, https and file.  Redirects are followed; a name and password go to
the origin (scheme, host, port) that they belong to and to no other.
"""

from __future__ import annotations

import http.client
import netrc
import os
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from rookery import __version__
from rookery.core.errors import AccessDeniedError, AccessFailedError, DownloadError, IncompleteDownloadError
from rookery.core.keepalive import Connect, KeepAlive
from rookery.core.proxies import Proxies
from rookery.core.webrequest import Login, basic

SCHEMES = ("file", "http", "https")

# A server that is silent for so long is gone; a slow one that sends now and then is not.
PATIENCE = 60.0

OK, PARTIAL, RANGE_NOT_SATISFIABLE = 200, 206, 416
# A busy or troubled server: another try may find it better.
PASSING = frozenset({408, 425, 429, *range(500, 600)})
GONE = frozenset({404, 410})


class NothingMoreError(IncompleteDownloadError):
    """What was asked for begins where the content ends."""


class Answer(NamedTuple):
    """An answer that can be read: `body` holds the bytes from `start` on, `total` counts all if the server said.

    `name` is the file name that server or URL suggest, "" if neither does.
    `validator` names the version of the content, None if the server does not;
    `version` is how an S3 bucket that keeps versions names the one it serves.
    """

    body: IO[bytes]
    start: int
    total: int | None
    url: str
    name: str
    validator: str | None
    modified: float | None
    version: str | None = None


def without_login(url: str) -> tuple[str, Login | None]:
    """Take name and password out of a URL."""
    parts = urlsplit(url)
    userinfo, at, place = parts.netloc.rpartition("@")
    if not at:
        return url, None
    user, _, password = userinfo.partition(":")
    return urlunsplit(parts._replace(netloc=place)), Login(unquote(user), unquote(password))


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Give what a name and password are bound to: scheme, host and port."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port


class Logins:
    """The names and passwords of one command: those in its URLs, and those of the user's netrc file if it is `read`."""

    def __init__(self, env: Mapping[str, str], *, read: bool = True) -> None:
        self._env = env
        self._no_file = not read
        self._given: dict[tuple[str, str, int | None], Login] = {}
        self._netrc: netrc.netrc | None = None

    def give(self, url: str, login: Login) -> None:
        """Note the login for the origin of a URL."""
        self._given[origin_of(url)] = login

    def find(self, url: str) -> Login | None:
        """Find the login for a URL.  Raises DownloadError when the netrc file cannot be understood."""
        if (given := self._given.get(origin_of(url))) is not None:
            return given
        if self._no_file:
            return None
        entry = self._read().authenticators(urlsplit(url).hostname or "")
        return Login(entry[0], entry[2] or "") if entry else None

    def _read(self) -> netrc.netrc:
        if self._netrc is None:
            home = self._env.get("HOME") or os.path.expanduser("~")
            file = self._env.get("NETRC") or os.path.join(home, ".netrc")
            try:
                self._netrc = netrc.netrc(file if os.path.exists(file) else os.devnull)
            except netrc.NetrcParseError as e:
                # the error's own text may quote the file
                raise DownloadError(f"{file} cannot be understood (line {e.lineno})") from None
        return self._netrc


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects, with the login of the new origin and never with that of the old one."""

    def __init__(self, logins: Logins, allowed: Callable[[str], bool]) -> None:
        self._logins = logins
        self._allowed = allowed

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if not self._allowed(newurl):
            return None
        newurl, login = without_login(newurl)
        if login is not None:
            self._logins.give(newurl, login)
        again = super().redirect_request(req, fp, code, msg, headers, newurl)
        if again is not None:
            _identify(again, self._logins)
        return again


def _identify(request: urllib.request.Request, logins: Logins) -> None:
    login = logins.find(request.full_url)
    if login is not None:
        request.add_unredirected_header("Authorization", basic(login.user, login.password))


class Web:
    """Asks for URLs, for the length of one command, from any number of threads; to be closed.

    `connect` makes connections to http and https servers that are not reached by a proxy; redirects are followed
    to what is `allowed`.  Without `logins` the user's netrc file is not read.
    """

    def __init__(
        self,
        env: Mapping[str, str],
        *,
        connect: Connect | None = None,
        allowed: Callable[[str], bool] = lambda _: True,
        logins: bool = True,
    ) -> None:
        self.logins = Logins(env, read=logins)
        self._opener = urllib.request.OpenerDirector()
        self._lines = KeepAlive(PATIENCE, connect)
        proxies = Proxies(env)
        direct = (
            (self._lines,) if proxies.none else (urllib.request.HTTPHandler(), urllib.request.HTTPSHandler())
        )
        for handler in (
            proxies,
            _Redirects(self.logins, allowed),
            *direct,
            urllib.request.HTTPErrorProcessor(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.UnknownHandler(),  # where a redirect leads to another scheme
        ):
            self._opener.add_handler(handler)

    def __enter__(self) -> Web:
        return self

    def __exit__(self, *failure: object) -> None:
        self._lines.close()

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._lines.stopped

    def stop(self) -> None:
        """Let what is under way in other threads fail at once, and begin nothing anew."""
        self._lines.stop()

    @contextmanager
    def open(self, url: str, *, start: int = 0, validator: str | None = None) -> Iterator[Answer]:
        """Ask for the content of a URL (without a login in it), from byte `start` on if it is still the same.

        The answer says where it really starts.  Raises DownloadError and its kinds.
        """
        scheme = urlsplit(url).scheme
        if scheme not in SCHEMES:
            known = ", ".join(SCHEMES)
            raise DownloadError(f"Do not know how to handle url {url} for scheme {scheme}. Known: {known}")
        if scheme == "file":
            with _open_file(url, start, validator) as answer:
                yield answer
            return
        headers = {"Accept-Encoding": "identity", "User-Agent": f"rookery/{__version__}"}
        if start and validator is not None:
            headers |= {"Range": f"bytes={start}-", "If-Range": validator}
        request = urllib.request.Request(_sendable(url), headers=headers)
        _identify(request, self.logins)
        with self._ask(request, url) as response:
            yield _answer(response, url, start)

    def _ask(self, request: urllib.request.Request, url: str) -> Any:
        try:
            return self._opener.open(request, timeout=PATIENCE)
        except urllib.error.HTTPError as e:
            e.close()
            raise _refusal(url, e.code, known=self.logins.find(e.url or url) is not None) from e
        except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as e:
            reason = getattr(e, "reason", None) or e
            lasting = isinstance(reason, (ssl.SSLCertVerificationError, socket.gaierror, ValueError))
            raise AccessFailedError(
                f"Failed to establish a new session in 1 attempt -caused by- {url}: {reason}",
                hints=["check the address, the network and the proxy settings"],
                again=not lasting,
            ) from e


def _sendable(url: str) -> str:
    """Quote what may not stand in a request, and leave what is quoted as it is."""
    parts = urlsplit(url)
    path, query = (quote(p, safe="%/:=&?~#+!$,;'@()*[]|") for p in (parts.path, parts.query))
    return urlunsplit(parts._replace(path=path, query=query, fragment=""))


def _refusal(url: str, status: int, *, known: bool) -> DownloadError:
    text = f"Access to {url} has failed: "
    if status in GONE:
        return DownloadError(text + "not found")
    text += f"status code {status}"
    if status in PASSING:
        return AccessFailedError(text, hints=["the server is in trouble or busy: try again later"])
    if status == RANGE_NOT_SATISFIABLE:
        return NothingMoreError(text)
    host = urlsplit(url).hostname
    advice = {
        401: f"put a line `machine {host} login NAME password SECRET` into ~/.netrc, readable by you only",
        403: f"ask who runs {host} for permission, or use a login that has it",
        407: "name the proxy with its login in https_proxy and http_proxy",
    }
    if status == 401 and known:
        advice[401] = f"the login for {host} (in the URL or in ~/.netrc) is not accepted: correct it"
    return AccessDeniedError(text, hints=[advice[status]] if status in advice else [])


def _answer(response: Any, url: str, asked_from: int) -> Answer:
    headers: Message = response.headers
    length = headers.get("Content-Length", "")
    size = int(length) if length.strip().isdigit() else None
    start, total = 0, size
    if response.status == PARTIAL:
        start, total = _content_range(headers.get("Content-Range", ""))
        if start != asked_from:
            raise AccessFailedError(f"{url} was asked from byte {asked_from} and answers from byte {start}")
    tag = headers.get("ETag", "").strip()
    modified = headers.get("Last-Modified", "").strip()
    # A weak tag does not promise the same bytes, and If-Range does not take one (RFC 9110, 13.1.5).
    validator = tag if tag.startswith('"') else modified if modified and not tag else None
    return Answer(
        response,
        start,
        total,
        response.url,
        _said_name(headers) or straight_name(response.url),
        validator,
        _moment(modified),
        headers.get("x-amz-version-id"),
    )


def _content_range(text: str) -> tuple[int, int | None]:
    """Read `bytes 10-99/100`; (-1, None) if it is anything else."""
    unit, _, rest = text.strip().partition(" ")
    span, _, total = rest.partition("/")
    first, dash, _ = span.partition("-")
    if unit != "bytes" or not dash or not first.isdigit():
        return -1, None
    return int(first), int(total) if total.isdigit() else None


def _moment(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except ValueError:
        return None  # a date that nobody can read is no date


def _said_name(headers: Message) -> str:
    """Give the file name of Content-Disposition, without any folder that it may have."""
    if "Content-Disposition" not in headers:
        return ""
    name = headers.get_filename() or ""
    name = name.strip("\"'").replace("\\", "/").rpartition("/")[2]
    return "" if name in (".", "..") or "\0" in name else name


def straight_name(url: str) -> str:
    """Give the last part of a URL's path, unquoted; "" if it ends in a slash."""
    name = unquote(urlsplit(url).path.rpartition("/")[2], errors="surrogateescape").rpartition("/")[2]
    return "" if name in (".", "..") or "\0" in name else name


@contextmanager
def _open_file(url: str, start: int, validator: str | None) -> Iterator[Answer]:
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise DownloadError(
            f"Access to {url} has failed: it names another machine", hints=["use file:///path"]
        )
    path = Path(os.fsdecode(unquote(parts.path, errors="surrogateescape").encode("utf-8", "surrogateescape")))
    try:
        body = open(path, "rb")  # noqa: SIM115  the caller's own errors must not be taken for the file's
    except (FileNotFoundError, NotADirectoryError) as e:
        raise DownloadError(f"Access to {url} has failed: not found") from e
    except (PermissionError, IsADirectoryError) as e:
        raise AccessDeniedError(f"Access to {url} has failed: {e.strerror}") from e
    with body:
        stat = os.fstat(body.fileno())
        now = f"{stat.st_size}-{stat.st_mtime_ns}-{stat.st_ino}"
        begin = start if validator == now and start <= stat.st_size else 0
        body.seek(begin)
        yield Answer(body, begin, stat.st_size, url, straight_name(url), now, stat.st_mtime)
