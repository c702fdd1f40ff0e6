"""Where siblings are that speak the P2P protocol, and which of them we may speak with in git-annex's stead."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from rookery.annex.branch_writing import NotForUs
from rookery.annex.nearby.neighbours import NEUTRAL, remotes_of, require_known, rewritten
from rookery.annex.nearby.plain import Settings
from rookery.annex.remotes import Remote

# What such a remote may have set besides; git-annex does not look at the URL for Git's pushes.
_READ_HERE = frozenset(("annex-ssh-options", "annex-shell", "annexurl", "annex-bare", "pushurl"))

# host:path, as Git reads it: no slash before the colon.
_SCP = re.compile(r"(?:(?P<user>[\w.+-]+)@)?(?P<host>[A-Za-z0-9][\w.-]*):(?P<path>(?!//)[^\n]+)")
_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")

# What Git documents for GIT_SSH_VARIANT and `ssh.variant`; these take OpenSSH's options.
_OPENSSH = ("auto", "ssh")

WEB_PORT = 9417


class ShellAddress(NamedTuple):
    """A repository on a host with ssh, and the words of the user's own that go to ssh."""

    host: str
    port: int | None
    path: str
    options: tuple[str, ...]
    program: str


class WebAddress(NamedTuple):
    """A repository behind `git annex p2phttp`; `base` is the path below which its requests are."""

    secure: bool
    host: str
    port: int
    base: str
    user: str | None


class Partner(NamedTuple):
    """A sibling that speaks the P2P protocol: what it is called, who it is, where it is."""

    name: str
    uuid: str
    address: ShellAddress | WebAddress
    readonly: bool


class Partners:
    """The remotes of a repository that are such siblings; no process is started to find out."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._remotes = remotes_of(settings)
        self._found: dict[str, Partner | None] = {}

    def any(self, name: str | None) -> bool:
        """Say whether a remote, or any at all without a name, might be one."""
        return any(
            name in (None, r.name, r.uuid) and self.find(r.name) is not None for r in self._remotes.values()
        )

    def require_known(self) -> None:
        """Raise NotForUs if only git-annex can tell who is to be asked first."""
        require_known(self._remotes)

    def find(self, name: str) -> Partner | None:
        """Give a remote by its name; None if we do not speak with it."""
        if name not in self._found:
            try:
                self._found[name] = _partner(self._remotes[name], self._settings)
            except NotForUs:
                self._found[name] = None
        return self._found[name]

    def named(self, name: str) -> Partner:
        """Give a remote by its name or uuid.  Raises NotForUs."""
        found = [r for r in self._remotes.values() if name in (r.name, r.uuid)]
        if len(found) != 1:
            raise NotForUs(f"{name} is no remote, or several")
        return _partner(found[0], self._settings)

    def first(self, uuids: frozenset[str]) -> Partner | None:
        """Give the one of some places that git-annex would ask first; None if that is none of ours.

        What is on this machine costs it less than a network, and so may a
        special remote; among equals the order of the configuration counts.
        """
        first: Partner | None = None
        for remote in self._remotes.values():
            if remote.uuid not in uuids or remote.ignored:
                continue
            partner = self.find(remote.name)
            if partner is None:
                return None
            first = first or partner
        return first


def _partner(remote: Remote, settings: Settings) -> Partner:
    odd = [
        k
        for k in remote.settings
        if k not in NEUTRAL and k not in _READ_HERE and not k.startswith("datalad-")
    ]
    if odd or remote.uuid is None or remote.ignored:
        raise NotForUs(f"{remote.name} is set up in its own way: {odd}")
    url = remote.settings.get("annexurl") or remote.url or ""
    if rewritten(url, settings):
        raise NotForUs(f"{url} stands for another")
    if url.startswith(("annex+http://", "annex+https://")):
        address: ShellAddress | WebAddress = _web(url)
    else:
        address = _shell(url, remote, settings)
    return Partner(remote.name, remote.uuid, address, remote.readonly)


def _web(url: str) -> WebAddress:
    try:
        parts = urlsplit(url.removeprefix("annex+"))
        port = parts.port or WEB_PORT
    except ValueError as e:
        raise NotForUs(f"{url}: {e}") from e
    if not parts.hostname or parts.query or parts.fragment or parts.password:
        raise NotForUs(f"{url} is more than an address")
    return WebAddress(parts.scheme == "https", parts.hostname, port, parts.path.rstrip("/"), parts.username)


def _shell(url: str, remote: Remote, settings: Mapping[str, str]) -> ShellAddress:
    if url.startswith("ssh://"):
        user, host, port, path = _from_url(url)
    elif found := _SCP.fullmatch(url):
        user, host, port = found["user"], found["host"], None
        path = found["path"] if found["path"].startswith(("/", "~")) else f"/~/{found['path']}"
        path = f"/{path}" if path.startswith("~") else path
    else:
        raise NotForUs(f"{url} is not reached by ssh")
    if settings.get("ssh.variant", "auto") not in _OPENSSH:
        raise NotForUs("ssh is another program than OpenSSH")
    try:
        told = [settings.get("annex.ssh-options", ""), remote.settings.get("annex-ssh-options", "")]
        options = tuple(word for text in told for word in shlex.split(text))
    except ValueError as e:
        raise NotForUs(f"the options for ssh cannot be read: {e}") from e
    program = remote.settings.get("annex-shell", "git-annex-shell")
    return ShellAddress(f"{user}@{host}" if user else host, port, path, options, program)


def _from_url(url: str) -> tuple[str | None, str, int | None, str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as e:
        raise NotForUs(f"{url}: {e}") from e
    plain = parts.hostname and _NAME.fullmatch(parts.hostname) and "%" not in url and not parts.password
    if not plain or parts.query or parts.fragment or (parts.username and not _NAME.fullmatch(parts.username)):
        raise NotForUs(f"{url} is not a plain address")
    # urlsplit writes hosts in small letters, and ssh's configuration tells them apart.
    host = parts.netloc.rpartition("@")[2].partition(":")[0]
    return parts.username, host, port, parts.path or "/"
