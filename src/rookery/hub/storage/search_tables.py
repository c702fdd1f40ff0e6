"""The tables of the search, but for the index of words, which each database has in its own way (see `search.py`).

A repository without a row, or with `asked` and `done` that differ, is waiting to be
read: whoever changes one counts `asked` up in the same transaction, so no crash makes anybody forget it.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from rookery.hub.storage.tables import KeyName, metadata

search_document = Table(
    "search_document",
    metadata,
    Column("repository_id", Integer, ForeignKey("repository.id", ondelete="CASCADE"), primary_key=True),
    Column("asked", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("read", Float, nullable=False),
    Column("commit", String(64), nullable=False),
    Column("title", String(500), nullable=False),
    Column("description", Text, nullable=False),
    Column("licence", String(200), nullable=False),
    Column("doi", String(200), nullable=False),
    Column("authors", Text, nullable=False),  # a JSON list
    Column("keywords", Text, nullable=False),  # a JSON list
    Column("readme", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("paths", Text, nullable=False),
    Column("runs", Text, nullable=False),
    Column("files", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
)

# Keys of files that describe the dataset, whose content was not here when it was read: when it comes, it is read again.
search_missing = Table(
    "search_missing",
    metadata,
    Column("repository_id", Integer, ForeignKey("repository.id", ondelete="CASCADE"), primary_key=True),
    Column("key", KeyName, primary_key=True),
)

search_facet = Table(
    "search_facet",
    metadata,
    Column("repository_id", Integer, ForeignKey("repository.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("value", String(200), primary_key=True),
    Index(None, "kind", "value"),
)
