"""Registering where keys can be had from the web: `git annex registerurl`, for any number of keys in one commit.

A URL is a line in the key's `.log.web`, and the web one more place in its
location log.  URLs that a special remote may claim for itself are git-annex's
to register: it asks the remotes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from rookery.annex import branch, remotes
from rookery.annex.branch_writing import Known, NotForUs, record, require_plain
from rookery.annex.identity import WEB
from rookery.core.errors import CommandError, LostRaceError
from rookery.core.log import get_log
from rookery.git.repo import Repo

log = get_log("rookery.web")

# Marks in the settings of special remotes that claim no URL; the web and bittorrent are asked without settings.
_CLAIMS_NOTHING = frozenset(
    {"directory", "rsyncurl", "s3", "webdav", "bup-split-options", "buprepo", "gcrypt"}
)
_EXTERNAL_CLAIMS_NO_HTTP = frozenset({"datalad-archives", "ora", "ria"})

_SETTINGS = r"^(remote\..*\.(url|annex-.*)|rookery\.engine)$"


def register(repo: Repo, pairs: Sequence[tuple[str, str]], *, now: float) -> Iterator[tuple[str, str, str]]:
    """Register (key, URL) pairs; yields (key, URL, message), an empty message for success."""
    if not pairs:
        return
    try:
        settings = require_unclaimed(repo, [url for _, url in pairs])
        wanted: dict[str, dict[str, bool]] = {}
        for key, url in pairs:
            wanted.setdefault(branch.log_name(key, ".log.web"), {})[url] = True
            wanted.setdefault(branch.log_name(key), {})[WEB] = True
        record(repo, wanted, now=now, known=Known(settings, branch.sources(repo)))
    except (NotForUs, LostRaceError, CommandError) as e:
        log.debug("registering URLs is left to git-annex: %s", e)
        yield from remotes.register_urls(repo, pairs)
        return
    for key, url in pairs:
        yield key, url, ""


def require_unclaimed(repo: Repo, urls: Sequence[str]) -> dict[str, str]:
    """Raise NotForUs unless all URLs are the web's here, whoever git-annex would ask; gives the settings it read."""
    for url in urls:
        parts = urlsplit(url)
        plain = url.isascii() and url.isprintable() and " " not in url
        if parts.scheme not in ("http", "https") or not plain or parts.path.lower().endswith(".torrent"):
            raise NotForUs(f"{url} may be something else than a file on a web server")
    settings = require_plain(repo, _SETTINGS)
    if settings.get("rookery.engine", "native") != "native":
        raise NotForUs("rookery.engine is not native")
    of_remote: dict[str, dict[str, str]] = {}
    for name, value in settings.items():
        if name.startswith("remote."):
            remote, _, setting = name.removeprefix("remote.").rpartition(".")
            of_remote.setdefault(remote, {})[setting.removeprefix("annex-")] = value
    for remote, said in of_remote.items():
        harmless = "url" in said or "uuid" not in said or _CLAIMS_NOTHING & said.keys()
        if not harmless and said.get("externaltype") not in _EXTERNAL_CLAIMS_NO_HTTP:
            raise NotForUs(f"{remote} may claim URLs")
    return settings
