"""Files from web servers, as `git annex addurl` makes them: fetched several at a time, taken in and registered in bulk.

Only what git-annex would fetch itself, in its usual way, is fetched here; all
else, and whatever goes wrong, is left to it, and it has the last word.  A file
that has its name and was not taken in when we were killed is known again by
the note of that (`Placed`).
"""

from __future__ import annotations

import http.client
import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from rookery.annex.adding import Added
from rookery.annex.branch_writing import NotForUs
from rookery.annex.ingest import Ingested
from rookery.annex.nearby import plain
from rookery.annex.outcome import Listener
from rookery.annex.reachable import open_http
from rookery.annex.taking import take
from rookery.annex.web.download import Rules
from rookery.annex.web.registering import register, require_unclaimed
from rookery.core.errors import CommandError, DownloadError
from rookery.core.keepalive import Connect
from rookery.core.log import get_log
from rookery.core.process import decode, encode
from rookery.core.progress import Silent
from rookery.dataset.model import Dataset
from rookery.steps.fetching.download import AT_ONCE, Downloader
from rookery.steps.fetching.partial import Brought, Placed, Target, marks, placed_before
from rookery.steps.fetching.web import Web

log = get_log("rookery.addurls")

# So much is taken in together: each time costs some processes, and what waits is not told of.
MOST_FILES, MOST_BYTES = 1000, 1 << 30

# git-annex would ask yt-dlp for what is in such a page, where it may connect to anywhere.
_PAGES = (b"<!doctype html", b"<html")


def add_from_web(
    ds: Dataset, url_of: dict[str, str], *, jobs: int | str | None, hear: Listener | None
) -> Generator[Added, None, dict[str, str]]:
    """Add files (path -> URL) and stage them; yield what was added, and return what is left to git-annex."""
    repo = ds.repo
    left = dict(url_of)
    try:
        settings = plain.read_settings(repo)
        plain.require_plain(repo, settings)
        rules = Rules(settings, repo.runner.env)
        mine = {path: url for path, url in url_of.items() if rules.allowed(url)}
        mine = _unclaimed(ds, _not_ignored(ds, mine))
        reserve = plain.reserve(settings)
    except (NotForUs, CommandError, OSError) as e:
        log.debug("addurl is left to git-annex: %s", e)
        return left
    if not mine:
        return left
    web = Web(repo.runner.env, connect=_connecting(rules), allowed=rules.allowed, logins=False)
    keep = kept(ds)
    heard = _Heard(hear, mine)
    with Downloader(
        ds.ctx, keep, retries=0, web=web, progress=heard, reserve=reserve, dated=False
    ) as downloader:
        adding = _Adding(ds, mine, downloader, keep, pages="all" in _words(settings))
        at_once = jobs if isinstance(jobs, int) and jobs > 1 else AT_ONCE
        for added in adding.run(at_once):
            del left[added.path]
            yield added
    return left


def kept(ds: Dataset) -> Path:
    """Give the private folder of downloads, where `partial.settled` is to be called when all is saved."""
    return ds.repo.commondir / "rookery" / "downloads"


def _words(settings: Mapping[str, str]) -> list[str]:
    keys = ("annex.security.allowed-ip-addresses", "annex.security.allowed-http-addresses")
    return [word for key in keys for word in settings.get(key, "").split()]


def _unclaimed(ds: Dataset, url_of: Mapping[str, str]) -> dict[str, str]:
    """Leave out what may be something else than a file to git-annex (a torrent, a remote's own)."""
    mine = {path: url for path, url in url_of.items() if not urlsplit(url).path.lower().endswith(".torrent")}
    require_unclaimed(ds.repo, list(mine.values()))
    return mine


def _not_ignored(ds: Dataset, url_of: Mapping[str, str]) -> dict[str, str]:
    """Leave out paths that Git is told to ignore."""
    listing = b"".join(encode(path) + b"\0" for path in url_of)
    answer = ds.repo.run("check-ignore", "-z", "--stdin", stdin=listing, ok=(0, 1)) if listing else None
    ignored = {decode(path) for path in answer.stdout.split(b"\0")} if answer is not None else set()
    return {path: url for path, url in url_of.items() if path not in ignored}


