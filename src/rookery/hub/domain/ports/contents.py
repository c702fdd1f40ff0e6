"""Which repository has the content of which key, who keeps it from being dropped, and what time it is.

This is the truth.  Bytes come before what is said of them here, and go after
it (see `services/content.py`), so that a crash leaves bytes that nobody knows
of, never a claim without bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from rookery.hub.domain.records import Content


class Totals(NamedTuple):
    """How much is there."""

    keys: int
    size: int


class Contents(Protocol):
    """The keys that repositories have.  Nobody gains content by naming a key: each repository has its own list."""

    def exclusively(self, repository: int, key: str) -> None:
        """Keep all others from changing this key's row, and from its bytes, to the end of this transaction."""

    def size(self, repository: int, key: str) -> int | None:
        """Give the size of a key's content; None if the repository does not have it."""

    def sizes(self, repository: int, keys: Sequence[str]) -> dict[str, int]:
        """Give the sizes of those of some keys, at most 1000, that the repository has."""

    def add(self, repository: int, key: str, size: int, now: float) -> None:
        """Note that the content is here; said twice, it counts once."""

    def remove(self, repository: int, key: str) -> bool:
        """Note that the content is here no longer; say whether it was."""

    def keys(self, repository: int, *, after: str = "", limit: int = 1000) -> list[Content]:
        """Give some, in the order of their names."""

    def totals(self, repository: int) -> Totals:
        """Say how much a repository has."""

    def everything(self) -> Totals:
        """Say how much all repositories have together."""

    def owed(self, repository: int) -> Totals:
        """Say how much counts for a repository's quota: what it has and the one that it was forked from has not."""

    def owned(self, owner: int) -> Totals:
        """Say how much counts for an account's quota: what all its repositories owe together."""


class Locks(Protocol):
    """Content that must not be dropped, and the hub's one clock."""

    def timestamp(self) -> float:
        """Give the hub's clock in seconds: the same for all its processes, never going back."""

    def passed(self, timestamp: float) -> bool:
        """Say whether the clock has reached a timestamp.  In doubt (a clock that went back) it has."""

    def take(self, repository: int, key: str, *, holder: str, seconds: float) -> str | None:
        """Lock content that is here, for so long; give what names the lock.  None if the content is not here."""

    def extend(self, lock: str, *, seconds: float) -> bool:
        """Let a lock last so long from now; False if there is none of that name any more."""

    def release(self, lock: str) -> bool:
        """End a lock; False if there was none."""

    def owner(self, lock: str) -> tuple[int, str] | None:
        """Give the repository and key of a lock that lasts; None if there is none."""

    def held(self, repository: int, key: str) -> bool:
        """Say whether anybody keeps a key from being dropped."""

    def count(self, repository: int, holder: str | None = None) -> int:
        """Count the locks that last, all or one holder's, for a limit to them."""

    def sweep(self) -> int:
        """Forget locks that have expired; give how many."""
