"""What proves who somebody is: tokens, SSH keys, sessions; and how often it was tried in vain."""

from __future__ import annotations

from typing import Protocol

from rookery.hub.domain.access import Level, Scope
from rookery.hub.domain.records import PublicKey, Session, Token


class Tokens(Protocol):
    """Tokens by the digest of their secret."""

    def by_digest(self, digest: str) -> Token | None:
        """Give the token with this secret, expired or not."""

    def of_account(self, account: int) -> list[Token]:
        """Give an account's, oldest first."""

    def add(
        self,
        account: int,
        *,
        name: str,
        digest: str,
        hint: str,
        scopes: frozenset[Scope],
        repositories: frozenset[int] | None,
        append_only: bool,
        expires: float | None,
        now: float,
    ) -> Token:
        """Keep a new one; names need not differ."""

    def remove(self, account: int, token: int) -> bool:
        """Forget one of an account's; say whether there was one."""

    def used(self, token: int, now: float) -> None:
        """Note that it was used."""


class PublicKeys(Protocol):
    """SSH keys; each leads to one account or one repository."""

    def by_fingerprint(self, fingerprint: str) -> PublicKey | None:
        """Give the key with this fingerprint."""

    def by_id(self, key: int) -> PublicKey | None:
        """Give one by its number."""

    def of_account(self, account: int) -> list[PublicKey]:
        """Give an account's, oldest first."""

    def of_repository(self, repository: int) -> list[PublicKey]:
        """Give a repository's deploy keys, oldest first."""

    def add(
        self,
        *,
        account: int | None,
        repository: int | None,
        title: str,
        line: str,
        fingerprint: str,
        level: Level,
        append_only: bool,
        now: float,
    ) -> PublicKey:
        """Keep a new one.  Raises Conflict if the key is known, whoever's it is."""

    def remove(self, key: int) -> None:
        """Forget one."""

    def used(self, key: int, now: float) -> None:
        """Note that it was used."""


class Sessions(Protocol):
    """Browsers that are signed in, by the digest of what is in their cookie."""

    def by_digest(self, digest: str, now: float) -> Session | None:
        """Give the session, unless it has expired."""

    def add(self, digest: str, account: int, csrf: str, *, expires: float) -> None:
        """Begin one."""

    def remove(self, digest: str) -> None:
        """End one."""

    def remove_all(self, account: int) -> None:
        """End all of an account's."""

    def sweep(self, now: float) -> None:
        """Forget those that have expired."""


class Attempts(Protocol):
    """What was tried in vain, by what it was tried at: an account's name, an address."""

    def count(self, subject: str, *, since: float) -> int:
        """Count the failures since a time."""

    def add(self, subject: str, now: float) -> None:
        """Note one more."""
