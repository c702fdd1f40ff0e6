"""The search in the database: documents, facets, and the words in SQLite's FTS5 or PostgreSQL's tsvector.

Texts come as words that `domain.search.words_in` made, lower case and with nothing but letters and
digits, so both databases take them apart in the same way, and no word of a query means
anything to them but itself.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    and_,
    bindparam,
    case,
    column,
    delete,
    func,
    insert,
    not_,
    or_,
    select,
    text,
    true,
    update,
)

from rookery.hub.domain.access import Visibility
from rookery.hub.domain.ports.search import Seeker
from rookery.hub.domain.search import Described, Document, Facet, Hit, Order, Query, Term, words_in
from rookery.hub.storage.repositories import all_repositories, listed_to, repository_of
from rookery.hub.storage.rows import put
from rookery.hub.storage.search_tables import search_document, search_facet, search_missing
from rookery.hub.storage.tables import account, content, repository

_KEPT = {Facet.LICENCE, Facet.KEYWORD, Facet.MODALITY}

# How much a word counts, by where it is: name, about, readme, metadata, paths, runs.
_SQLITE_FOUND = (
    "SELECT rowid AS number, bm25(search_words, 10, 5, 2, 2, 1, 1) AS rank FROM search_words "
    "WHERE search_words MATCH :query"
)
_POSTGRESQL_FOUND = (
    "SELECT repository_id AS number, -ts_rank('{{0.1, 0.2, 0.5, 1.0}}', words, {0}) AS rank FROM search_words "
    "WHERE words @@ {0}"
).format("to_tsquery('simple', :query)")
_POSTGRESQL_WORDS = " || ".join(
    f"setweight(to_tsvector('simple', :{name}), '{weight}')"
    for name, weight in {
        "name": "A",
        "about": "B",
        "readme": "C",
        "metadata": "C",
        "paths": "D",
        "runs": "D",
    }.items()
)


class SqlSearch:
    """What `domain.ports.search` says, on a connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._sqlite = connection.dialect.name == "sqlite"

    def waiting(self, *, limit: int) -> list[int]:
        """Give repositories that are to be read."""
        joined = repository.outerjoin(search_document, search_document.c.repository_id == repository.c.id)
        query = (
            select(repository.c.id)
            .select_from(joined)
            .where(_waiting())
            .order_by(repository.c.id)
            .limit(limit)
        )
        return list(self._connection.scalars(query))

    def asked(self, number: int, /) -> int:
        """Give the number of a repository's last change."""
        mine = search_document.c.repository_id == number
        return self._connection.scalar(select(search_document.c.asked).where(mine)) or 0

    def arrived(self, number: int, /) -> bool:
        """Say whether content came that was missing."""
        found = select(_arrived(number).exists())
        return bool(self._connection.scalar(found))

    def document(self, number: int, /) -> Document | None:
        """Give what is kept of a repository."""
        query = select(search_document).where(search_document.c.repository_id == number)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return None
        mine = and_(search_facet.c.repository_id == number, search_facet.c.kind == Facet.MODALITY.value)
        modalities = self._connection.scalars(select(search_facet.c.value).where(mine).order_by("value"))
        theirs = search_missing.c.repository_id == number
        missing = tuple(self._connection.scalars(select(search_missing.c.key).where(theirs)))
        return _document_of(row, tuple(modalities))._replace(missing=missing)

    def put(self, number: int, document: Document, /, *, asked: int, now: float) -> None:
        """Keep what was read of a repository."""
        found = self._connection.execute(all_repositories().where(repository.c.id == number)).one_or_none()
        if found is None:
            return  # it was removed meanwhile
        told = document.described
        values = {
            "done": asked,
            "read": now,
            "commit": document.commit,
            **{name: _stored(value) for name, value in _texts(document).items()},
            "authors": json.dumps(told.authors),
            "keywords": json.dumps(told.keywords),
            "files": document.files,
            "size": document.size,
        }
        mine = search_document.c.repository_id == number
        changed = self._connection.execute(update(search_document).where(mine).values(values))
        if not changed.rowcount:
            put(self._connection, search_document, {"repository_id": number, "asked": asked, **values})
        self._facets(number, document)
        self._connection.execute(delete(search_missing).where(search_missing.c.repository_id == number))
        if document.missing:
            rows = [{"repository_id": number, "key": key} for key in sorted(set(document.missing))]
            self._connection.execute(insert(search_missing), rows)
        about = " ".join((found.description, told.title, told.description, *told.keywords, *told.authors))
        texts = {
            "name": f"{found.owner} {found.name} {told.title}",
            "about": about,
            "readme": document.readme,
            "metadata": document.metadata,
            "paths": document.paths,
            "runs": document.runs,
        }
        self._words(number, {name: " ".join(words_in(value)) for name, value in texts.items()})

    def _facets(self, number: int, document: Document) -> None:
        told = document.described
        self._connection.execute(delete(search_facet).where(search_facet.c.repository_id == number))
        pairs = {(Facet.LICENCE, told.licence)} if told.licence else set()
        pairs |= {(Facet.KEYWORD, word.lower()) for word in told.keywords}
        pairs |= {(Facet.MODALITY, word) for word in document.modalities}
        rows = [{"repository_id": number, "kind": k.value, "value": v[:200]} for k, v in sorted(pairs)]
        if rows:
            self._connection.execute(insert(search_facet), rows)

    def _words(self, number: int, texts: dict[str, str]) -> None:
        if self._sqlite:
            self._connection.execute(
                text("DELETE FROM search_words WHERE rowid = :number"), {"number": number}
            )
            names = ", ".join(texts)
            values = ", ".join(f":{name}" for name in texts)
            statement = f"INSERT INTO search_words (rowid, {names}) VALUES (:number, {values})"
        else:
            statement = (
                f"INSERT INTO search_words (repository_id, words) VALUES (:number, {_POSTGRESQL_WORDS}) "
                "ON CONFLICT (repository_id) DO UPDATE SET words = excluded.words"
            )
        self._connection.execute(text(statement), {"number": number, **texts})

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
        source, rank, condition = self._found(seeker, query, facets)
        kept = [one for one in search_document.columns if one.name not in ("repository_id", "description")]
        chosen = (
            select(repository, account.c.name.label("owner"), *(one.label(f"of_{one.name}") for one in kept))
            .add_columns(search_document.c.description.label("of_description"))
            .select_from(source)
            .where(condition)
        )
        changed = (repository.c.updated.desc(), repository.c.id.desc())
        sorting: dict[Order, tuple[Any, ...]] = {
            Order.BEST: changed if rank is None else (case((rank.is_(None), 1), else_=0), rank, *changed),
            Order.CHANGED: changed,
            Order.NAME: (repository.c.name_lower, account.c.name_lower),
            Order.SIZE: (func.coalesce(search_document.c.size, 0).desc(), repository.c.id.desc()),
        }
        rows = self._connection.execute(chosen.order_by(*sorting[order]).offset(skip).limit(limit))
        return [Hit(repository_of(row), _kept_in(row)) for row in rows]

    def count(self, seeker: Seeker, query: Query, facets: Mapping[Facet, str], /) -> int:
        """Count them."""
        source, _, condition = self._found(seeker, query, facets)
        return self._connection.scalar(select(func.count()).select_from(source).where(condition)) or 0

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
        """Give the values that the found ones have."""
        source, _, condition = self._found(seeker, query, facets)
        given: dict[Facet, list[tuple[str, int]]] = {}
        for kind in kinds:
            value: Any = account.c.name if kind is Facet.OWNER else repository.c.visibility
            joined: Any = source
            narrowed = condition
            if kind in _KEPT:
                value = search_facet.c.value
                joined = source.join(search_facet, search_facet.c.repository_id == repository.c.id)
                narrowed = and_(condition, search_facet.c.kind == kind.value)
            elif kind is Facet.CONTENT:
                value = case((_has_content(), "here"), else_="none")
            number = func.count().label("number")
            counted: Select[Any] = select(value.label("value"), number).select_from(joined).where(narrowed)
            rows = self._connection.execute(
                counted.group_by(text("1")).order_by(number.desc(), text("1")).limit(most)
            )
            given[kind] = [(row.value, row.number) for row in rows]
        return given

    def _found(
        self, seeker: Seeker, query: Query, facets: Mapping[Facet, str]
    ) -> tuple[Any, ColumnElement[Any] | None, ColumnElement[bool]]:
        """Give what to select from, how well each fits (less is better; None without words), and the condition."""
        source: FromClause = repository.join(account, account.c.id == repository.c.owner_id).outerjoin(
            search_document, search_document.c.repository_id == repository.c.id
        )
        conditions: list[ColumnElement[bool]] = [true() if seeker.everything else listed_to(seeker.person)]
        if seeker.limited is not None:
            public = repository.c.visibility == Visibility.PUBLIC.value
            conditions.append(or_(public, repository.c.id.in_(seeker.limited)))
        conditions += [_facet(kind, value) for kind, value in facets.items()]
        if not query.wanted:
            return source, None, and_(*conditions)
        said = text(_SQLITE_FOUND if self._sqlite else _POSTGRESQL_FOUND)
        expression = _sqlite_query(query) if self._sqlite else _postgresql_query(query)
        found = (
            said.bindparams(bindparam("query", expression))
            .columns(column("number"), column("rank"))
            .subquery()
        )
        # What was not read yet is found by its name all the same.
        conditions.append(or_(found.c.number.is_not(None), and_(_waiting(), _named(query))))
        return source.outerjoin(found, found.c.number == repository.c.id), found.c.rank, and_(*conditions)


