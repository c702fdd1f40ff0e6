"""Searching: what people type, what is kept of a repository to be found by, and which words of it are shown.

    cortex "resting state" -monkey

Words are looked for wherever they begin another one (from three letters on), quoted ones as they stand and
next to each other; a dash before either leaves out what has it.  Everything else that people type, marks of
every kind, only parts words: there is no wrong query.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import NamedTuple

from rookery.hub.domain.records import Repository

MOST_TERMS = 12
MOST_LETTERS = 300

# Shorter words begin too many others.
_BEGINS = 3

_WORD = re.compile(r"[^\W_]+")
_TERM = re.compile(r'(-?)(?:"([^"]*)"?|([^\s"]+))')


def words_in(text: str) -> list[str]:
    """Give the words of a text as they are compared: lower case, without accents; marks and `_` part words."""
    plain = unicodedata.normalize("NFKD", text).casefold()
    return _WORD.findall("".join(letter for letter in plain if not unicodedata.combining(letter)))


class Term(NamedTuple):
    """Words that must stand next to each other.  With `begins`, the last one may be the beginning of another."""

    words: tuple[str, ...]
    begins: bool = False


class Query(NamedTuple):
    """What must be there, and what must not.  Without `wanted` it asks for everything."""

    wanted: tuple[Term, ...] = ()
    unwanted: tuple[Term, ...] = ()


def parse_query(text: str) -> Query:
    """Read what somebody typed; what is too long is cut."""
    wanted: list[Term] = []
    unwanted: list[Term] = []
    for dash, quoted, bare in _TERM.findall(text[:MOST_LETTERS]):
        words = tuple(words_in(quoted or bare))
        if words and len(wanted) + len(unwanted) < MOST_TERMS:
            term = Term(words, bool(bare) and not dash and len(words[-1]) >= _BEGINS)
            (unwanted if dash else wanted).append(term)
    return Query(tuple(wanted), tuple(unwanted) if wanted else ())


class Described(NamedTuple):
    """What a dataset's own metadata files say of it, whichever they are; empty where they say nothing."""

    title: str = ""
    description: str = ""
    licence: str = ""
    doi: str = ""
    authors: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()


class Document(NamedTuple):
    """What a repository is found by: the texts of its default branch, at `commit` ("" if there is none)."""

    commit: str
    described: Described = Described()
    modalities: tuple[str, ...] = ()  # of BIDS: anat, func ...
    readme: str = ""
    metadata: str = ""
    paths: str = ""
    runs: str = ""
    files: int = 0
    size: int = 0  # bytes of all files, annexed content too, wherever it is
    missing: tuple[str, ...] = ()  # keys of files that would tell more, if their content were here


class Facet(StrEnum):
    """By what the list of repositories can be narrowed."""

    OWNER = "owner"
    VISIBILITY = "visibility"
    LICENCE = "licence"
    KEYWORD = "keyword"
    MODALITY = "modality"
    CONTENT = "content"


class Order(StrEnum):
    """How the list is sorted."""

    BEST = "best"
    CHANGED = "changed"
    NAME = "name"
    SIZE = "size"


class Hit(NamedTuple):
    """A repository that was found, with its document, None if it was not read yet."""

    repository: Repository
    document: Document | None


class Excerpt(NamedTuple):
    """A piece of a text in which a word was found: what is before it, the word, what is behind it."""

    source: str
    before: str
    word: str
    after: str


_AROUND = 90

Pieces = tuple[tuple[str, bool], ...]
"""A text in pieces, each with whether it is a word that was searched for."""


def _form(query: Query) -> re.Pattern[str] | None:
    """Give what finds the words of a query in a text as it stands: letters with accents count as themselves here."""
    wanted = [word for term in query.wanted for word in term.words]
    if not wanted:
        return None
    return re.compile(r"(?<![^\W_])(?:" + "|".join(map(re.escape, wanted)) + r")[^\W_]*", re.IGNORECASE)


def marked(query: Query, text: str) -> Pieces:
    """Take a text apart where words of a query are in it."""
    form = _form(query)
    found, at = [], 0
    for one in form.finditer(text) if form else ():
        found += [(text[at : one.start()], False), (one[0], True)]
        at = one.end()
    return tuple(piece for piece in (*found, (text[at:], False)) if piece[0])


def excerpt_of(query: Query, document: Document) -> Excerpt | None:
    """Show where a word was found, in the texts from the most to the least telling; None if only the name has it."""
    form = _form(query)
    if form is None:
        return None
    texts = {
        "description": document.described.description,
        "README": document.readme,
        "commands": document.runs,
        "metadata": document.metadata,
        "files": document.paths,
    }
    for source, text in texts.items():
        if found := form.search(text):
            start, end = found.span()
            ahead = text[max(start - _AROUND, 0) : start]
            before = " ".join((ahead.partition(" ")[2] if start > _AROUND else ahead).split())
            behind_it = text[end : end + _AROUND]
            after = " ".join(
                (behind_it.rpartition(" ")[0] if len(behind_it) == _AROUND else behind_it).split()
            )
            gap = " " if start and text[start - 1].isspace() else ""
            behind = " " if text[end : end + 1].isspace() else ""
            return Excerpt(source, before + gap, found[0], behind + after)
    return None
