"""What the hub refuses, for people and for the faces.

HubError
├── BadName             cannot be a name, a key, an address: 422, or 404 in a URL
├── NotFound            unknown, or nobody's business: the two look alike
│   └── Hidden          the same, said to somebody who has not said who they are
├── NeedsSignIn         not for strangers; or what was to say who asks is wrong
├── Forbidden           may be seen, may not be done
│   └── OnlyCopy        content that no other place is known to have
├── Conflict            is there already, or has changed meanwhile
├── TooMuch             over a quota or limit, or the disk is full
├── TooOften            try again later
├── BadOffset           an upload does not go on where it stopped
├── InUse               somebody else is at it
└── Unavailable         the store of contents does not answer, or the database is busy for too long
"""

from __future__ import annotations

from rookery.core.errors import RookeryError


class HubError(RookeryError):
    """Something that the hub refuses; a face says it in its own way."""


class BadName(HubError):
    """What was given cannot be what it should be."""


class NotFound(HubError):
    """There is no such thing, or nobody who asks may know of it."""


class Hidden(NotFound):
    """There is no such thing for strangers; who says who they are may see more."""


class NeedsSignIn(HubError):
    """It is not for strangers; or the password, token or key that came is not good."""


class Forbidden(HubError):
    """It may be seen, but this may not be done with it."""


class OnlyCopy(Forbidden):
    """No other place is known to have the content: it is not dropped."""


class Conflict(HubError):
    """It is there already, or is no longer as it was."""


class TooMuch(HubError):
    """A quota or a limit would be exceeded."""


class TooOften(HubError):
    """Too many tries; `after` seconds from now another one is heard."""

    def __init__(self, message: str, *, after: int) -> None:
        super().__init__(message, hints=[f"try again in {after} seconds"])
        self.after = after


class BadOffset(HubError):
    """An upload cannot go on at this place; `held` bytes are here."""

    def __init__(self, message: str, *, held: int) -> None:
        super().__init__(message)
        self.held = held


class InUse(HubError):
    """Somebody else is writing the same thing; nothing was done."""


class Unavailable(HubError):
    """The store of contents or the database does not answer, or refuses the hub: nobody can say what is there."""
