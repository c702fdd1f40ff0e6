"""Who may reach a place: what a login does for git-annex, and for what talks to the place itself.

Secrets are kept above this room; the face hands in a function that finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from rookery.core.errors import UsageError
from rookery.core.webrequest import Login
from rookery.deposit.terms.url import CREDENTIAL, Address

_AWS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
# By type, in lower case: git-annex says S3, and people say s3.
VARIABLES: Mapping[str, tuple[str, str]] = {
    "s3": _AWS,
    "glacier": _AWS,
    "webdav": ("WEBDAV_USERNAME", "WEBDAV_PASSWORD"),
}
TAKING = (*VARIABLES, "web", "httpalso")


def _nothing() -> None:
    """Note nothing."""


class Way(NamedTuple):
    """A way in.  `env` is what git-annex and git need to see (secret!); `keep` notes that it has worked."""

    env: Mapping[str, str] = {}
    keep: Callable[[], None] = _nothing

    def __repr__(self) -> str:
        return f"Way({sorted(self.env)})"


# From the parameters of a special remote and the name of a credential (None: the URL names none).
Logins = Callable[[Mapping[str, str], str | None], Way]


def nobody(parameters: Mapping[str, str], name: str | None) -> Way:
    """Know no login at all."""
    del parameters, name
    return Way()


def way(address: Address, logins: Logins) -> Way:
    """Find the way to an address.  Raises UsageError for a type that takes no login, and what `logins` raises."""
    name = address.ours.get(CREDENTIAL)
    if address.type.lower() not in TAKING:
        if name is not None:
            raise UsageError(
                f"{CREDENTIAL}={name}: special remotes of type {address.type} take no login",
                hints=["these do: " + ", ".join(TAKING)],
            )
        return Way()
    return logins(address.settings, name)


def login_in(address: Address, env: Mapping[str, str]) -> Login | None:
    """Give the login that git-annex will use; None if it has none."""
    names = VARIABLES.get(address.type.lower())
    if names is None or not all(env.get(name) for name in names):
        return None
    return Login(*(env[name] for name in names))
