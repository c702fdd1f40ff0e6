"""Which remotes are RIA stores on this machine, and where their objects are.

A store has the folders of its datasets by their ids; in each of them objects
lie as in any annex, in one of the two layouts, which a file names.  What the
remote `ora` puts into an archive there is left to it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import NamedTuple

from rookery.annex import remotes
from rookery.annex.branch_writing import NotForUs
from rookery.annex.keys import filed, key_file
from rookery.annex.nearby.neighbours import NEUTRAL, remotes_of, require_known, rewritten
from rookery.annex.nearby.plain import Settings
from rookery.annex.remotes import Remote, SpecialRemote
from rookery.core.log import get_log
from rookery.git.repo import Repo

log = get_log("rookery.ria")

ORA = "ora"
SCHEME = "ria+file://"

# What the remote may have set here, and what every clone may know of it, without more to be heeded.
_HERE = NEUTRAL | {"annex-externaltype", "annex-verified", "annex-availability", "annex-cost", "skipfetchall"}
_EVERYWHERE = frozenset(
    ("name", "type", "externaltype", "encryption", "autoenable", "url", "archive-id", "timestamp")
)
_URL_HERE = "ora-url"

# What content that is on this machine costs, says `ora`: as much as a repository there.
COST = 100.0

# The file that names the layout, and the layouts known: of a store, and of a dataset in it.
VERSION = "ria-layout-version"
STORES, DATASETS = ("1",), ("1", "2")


class Store(NamedTuple):
    """A dataset's part of a store: what the remote is called, who it is, and its folder."""

    name: str
    uuid: str
    root: str
    as_in_bare_ones: bool
    readonly: bool

    def place(self, key: str) -> str:
        """Give the path of an object."""
        mixed, lower = filed(key)
        return f"{self.root}/annex/objects/{lower if self.as_in_bare_ones else mixed}"

    def look(self, key: str) -> os.stat_result | None:
        """Look at an object; None if there is none, or it lies in an archive."""
        try:
            seen = os.stat(self.place(key))
        except (FileNotFoundError, NotADirectoryError):
            return None
        return seen if stat.S_ISREG(seen.st_mode) else None


def plainly_named(key: str) -> bool:
    """Say whether `ora` calls the file of a key as git-annex does: it writes some characters otherwise."""
    return key_file(key) == key


class Stores:
    """The remotes of a repository that are such stores; each is looked at when it is first asked for."""

    def __init__(self, repo: Repo, settings: Settings) -> None:
        self._repo = repo
        self._settings = settings
        self._remotes = remotes_of(settings)
        self._found: dict[str, Store | None] = {}
        self._known: Mapping[str, SpecialRemote] | None = None

    def any(self, name: str | None) -> bool:
        """Say whether a remote, or any at all without a name, is one."""
        return any(
            name in (None, r.name, r.uuid) and self.find(r.name) is not None for r in self._remotes.values()
        )

    def require_known(self) -> None:
        """Raise NotForUs if only git-annex can tell who is to be asked first."""
        require_known(self._remotes)

    def find(self, name: str) -> Store | None:
        """Give a remote by its name; None if it is no such store."""
        if name not in self._found:
            try:
                self._found[name] = self._opened(self._remotes[name])
            except (NotForUs, OSError) as e:
                log.debug("%s is left to git-annex: %s", name, e)
                self._found[name] = None
        return self._found[name]

    def named(self, name: str) -> Store:
        """Give a remote by its name or uuid.  Raises NotForUs."""
        found = [r for r in self._remotes.values() if name in (r.name, r.uuid)]
        store = self.find(found[0].name) if len(found) == 1 else None
        if store is None:
            raise NotForUs(f"{name} is no RIA store on this machine")
        return store

    def first(self, uuids: frozenset[str]) -> Store | None:
        """Give the first store among some places; None if git-annex might ask another one before.

        Repositories on this machine cost it the same, and networks more; what
        other special remotes cost only it can tell.
        """
        first: Store | None = None
        for remote in self._remotes.values():
            if remote.uuid not in uuids or remote.ignored:
                continue
            store = self.find(remote.name)
            if store is None and remote.url is None:
                return None
            first = first or store
        return first

    def _opened(self, remote: Remote) -> Store:
        if remote.settings.get("annex-externaltype") != ORA or remote.uuid is None or remote.ignored:
            raise NotForUs("no RIA store")
        odd = {k for k in remote.settings if k not in _HERE and not k.startswith("datalad-")} - {_URL_HERE}
        odd |= {name for name in self._settings if name.startswith("annex.ora-remote.")}
        if odd or remote.cost not in (None, COST):
            raise NotForUs(f"set up in its own way: {odd or remote.cost}")
        if self._known is None:
            self._known = remotes.special(self._repo)
        known = self._known.get(remote.uuid)
        if known is None or known.externaltype != ORA or known.settings.get("encryption") != "none":
            raise NotForUs("nothing is known of it, or that it is encrypted")
        if odd := known.settings.keys() - _EVERYWHERE:
            raise NotForUs(f"set up in its own way: {odd}")
        base = self._folder(remote.settings.get(_URL_HERE) or known.settings.get("url", ""))
        dataset = known.settings.get("archive-id", "")
        if len(dataset) < 4 or "/" in dataset:
            raise NotForUs(f"{dataset!r} names no folder")
        root = f"{base}/{dataset[:3]}/{dataset[3:]}"
        layout = _layout(root, DATASETS)
        _layout(base, STORES)
        return Store(remote.name, remote.uuid, root, layout == "1", remote.readonly)

    def _folder(self, url: str) -> str:
        path = url.removeprefix(SCHEME)
        plain = path != url and path.startswith("/") and not any(mark in path for mark in "%#?")
        if not plain or rewritten(url, self._settings):
            raise NotForUs(f"{url} is not a plain path")
        return os.path.normpath(path)


def _layout(folder: str, known: tuple[str, ...]) -> str:
    """Read which layout a folder has; flags may follow after a bar.  Raises NotForUs, OSError."""
    with open(os.path.join(folder, VERSION), encoding="utf-8", errors="replace") as file:
        version = file.readline().strip().partition("|")[0]
    if version not in known:
        raise NotForUs(f"{folder} has the layout {version}")
    return version
