"""Finding: the list of repositories with what narrows it, and the files of one repository by their names."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlencode

from starlette.responses import Response

from rookery.hub.domain.search import (
    Described,
    Facet,
    Hit,
    Order,
    Pieces,
    Query,
    excerpt_of,
    marked,
)
from rookery.hub.services.searching import A_PAGE
from rookery.hub.web.repository_page import repository_page
from rookery.hub.web.visit import Visit

_LONGEST = 300
_ABOUT = 300

_HEADINGS = {
    Facet.OWNER: "Owner",
    Facet.VISIBILITY: "Visibility",
    Facet.LICENCE: "Licence",
    Facet.KEYWORD: "Keyword",
    Facet.MODALITY: "Modality",
    Facet.CONTENT: "Content",
}
_CONTENT = {"here": "some is here", "none": "none is here"}


class Choice(NamedTuple):
    """A value by which the list can be narrowed, or is; `address` chooses it, or lets go of it."""

    word: str
    number: int | None
    address: str


class Shown(NamedTuple):
    """A repository of the list: what is said of it, and the place where a word was found, with the words marked."""

    hit: Hit
    title: Pieces
    about: Pieces
    source: str = ""
    excerpt: Pieces = ()


class _Asked(NamedTuple):
    """What the address asks for."""

    words: str
    facets: dict[Facet, str]
    order: Order | None
    skip: int

    def address(self, *other: tuple[str, str], skip: int = 0) -> str:
        """Give the address of the same with other values; an empty one lets go of its parameter."""
        told = {"q": self.words, **{kind.value: value for kind, value in self.facets.items()}}
        told |= {"sort": self.order.value if self.order else "", "from": str(skip or ""), **dict(other)}
        query = urlencode({name: value for name, value in told.items() if value})
        return f"/?{query}" if query else "/"


def explore(visit: Visit) -> Response:
    """Show repositories: those with what was searched for, those that a facet leaves, or all, changed last first."""
    asked = _asked(visit)
    found = visit.hub.search.find(visit.actor, asked.words, asked.facets, order=asked.order, skip=asked.skip)
    shown = [_shown(hit, found.query) for hit in found.hits]
    facets = {
        _HEADINGS[kind]: [Choice(_word(kind, v), n, asked.address((kind.value, v))) for v, n in values]
        for kind, values in found.values.items()
        if len(values) > 1 or (values and kind not in (Facet.OWNER, Facet.VISIBILITY, Facet.CONTENT))
    }
    chosen = [
        Choice(f"{_HEADINGS[kind]}: {_word(kind, value)}", None, asked.address((kind.value, "")))
        for kind, value in asked.facets.items()
    ]
    by = asked.order or (Order.BEST if found.query.wanted else Order.CHANGED)
    orders = [o for o in Order if o is not Order.BEST or found.query.wanted]
    end = asked.skip + A_PAGE
    return visit.page(
        "explore.html",
        words=asked.words,
        shown=shown,
        total=found.total,
        facets=facets,
        chosen=chosen,
        orders=[(o.value, asked.address(("sort", o.value)), o is by) for o in orders],
        before=asked.address(skip=max(asked.skip - A_PAGE, 0)) if asked.skip else "",
        after=asked.address(skip=end) if end < found.total else "",
    )


def _shown(hit: Hit, query: Query) -> Shown:
    document = hit.document
    told = document.described if document else Described()
    about = hit.repository.description or told.description[:_ABOUT]
    made = Shown(hit, marked(query, told.title), marked(query, about))
    excerpt = excerpt_of(query, document) if document else None
    if excerpt is None or (excerpt.source == "description" and not hit.repository.description):
        return made  # what is found there is to be seen already
    text = f"{excerpt.before}{excerpt.word}{excerpt.after}"
    return made._replace(source=excerpt.source, excerpt=marked(query, text))


def _asked(visit: Visit) -> _Asked:
    told = visit.request.query_params
    facets = {kind: value[:_LONGEST] for kind in Facet if (value := told.get(kind.value, ""))}
    order = Order(told["sort"]) if told.get("sort", "") in set(Order) else None
    words = "".join(letter for letter in told.get("q", "")[:_LONGEST] if letter.isprintable())
    return _Asked(words, facets, order, visit.number("from"))


def _word(kind: Facet, value: str) -> str:
    return _CONTENT.get(value, value) if kind is Facet.CONTENT else value


def find_files(visit: Visit) -> Response:
    """Show the files of a branch, tag or commit whose paths have all the words."""
    repository = visit.hub.repositories.get(visit.actor, visit.path)
    rest = visit.request.path_params.get("rest", "")
    place = visit.hub.browsing.at(visit.actor, repository.id, rest.strip("/"))
    words = visit.request.query_params.get("q", "")[:_LONGEST]
    found = visit.hub.search.files(place, words)
    return repository_page(
        visit,
        "find.html",
        repository,
        tab="files",
        ref=place.ref,
        words=words,
        paths=found.paths,
        cut=found.cut,
    )
