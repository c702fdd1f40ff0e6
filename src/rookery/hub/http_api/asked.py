"""What every route of the API has from its request: who asks, the services, the names in the address."""

from __future__ import annotations

import math
from typing import Annotated, TypeVar

from fastapi import Depends, Query, Request, Response

from rookery.hub.asking import Site, actor_of, hub_of, site_of
from rookery.hub.domain.access import Actor
from rookery.hub.domain.errors import BadName, NotFound
from rookery.hub.domain.names import RepositoryPath, repository_path
from rookery.hub.services.hub import Hub


def _path(owner: str, repo: str) -> RepositoryPath:
    try:
        return repository_path(owner, repo)
    except BadName as e:
        raise NotFound(e.message) from e


AskedBy = Annotated[Actor, Depends(actor_of)]
AskedHub = Annotated[Hub, Depends(hub_of)]
AskedSite = Annotated[Site, Depends(site_of)]
AskedPath = Annotated[RepositoryPath, Depends(_path)]


# What a number in the tables can be (a 32-bit integer in PostgreSQL).
_LARGEST_NUMBER = (1 << 31) - 1


def bounded_numbers(request: Request) -> None:
    """See that the numbers in an address can be ones of the tables.  Raises NotFound."""
    told = getattr(request.scope.get("route"), "dependant", None)
    for field in told.path_params if told is not None else ():
        text = str(request.path_params.get(field.name, ""))
        if field.field_info.annotation is int and text.isdecimal() and int(text[:20]) > _LARGEST_NUMBER:
            raise NotFound(f"there is nothing of the number {text[:20]}")


T = TypeVar("T")


class Page:
    """Which part of a list is wanted, and the headers that lead to the others."""

    def __init__(
        self,
        request: Request,
        response: Response,
        page: Annotated[int, Query(ge=1, le=1_000_000)] = 1,
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
    ) -> None:
        self._request = request
        self._response = response
        self.page = page
        self.limit = limit

    @property
    def skip(self) -> int:
        """How many are before."""
        return (self.page - 1) * self.limit

    def of(self, everything: list[T]) -> list[T]:
        """Give the part, and say in the headers how many there are."""
        last = max(1, math.ceil(len(everything) / self.limit))
        self._response.headers["X-Total-Count"] = str(len(everything))
        self._link(last, {"first": 1, "prev": self.page - 1, "next": self.page + 1, "last": last})
        return everything[self.skip : self.skip + self.limit]

    def some(self, found: list[T]) -> list[T]:
        """Give the part of a list that nobody counts, of which one more than `limit` were read if there are so many."""
        last = self.page + (len(found) > self.limit)
        self._link(last, {"first": 1, "prev": self.page - 1, "next": self.page + 1})
        return found[: self.limit]

    def _link(self, last: int, links: dict[str, int]) -> None:
        told = [
            f'<{self._request.url.include_query_params(page=number)}>; rel="{name}"'
            for name, number in links.items()
            if 1 <= number <= last and number != self.page
        ]
        if told:
            self._response.headers["Link"] = ", ".join(told)


AskedPage = Annotated[Page, Depends()]
