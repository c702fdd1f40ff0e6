"""Remotes that are plain git-annex repositories on this machine, and belong to the same person."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from rookery.annex import identity
from rookery.annex.branch_writing import NotForUs
from rookery.annex.nearby.plain import Settings, read_settings, require_plain_store, shared_how
from rookery.annex.permissions import Permissions
from rookery.annex.remotes import Remote
from rookery.annex.store import annex_dir
from rookery.core.errors import CommandError
from rookery.core.log import get_log
from rookery.git.repo import NotARepository, Repo, open_repo

log = get_log("rookery.nearby")

# `host:path`, `scheme://`: elsewhere.
_ELSEWHERE = re.compile(r"[^/]*:")

# What a remote may have set that changes nothing for content.
NEUTRAL = frozenset(
    (
        *("url", "fetch", "push", "tagopt", "prune", "mirror"),
        *("skipdefaultupdate", "skipfetchall", "followremotehead"),
        *("annex-uuid", "annex-config-uuid", "annex-ignore", "annex-readonly"),
        *("annex-sync", "annex-pull", "annex-push"),
    )
)


class Neighbour(NamedTuple):
    """A repository next door: what the remote is called, who it is, where it is, how it is set up."""

    name: str
    uuid: str
    repo: Repo
    settings: Settings
    readonly: bool
    shared: Permissions


class Neighbourhood:
    """The remotes of a repository; each is looked at when it is first asked for, by one process."""

    def __init__(self, repo: Repo, settings: Settings) -> None:
        self._repo = repo
        self._settings = settings
        self.remotes = remotes_of(settings)
        self._known: dict[str, Neighbour | None] = {}

    def find(self, name: str) -> Neighbour | None:
        """Give a remote by its name; None if only git-annex can deal with it."""
        if name not in self._known:
            try:
                self._known[name] = self._meet(self.remotes[name])
            except (NotForUs, NotARepository, CommandError, OSError) as e:
                log.debug("%s is left to git-annex: %s", name, e)
                self._known[name] = None
        return self._known[name]

    def named(self, name: str) -> Neighbour | None:
        """Give a remote by its name or uuid; None if it is none of ours."""
        found = [r for r in self.remotes.values() if name in (r.name, r.uuid)]
        return self.find(found[0].name) if len(found) == 1 else None

    def in_order(self, uuids: Collection[str]) -> list[Neighbour]:
        """Give those of some places that git-annex would ask first, in its order.

        Empty if it might ask another one before; paths cost it less than all
        that is reached by a network, and are taken in the configured order.
        """
        found = []
        for remote in self.remotes.values():
            if remote.uuid not in uuids or remote.ignored:
                continue
            if (neighbour := self.find(remote.name)) is not None:
                found.append(neighbour)
            elif remote.url is None or not _ELSEWHERE.match(remote.url) or remote.url.startswith("file:"):
                return []
        return found

    def _meet(self, remote: Remote) -> Neighbour | None:
        odd = [k for k in remote.settings if k not in NEUTRAL and not k.startswith("datalad-")]
        if odd or remote.uuid is None or remote.ignored:
            raise NotForUs(f"set up in its own way: {odd}")
        folder = self._folder(remote.url or "")
        if folder is None:
            return None
        repo = open_repo(folder, self._repo.runner)
        if repo.gitdir != repo.commondir or repo.gitdir.stat().st_uid != os.geteuid():
            raise NotForUs("a second work tree, or somebody else's")
        if identity.uuid(repo) != remote.uuid or annex_dir(repo).samefile(annex_dir(self._repo)):
            raise NotForUs("not the place that it is said to be")
        settings = read_settings(repo)
        require_plain_store(repo, settings)
        return Neighbour(remote.name, remote.uuid, repo, settings, remote.readonly, shared_how(settings))

    def _folder(self, url: str) -> Path | None:
        """Give the folder that a URL stands for; None if it is not a plain path."""
        if not url or rewritten(url, self._settings):
            return None
        if url.startswith("file:///"):
            return None if "%" in url else Path(url.removeprefix("file://"))
        if _ELSEWHERE.match(url) or url.startswith("~"):
            return None
        return Path(os.path.normpath(self._repo.root / url))


def require_known(remotes: Mapping[str, Remote]) -> None:
    """Raise NotForUs if git-annex would have to find out about a remote, or is told to order them otherwise."""
    uuids = [r.uuid for r in remotes.values() if r.uuid]
    if len(set(uuids)) < len(uuids):
        raise NotForUs("two remotes are one place")
    for remote in remotes.values():
        odd = {"annex-cost-command", "annex-ignore-command", "annex-trustlevel"}
        if remote.url is not None:  # whoever asks special remotes looks at what each of them costs
            odd |= {"annex-cost"}
        if odd & remote.settings.keys():
            raise NotForUs(f"{remote.name} has a setting of its own")
        if remote.url is not None and remote.uuid is None and not remote.ignored:
            raise NotForUs(f"nobody has asked yet who {remote.name} is")


def rewritten(url: str, settings: Settings) -> bool:
    """Say whether Git would go somewhere else for a URL (url.*.insteadOf)."""
    return any(
        url.startswith(value)
        for name, value in settings.items()
        if name.startswith("url.") and name.endswith("insteadof")
    )


def remotes_of(settings: Settings) -> Mapping[str, Remote]:
    """Give the remotes that settings tell of, in their order."""
    found: dict[str, dict[str, str]] = {}
    for key, value in settings.items():
        name, dot, variable = key.removeprefix("remote.").rpartition(".")
        if key.startswith("remote.") and dot:
            found.setdefault(name, {})[variable] = value
    return {name: Remote(name, told) for name, told in found.items()}