def _connecting(rules: Rules) -> Connect:
    """Connect to where git-annex would."""

    def connect(secure: bool, host: str, port: int) -> http.client.HTTPConnection:
        try:
            found = rules.endpoints(host, port)
        except NotForUs as e:
            raise ConnectionRefusedError(e.message) from e
        return open_http(found, host, port, rules.tls if secure else None)

    return connect


class _Heard(Silent):
    """News of downloads for a listener that knows files by their paths."""

    def __init__(self, hear: Listener | None, url_of: dict[str, str]) -> None:
        self._hear = hear
        self._paths = {url: path for path, url in reversed(url_of.items())}
        self._totals: dict[str, int | None] = {}

    def start(self, task: str, label: str, total: int | None = None, unit: str = "B") -> None:  # noqa: ARG002 - of the protocol
        """Note how much is to come of a URL."""
        self._totals[task] = total

    def set(self, task: str, done: int) -> None:
        """Tell how much of a URL has come."""
        if self._hear is not None:
            self._hear(self._paths[task], done, self._totals.get(task))


class _Adding:
    """Files on their way from the web into one dataset."""

    def __init__(
        self, ds: Dataset, url_of: Mapping[str, str], downloader: Downloader, keep: Path, *, pages: bool
    ) -> None:
        self._ds = ds
        self._url_of = url_of
        self._downloader = downloader
        self._pages = pages
        self._before = placed_before(keep)
        self._placed = Placed(keep)
        self._here: set[str] = set()
        self._size = 0

    def run(self, at_once: int) -> Iterator[Added]:
        """Fetch, and take in what is there; nothing is said of what did not come."""
        wanted: list[tuple[str, str]] = []
        asked: set[str] = set()
        for path, url in self._url_of.items():
            file = self._ds.path / path
            if not os.path.lexists(file):
                if url not in asked:  # a second file of the same URL is git-annex's: it has the content then
                    asked.add(url)
                    wanted.append((path, url))
            elif self._before.get(str(file)) == marks(os.lstat(file)):
                self._here.add(path)
        targets = [(url, Target(self._ds.path / path, False)) for path, url in wanted]
        for number, brought in self._downloader.bring_all(targets, at_once=at_once):
            path, url = wanted[number]
            if isinstance(brought, DownloadError):
                log.debug("%s is left to git-annex: %s", url, brought)
                continue
            self._place(path, brought)
            if len(self._here) >= MOST_FILES or self._size >= MOST_BYTES:
                yield from self._take_in()
        yield from self._take_in()

    def _place(self, path: str, brought: Brought) -> None:
        if self._pages and _is_page(brought.partial.path):
            brought.partial.forget()
            return
        self._placed.note(brought)
        try:
            brought.place()
        except DownloadError as e:
            log.debug("%s is left to git-annex: %s", path, e)
            return
        self._here.add(path)
        self._size += brought.size

    def _take_in(self) -> Iterator[Added]:
        here = [path for path in self._url_of if path in self._here]
        self._here, self._size = set(), 0
        taken = list(take(self._ds.repo, here, now=self._ds.ctx.clock()))
        yield from self._registered(taken)

    def _registered(self, taken: Sequence[Ingested]) -> Iterator[Added]:
        annexed = {one.path: one.key for one in taken if one.ok and one.key}
        pairs = [(key, self._url_of[path]) for path, key in annexed.items()]
        told = register(self._ds.repo, pairs, now=self._ds.ctx.clock())
        failed = {(key, url): why for key, url, why in told if why}
        for one in taken:
            if not one.ok or one.silent:
                yield Added(one.path, None, False, one.message)
                continue
            why = failed.get((one.key or "", self._url_of[one.path]))
            yield Added(one.path, one.key, why is None, why or _note(one))


def _note(one: Ingested) -> str:
    """Remark what git-annex remarks (10.20261026)."""
    return f"to {one.path}" if one.key else f"to {one.path}; non-large file; adding content to git repository"


def _is_page(file: Path) -> bool:
    with open(file, "rb") as content:
        return content.read(1024).lstrip().lower().startswith(_PAGES)
