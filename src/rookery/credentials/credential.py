"""A credential: a secret, what belongs to it, and where it was found."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from rookery.core.errors import RookeryError, UsageError

Source = Literal["environment", "store", "git", "person"]

PROPERTY = re.compile(r"[a-z0-9][a-z0-9-]*")

# How the name that goes with a secret is called in DataLad's types of credentials.
USER_NAMES = ("user", "key-id", "key")


class CredentialError(RookeryError):
    """A credential is missing, is refused, or cannot be kept."""


class Credential(NamedTuple):
    """One credential.  `properties` are all but the secret; nothing of the secret is ever shown.

    `name` is None for one that has not been given a name yet.
    """

    secret: str
    properties: Mapping[str, str]
    name: str | None = None
    source: Source = "store"

    def __repr__(self) -> str:
        return f"Credential(name={self.name!r}, user={self.user!r}, source={self.source!r}, secret=...)"

    @property
    def user(self) -> str | None:
        """The name that goes with the secret."""
        return next((self.properties[key] for key in USER_NAMES if self.properties.get(key)), None)

    @property
    def last_used(self) -> str:
        """When it worked last (ISO 8601), "" if that was never noted."""
        return self.properties.get("last-used", "")


def checked_property(name: str) -> str:
    """Give the spelling of a property that settings can hold.  Raises UsageError."""
    low = name.lower()
    if not PROPERTY.fullmatch(low):
        raise UsageError(
            f"a credential cannot have a property {name!r}",
            hints=["use letters, digits and dashes, with a letter or digit at the beginning"],
        )
    return low


def checked_name(name: str) -> str:
    """Give a credential's name if settings can hold it.  Raises UsageError."""
    if not name or "\n" in name or "\0" in name:
        raise UsageError(f"{name!r} cannot be the name of a credential")
    return name
