"""Where content is: what the logs, the remotes and the descriptions tell together, and why it cannot be had."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from rookery.annex import branch, identity, remotes
from rookery.annex.branch import Location
from rookery.annex.identity import WEB
from rookery.annex.remotes import Remote, SpecialRemote, Trust
from rookery.git.repo import Repo


class Places(NamedTuple):
    """All that is known of some keys' copies, read at one moment."""

    here: str | None
    locations: Mapping[str, list[Location]]
    urls: Mapping[str, list[str]]
    remotes: Mapping[str, Remote]
    special: Mapping[str, SpecialRemote]
    descriptions: Mapping[str, str]
    trust: Mapping[str, Trust]

    def copies(self, key: str) -> list[Location]:
        """Give the places that have a key, as far as the log knows; the dead have none."""
        return [p for p in self.locations.get(key, []) if p.present and self.trust.get(p.uuid) != "dead"]

    def name(self, uuid: str) -> str:
        """Name a place shortly: the remote's name, "web", "here", else its description."""
        if uuid == self.here:
            return "here"
        if uuid in self.remotes:
            return self.remotes[uuid].name
        return self.descriptions.get(uuid) or uuid

    def sources(self, key: str) -> list[str]:
        """Name the places from which a key could be had right now, as far as can be told without asking."""
        return [self.name(p.uuid) for p in self.copies(key) if p.uuid == WEB or self._in_reach(p.uuid)]

    def elsewhere(self, key: str) -> list[str]:
        """Name all other places that are said to have a key."""
        return [self.name(p.uuid) for p in self.copies(key) if p.uuid != self.here]

    def proofs(self, key: str) -> list[str]:
        """Name the other places that could prove to have a copy at a drop: in reach, or trusted blindly."""
        return [
            self.name(p.uuid)
            for p in self.copies(key)
            if p.uuid != self.here
            and self.trust.get(p.uuid) != "untrusted"
            and (p.uuid == WEB or self.trust.get(p.uuid) == "trusted" or self._in_reach(p.uuid))
        ]

    def _in_reach(self, uuid: str) -> bool:
        remote = self.remotes.get(uuid)
        if remote is None or remote.ignored:
            return False
        folder = local_folder(remote)
        return folder is None or os.path.isdir(folder)


class Reason(NamedTuple):
    """Why one place did not give a key."""

    uuid: str
    name: str
    why: str


def read_places(repo: Repo, keys: Iterable[str]) -> Places:
    """Read everything about the copies of these keys; a handful of Git processes for any number."""
    wanted = list(dict.fromkeys(keys))
    told = branch.about(repo, wanted, (".log", ".log.web"), ("uuid.log", "remote.log", "trust.log"))
    texts = told.others
    special = remotes.parse_special(texts.get("remote.log", ""))
    configured = remotes.by_uuid(repo)
    named = {uuid: remote.name for uuid, remote in special.items()}
    return Places(
        here=identity.uuid(repo),
        locations=branch.parse_locations(wanted, told.logs[".log"]),
        urls=branch.parse_urls(told.logs[".log.web"]),
        remotes=configured,
        special=special,
        descriptions={**named, **identity.parse_descriptions(texts.get("uuid.log", ""))},
        trust={
            **remotes.parse_trust(texts.get("trust.log", "")),
            **{uuid: remote.trust for uuid, remote in configured.items() if remote.trust},
            **{uuid: "untrusted" for uuid in configured if uuid in special and special[uuid].overwritten},
        },
    )


def reasons(places: Places, key: str, said: str = "") -> list[Reason]:
    """Explain for each place that should have a key why it did not help; `said` are git-annex's words."""
    return [Reason(p.uuid, places.name(p.uuid), _why(places, key, p.uuid, said)) for p in places.copies(key)]


def _why(places: Places, key: str, uuid: str, said: str) -> str:
    if uuid == places.here:
        return "the content was here and is gone without having been dropped"
    if uuid == WEB:
        return f"could not be downloaded from {', '.join(places.urls.get(key, [])) or 'any URL'}"
    remote = places.remotes.get(uuid)
    if remote is None:
        known = places.special.get(uuid)
        if known is not None and known.name:
            return f"known, but not enabled here: `rookery siblings enable -s {known.name}`"
        return "not a sibling of this dataset: add it with `rookery siblings add`"
    if remote.ignored:
        return f"set to be ignored (remote.{remote.name}.annex-ignore)"
    folder = local_folder(remote)
    if folder is not None and not os.path.isdir(folder):
        return f"there is nothing at {folder}"
    if folder is not None:
        return f"{folder} answers, but does not give the content that it should have"
    if remote.name in said or "access" in said:
        return f"{remote.url or 'it'} could not be reached"
    return "was not tried, or did not give the content"


def local_folder(remote: Remote) -> str | None:
    """Give the folder of a remote on this machine; None for remotes elsewhere."""
    if (directory := remote.settings.get("annex-directory")) is not None:
        return directory
    url = remote.url or ""
    if url.startswith("file://"):
        return url.removeprefix("file://")
    return url if os.path.isabs(url) else None
