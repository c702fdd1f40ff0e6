"""Accounts as they are kept."""

from __future__ import annotations

from typing import Protocol

from rookery.hub.domain.records import Account, Kind


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
        quota: int | None = None,
    ) -> None:
        """Change what is given.  Raises Conflict if the address is taken."""

    def password(self, account: int) -> str | None:
        """Give the hash of the password; None if there is none."""

    def set_password(self, account: int, hashed: str) -> None:
        """Keep another hash."""

    def count(self) -> int:
        """Count them."""
