"""Accounts as they are kept."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from rookery.hub.domain.records import Account, Kind


class Belongings(NamedTuple):
    """What would go with an account, or be nobody's without it."""

    repositories: int
    said: int  # issues, pull requests, comments, and merges
    alone_in: list[str]  # names of organisations that nobody else owns


class Accounts(Protocol):
    """All accounts of the hub.  Names and e-mail addresses are told apart without regard to case."""

    def by_id(self, account: int) -> Account | None:
        """Give one by its number."""

    def by_name(self, name: str) -> Account | None:
        """Give one by its name."""

    def by_email(self, email: str) -> Account | None:
        """Give one by its address."""

    def listed(self, *, after: str = "", limit: int = 50) -> list[Account]:
        """Give some, in the order of their names."""

    def add(
        self, name: str, *, kind: Kind, email: str | None, full_name: str, admin: bool, now: float
    ) -> Account:
        """Make one.  Raises Conflict if the name or the address is taken."""

    def change(
        self,
        account: int,
        *,
        email: str | None = None,
        full_name: str | None = None,
        admin: bool | None = None,
        active: bool | None = None,
    ) -> None:
        """Change what is given.  Raises Conflict if the address is taken."""

    def set_quota(self, account: int, quota: int | None) -> None:
        """Give a quota of its own; None: the hub's."""

    def hold(self, account: int) -> None:
        """Keep all others from giving it anything, to the end of this transaction."""

    def belongings(self, account: int) -> Belongings:
        """Say what must be elsewhere before an account can go."""

    def remove(self, account: int) -> None:
        """Forget one, with its keys, tokens, sessions, teams and former addresses.  Its number is never given again."""

    def password(self, account: int) -> str | None:
        """Give the hash of the password; None if there is none."""

    def set_password(self, account: int, hashed: str) -> None:
        """Keep another hash."""

    def count(self) -> int:
        """Count them."""
