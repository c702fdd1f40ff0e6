"""What clients ask for over SSH, from the text of a command to a value.

    git-upload-pack '/ada/data.git'                            Git: fetch
    git-receive-pack '/ada/data.git'                           Git: push
    git-upload-archive '/ada/data.git'                         Git: archive
    git-annex-shell 'configlist' '/ada/data.git'               git-annex: which annex is it?
    git-annex-shell 'p2pstdio' '/ada/data.git' 'UUID' --uuid U  git-annex: content
    true                                                       git-annex: is there a connection?

As git-annex 10.20261026, Git and DataLad were seen to send them.  Nothing is
ever handed to a shell.
"""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from typing import NamedTuple

from rookery.hub.domain.errors import BadName
from rookery.hub.domain.names import NestedPath, RepositoryPath, parse_place
from rookery.hub.services.history import Service


class Greeting(NamedTuple):
    """Somebody tries their key."""


class Nothing(NamedTuple):
    """It is enough to have come."""


class Talk(NamedTuple):
    """One of Git's services."""

    service: Service
    path: RepositoryPath | NestedPath


class ConfigList(NamedTuple):
    """Tell which annex it is."""

    path: RepositoryPath | NestedPath


class P2pStdio(NamedTuple):
    """Git-annex's P2P protocol; `uuid` is that of the annex which the client expects."""

    path: RepositoryPath | NestedPath
    uuid: str | None


Command = Greeting | Nothing | Talk | ConfigList | P2pStdio

_GIT = {
    "git-upload-pack": Service.UPLOAD,
    "git-receive-pack": Service.RECEIVE,
    "git-upload-archive": Service.ARCHIVE,
}
# The folder of an account of the machine's, which all have in common here: GIN and its kin take it too.
_HOME = re.compile(r"/?~/")
_LONGEST = 8192


def parse(text: str) -> Command:
    """Read a command.  Raises BadName for all others."""
    try:
        words = shlex.split(text) if len(text) <= _LONGEST else []
    except ValueError:
        words = []
    match words:
        case [] if not text.strip():
            return Greeting()
        case ["true"]:
            return Nothing()
        case [verb, place] if verb in _GIT:
            return Talk(_GIT[verb], _path(place))
        case ["git-annex-shell", "configlist", place, *_]:
            return ConfigList(_path(place))  # what may follow asks for an annex to be made: it is one already
        case ["git-annex-shell", "p2pstdio", place, _, *rest]:
            return P2pStdio(_path(place), _uuid(rest))
    raise BadName(
        f"the hub does not do this over SSH: {text[:80]!r}",
        hints=["it knows Git's fetch, push and archive, and git-annex's p2pstdio and configlist"],
    )


def is_git(text: str) -> bool:
    """Say whether a command starts a program of Git's."""
    return text.partition(" ")[0] in _GIT


def _path(place: str) -> RepositoryPath | NestedPath:
    return parse_place(_HOME.sub("", place))


def _uuid(options: list[str]) -> str | None:
    for name, value in pairwise([*options, ""]):
        if name == "--uuid":
            return value
        if name.startswith("--uuid="):
            return name.partition("=")[2]
    return None
