"""The kinds of servers, as far as they differ for who makes a repository on them.

All speak the API of Gogs, from which they descend:

    POST api/v1/user/repos, api/v1/org/ORG/repos    make a repository: 201
    GET  api/v1/user                                who am I: `login`
    GET  api/v1/repos/OWNER/NAME                    where it is: `clone_url`, `ssh_url`, `html_url`
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from rookery.core.errors import UsageError

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Platform(NamedTuple):
    """One kind.  `name` is in the names of actions; `taken` is the status for a name that is taken.

    `keeps_content` says that it can have an annex; `by_page` that its pages' addresses are
    better for Git than its `clone_url` (GIN calls its SSH address so).
    """

    name: str
    title: str
    taken: int = 422
    keeps_content: bool = False
    by_page: bool = False

    @property
    def action(self) -> str:
        """How a record says that a sibling was made."""
        return f"create_sibling_{self.name}"


GIN = Platform("gin", "GIN", keeps_content=True, by_page=True)
GOGS = Platform("gogs", "GOGS")
GITEA = Platform("gitea", "Gitea", taken=409)
HUB = Platform("hub", "Rookery hub", keeps_content=True, by_page=True)


class Hosted(NamedTuple):
    """A repository on a server; `told` is all that the server says of it."""

    name: str
    private: bool
    url: str
    ssh_url: str
    page: str
    told: Mapping[str, Any]

    @property
    def uuid(self) -> str | None:
        """The uuid of its annex, where the server tells it: a Rookery hub."""
        told = str(self.told.get("annex_uuid", ""))
        return told if _UUID.fullmatch(told) else None


def hosted(platform: Platform, told: Mapping[str, Any]) -> Hosted:
    """Read what a server tells of a repository.  Raises KeyError where it lacks what every server tells."""
    page = str(told["html_url"])
    url = page if platform.by_page else str(told["clone_url"])
    return Hosted(str(told["name"]), bool(told["private"]), url, str(told["ssh_url"]), page, told)


def split_name(text: str, platform: Platform) -> tuple[str | None, str]:
    """Read `[ORGANISATION/]NAME`.  Raises UsageError for a name that such servers do not take."""
    organization, slash, name = text.partition("/")
    if not slash:
        organization, name = "", text
    if not name or name != as_name(name):
        raise UsageError(
            f"Invalid name for a {platform.title} project: {name}",
            hints=["no spaces and no slashes, but one after the name of an organisation"],
        )
    return organization or None, name


def as_name(path: str) -> str:
    """Make a name of a path: slashes become dashes, spaces underscores, as DataLad has it."""
    return re.sub(r"\s+", "_", re.sub(r"[/\\]+", "-", path))


def checked_api(api: str) -> str:
    """Read the address of a server.  Raises UsageError."""
    parts = urlsplit(api)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise UsageError(f"{api!r} is not the address of a server", hints=["http(s)://HOST[:PORT]"])
    if "@" in parts.netloc:
        raise UsageError("the address has a login in it", hints=["leave it out: the token is kept elsewhere"])
    return api.rstrip("/")


def annex_url(page: str) -> str:
    """Give where git-annex's protocol is spoken on a hub; with its port, since git-annex has a default of its own."""
    parts = urlsplit(page)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"annex+{parts.scheme}://{host}:{port}"