def _waiting() -> ColumnElement[bool]:
    changed = or_(search_document.c.done.is_(None), search_document.c.done != search_document.c.asked)
    return or_(changed, _arrived(repository.c.id).exists())


def _arrived(number: Any) -> Select[Any]:
    both = and_(
        content.c.repository_id == search_missing.c.repository_id, content.c.key == search_missing.c.key
    )
    joined = search_missing.join(content, both)
    return select(content.c.key).select_from(joined).where(search_missing.c.repository_id == number)


def _facet(kind: Facet, value: str) -> ColumnElement[bool]:
    if kind is Facet.OWNER:
        return account.c.name_lower == value.lower()
    if kind is Facet.VISIBILITY:
        return repository.c.visibility == value
    if kind is Facet.CONTENT:
        return _has_content() if value == "here" else not_(_has_content())
    other = search_facet.alias()  # the facets that are counted may be of the same table
    mine = other.c.repository_id == repository.c.id
    return select(other).where(mine, other.c.kind == kind.value, other.c.value == value).exists()


def _has_content() -> ColumnElement[bool]:
    return select(content.c.key).where(content.c.repository_id == repository.c.id).exists()


def _named(query: Query) -> ColumnElement[bool]:
    """Give the condition that name or description have all words, as one asks where there is no index."""
    fields = func.lower(account.c.name + " " + repository.c.name + " " + repository.c.description)

    def has(term: Term) -> ColumnElement[bool]:
        return and_(*(fields.like(f"%{word}%") for word in term.words))  # words have no % and no _

    return and_(*map(has, query.wanted), *(not_(has(term)) for term in query.unwanted))


