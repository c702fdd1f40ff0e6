"""`get` from the web, at the URLs that git-annex has registered, several at a time."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rookery.annex import branch, checksum, remotes
from rookery.annex.branch_writing import NotForUs
from rookery.annex.identity import WEB
from rookery.annex.incoming.arrival import Arrival, Inlet
from rookery.annex.incoming.bringing import Bringing, here
from rookery.annex.keys import parse_key
from rookery.annex.logs import parse_presence
from rookery.annex.nearby import placing
from rookery.annex.nearby.neighbours import remotes_of, require_known
from rookery.annex.nearby.plain import Settings
from rookery.annex.outcome import Clock, Item, Listener
from rookery.core import pool
from rookery.core.errors import LockedError
from rookery.core.log import get_log
from rookery.git.repo import Repo

if TYPE_CHECKING:
    from rookery.annex.web.download import Downloads, Rules

log = get_log("rookery.web")

# As many as browsers open to one server.
AT_ONCE = 6


class _Web:
    """The web as a source: for each key the URLs to try, in order."""

    name = "web"

    def __init__(self, repo: Repo, urls: Mapping[str, Sequence[str]], rules: Rules) -> None:
        self.repo, self.urls, self.rules = repo, urls, rules

    def fetched(self, items: Sequence[Item], inlet: Inlet, heard: Listener | None) -> Iterator[Arrival]:
        """Yield what became of each item."""
        crew = _Crew(self.rules)

        def work(item: Item) -> Generator[Arrival, None, None]:
            arrival = Arrival(inlet, item, placing.listening(heard, item))
            crew.fetch(self.urls[item.key], arrival)
            yield arrival

        with self.repo.runner.stopping(crew.stop), crew:
            yield from pool.as_they_come(work, items, at_once=AT_ONCE, stop=crew.stop)


class _Crew:
    """The connections of all threads."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._own = threading.local()
        self._all: list[Downloads] = []
        self._stopped = False

    def fetch(self, urls: Sequence[str], arrival: Arrival) -> None:
        """Try the URLs until one gives the content; whether one did `arrival.ok` says."""
        for url in urls:
            offset = self._tried(url, arrival)
            # Again from where it was cut, or from the start if what was there before was something else.
            while not arrival.ok and not self._stopped and arrival.large and arrival.done != offset:
                offset = self._tried(url, arrival)
            if arrival.ok or self._stopped:
                break

    def _tried(self, url: str, arrival: Arrival) -> int:
        """Try a URL, and give how many bytes were there before."""
        offset = 0
        try:
            offset = arrival.begin()
            checked = checksum.hasher_of(arrival.backend) is not None
            self._downloads().fetch(url, arrival, offset if checked else 0)
        except (placing.Unplaced, LockedError, OSError) as e:
            log.debug("%s: %s", url, e)
        finally:
            arrival.leave()
        return offset

    def stop(self) -> None:
        """Let what is under way fail, and begin nothing anew."""
        self._stopped = True
        for downloads in list(self._all):
            downloads.stop()

    def __enter__(self) -> _Crew:
        return self

    def __exit__(self, *failure: object) -> None:
        for downloads in self._all:
            downloads.close()

    def _downloads(self) -> Downloads:
        found: Downloads | None = getattr(self._own, "downloads", None)
        if found is None:
            from rookery.annex.web.download import Downloads  # start-up: HTTP and TLS take long to load

            found = self._own.downloads = Downloads(self._rules)
            self._all.append(found)
            if self._stopped:
                found.stop()
        return found


def prepare(
    repo: Repo, settings: Settings, items: Sequence[Item], *, source: str | None, clock: Clock
) -> Bringing:
    """Find out what is on the web.  Raises NotForUs, CommandError, OSError; nothing has been done then."""
    if source not in (None, "web", WEB):
        raise NotForUs(f"{source} is not the web")
    keys = list(dict.fromkeys(item.key for item in items))
    urls = _urls(repo, keys)
    if not urls:
        raise NotForUs("no URL is known of any of it")
    from rookery.annex.web.download import Rules  # start-up: as above

    receiver = here(repo, settings)
    rules = Rules(settings, repo.runner.env)
    known = remotes_of(settings)
    require_known(known)
    texts = branch.about(repo, urls, others=["trust.log"])
    judged = remotes.parse_trust(texts.others.get("trust.log", ""))
    found = branch.parse_locations(urls, texts.logs[".log"])
    others = {r.uuid for r in known.values() if r.uuid and not r.ignored} if source is None else set()
    web = {}
    for key, places in found.items():
        having = {place.uuid for place in places if place.present}
        # git-annex asks remotes before it asks the web, and has an order of its own among the more and less trusted.
        usual = all(judged.get(uuid, "semitrusted") == "semitrusted" for uuid in having)
        allowed = tuple(url for url in urls[key] if rules.allowed(url))
        if (
            WEB in having
            and not having & others
            and usual
            and len(allowed) == len(urls[key])
            and _proven(key)
        ):
            web[key] = allowed
    if not web:
        raise NotForUs("nothing of it is ours to get from the web")
    return Bringing(receiver, dict.fromkeys(web, _Web(repo, web, rules)), clock)


def _proven(key: str) -> bool:
    """Say whether a key tells enough to check content that a stranger's server sends."""
    parsed = parse_key(key)
    return parsed is not None and checksum.hasher_of(parsed.backend) is not None


def _urls(repo: Repo, keys: Iterable[str]) -> dict[str, list[str]]:
    """Read the URLs of keys; what a special remote has claimed is its own (`:...`, `yt:...`)."""
    found = {}
    for key, text in branch.logs_of_keys(repo, keys, ".log.web").items():
        urls = [line.subject for line in parse_presence(text)[0].values() if line.present]
        if urls and all(url.startswith(("http://", "https://")) for url in urls):
            found[key] = sorted(urls)
    return found
