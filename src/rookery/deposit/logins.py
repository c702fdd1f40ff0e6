"""Who may write to a place: the variables in which git-annex looks for a login, and what fills them.

Secrets are kept above this room; the face hands in a function that finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from rookery.core.errors import AccessDeniedError, UsageError
from rookery.deposit.url import CREDENTIAL, Address

_AWS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
VARIABLES: Mapping[str, tuple[str, str]] = {
    "S3": _AWS,
    "glacier": _AWS,
    "webdav": ("WEBDAV_USERNAME", "WEBDAV_PASSWORD"),
}


class Need(NamedTuple):
    """What a login is wanted for; `name` is what the URL calls it, None if it leaves that open."""

    name: str | None
    type: str
    place: str | None


class Login(NamedTuple):
    """A user and a secret."""

    user: str
    secret: str


Logins = Callable[[Need], Login | None]


def nobody(need: Need) -> Login | None:
    """Know no login at all."""
    del need
    return None


def environment(address: Address, env: Mapping[str, str], logins: Logins) -> dict[str, str]:
    """Give the variables to add to `env` for git-annex; none if those that are there are enough.

    Raises UsageError for a type that takes no login, AccessDeniedError for a name that nobody knows.
    """
    name = address.ours.get(CREDENTIAL)
    variables = VARIABLES.get(address.type)
    if variables is None:
        if name is not None:
            raise UsageError(
                f"{CREDENTIAL}={name}: special remotes of type {address.type} take no login",
                hints=["these do: " + ", ".join(VARIABLES)],
            )
        return {}
    if all(variable in env for variable in variables):
        return {}
    place = address.settings.get("url") or address.settings.get("host")
    found = logins(Need(name, address.type, place))
    if found is None and name is not None:
        raise AccessDeniedError(
            f"no credential '{name}' is known, which {CREDENTIAL} in the URL names",
            hints=[f"set {variables[0]} and {variables[1]} in the environment"],
        )
    return {} if found is None else dict(zip(variables, found, strict=True))
