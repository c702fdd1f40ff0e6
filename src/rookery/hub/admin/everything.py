"""All repositories and all their contents, in pages, whoever they belong to: for those who run the hub."""

from __future__ import annotations

from collections.abc import Iterator

from rookery.hub.domain.records import Content, Repository
from rookery.hub.opening import Opened

A_PAGE = 500


def repositories(opened: Opened) -> Iterator[Repository]:
    """Yield all repositories."""
    seen: set[int] = set()
    before = None
    while True:
        with opened.database.reading() as work:
            found = work.repositories.found(None, everything=True, before=before, limit=A_PAGE)
        for one in found:
            if one.id not in seen:  # one that changes meanwhile comes to the front, or again
                seen.add(one.id)
                yield one
        if len(found) < A_PAGE:
            return
        before = (found[-1].updated, found[-1].id)


def contents(opened: Opened, repository: int) -> Iterator[Content]:
    """Yield all that a repository claims to have."""
    after = ""
    while True:
        with opened.database.reading() as work:
            found = work.contents.keys(repository, after=after, limit=A_PAGE)
        yield from found
        if len(found) < A_PAGE:
            return
        after = found[-1].key