def _sqlite_query(query: Query) -> str:
    def told(term: Term) -> str:
        return f'"{" ".join(term.words)}"' + (" *" if term.begins else "")

    wanted = " AND ".join(map(told, query.wanted))
    unwanted = " OR ".join(map(told, query.unwanted))
    return f"({wanted}) NOT ({unwanted})" if unwanted else wanted


def _postgresql_query(query: Query) -> str:
    def told(term: Term) -> str:
        words = [f"'{word}'" for word in term.words]
        return "(" + " <-> ".join(words) + (":*" if term.begins else "") + ")"

    return " & ".join([*map(told, query.wanted), *(f"!{told(term)}" for term in query.unwanted)])


def _texts(document: Document) -> dict[str, str]:
    told = document.described
    short = {"title": told.title[:500], "licence": told.licence[:200], "doi": told.doi[:200]}
    long = {"readme": document.readme, "metadata": document.metadata, "paths": document.paths}
    return {**short, "description": told.description, **long, "runs": document.runs}


def _stored(value: str) -> str:
    """Give a text as databases take it: names that are no text lose what is odd; PostgreSQL knows no NUL."""
    return value.encode("utf-8", "replace").decode().replace("\0", " ")


def _document_of(row: Any, modalities: tuple[str, ...], before: str = "") -> Document:
    def of(name: str) -> Any:
        return getattr(row, before + name)

    told = Described(
        of("title"),
        of("description"),
        of("licence"),
        of("doi"),
        tuple(json.loads(of("authors"))),
        tuple(json.loads(of("keywords"))),
    )
    texts = (of("readme"), of("metadata"), of("paths"), of("runs"))
    return Document(of("commit"), told, modalities, *texts, of("files"), of("size"))


def _kept_in(row: Row[Any]) -> Document | None:
    return None if row.of_commit is None else _document_of(row, (), "of_")
