"""The port to what repositories are found by."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from rookery.hub.domain.search import Document, Facet, Hit, Order, Query


class Seeker(NamedTuple):
    """Who looks, as far as it matters for lists: nobody finds what is not listed to them.

    `person` is None for strangers; `everything` is for those who run the hub; a token for some
    repositories (`limited`) finds those and public ones.
    """

    person: int | None
    everything: bool = False
    limited: frozenset[int] | None = None


class Search(Protocol):
    """Documents of repositories, and the index of their words."""

    def waiting(self, *, limit: int) -> list[int]:
        """Give repositories that changed since they were read, by their numbers."""

    def asked(self, repository: int, /) -> int:
        """Give the number of a repository's last change, for `put`."""

    def arrived(self, repository: int, /) -> bool:
        """Say whether content is here now that was missing when the repository was read."""

    def document(self, repository: int, /) -> Document | None:
        """Give what is kept of a repository; None if it was not read yet."""

    def put(self, repository: int, document: Document, /, *, asked: int, now: float) -> None:
        """Keep what was read of a repository, as of a change; those since then have it read again."""

    def find(
        self,
        seeker: Seeker,
        query: Query,
        facets: Mapping[Facet, str],
        /,
        *,
        order: Order,
        skip: int = 0,
        limit: int = 20,
    ) -> list[Hit]:
        """Give repositories."""

    def count(self, seeker: Seeker, query: Query, facets: Mapping[Facet, str], /) -> int:
        """Count them."""

    def values(
        self,
        seeker: Seeker,
        query: Query,
        facets: Mapping[Facet, str],
        kinds: Collection[Facet],
        /,
        *,
        most: int,
    ) -> dict[Facet, list[tuple[str, int]]]:
        """Give the values that the found ones have, with how many have each, the most frequent first."""
