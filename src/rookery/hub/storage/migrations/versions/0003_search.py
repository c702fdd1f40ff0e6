"""What repositories are found by: documents, facets, and the database's own index of words."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_FTS5 = """CREATE VIRTUAL TABLE search_words USING fts5(
    name, about, readme, metadata, paths, runs, tokenize = 'unicode61 remove_diacritics 0'
)"""
# Words of what is gone are not kept, whoever removed it.
_FORGET = """CREATE TRIGGER search_words_go AFTER DELETE ON search_document BEGIN
    DELETE FROM search_words WHERE rowid = old.repository_id;
END"""
_TSVECTOR = """CREATE TABLE search_words (
    repository_id integer PRIMARY KEY REFERENCES search_document ON DELETE CASCADE, words tsvector NOT NULL
)"""
_GIN = "CREATE INDEX ix_search_words_words ON search_words USING gin (words)"


def upgrade() -> None:
    """Make the tables; all repositories wait to be read, since none has a row."""
    repository = sa.ForeignKeyConstraint
    texts = ("description", "authors", "keywords", "readme", "metadata", "paths", "runs")
    op.create_table(
        "search_document",
        sa.Column("repository_id", sa.Integer(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("read", sa.Float(), nullable=False),
        sa.Column("commit", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("licence", sa.String(length=200), nullable=False),
        sa.Column("doi", sa.String(length=200), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in texts),
        sa.Column("files", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        repository(
            ["repository_id"], ["repository.id"], name="fk_search_document_repository_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repository_id", name="pk_search_document"),
    )
    op.create_table(
        "search_facet",
        sa.Column("repository_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        repository(
            ["repository_id"], ["repository.id"], name="fk_search_facet_repository_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repository_id", "kind", "value", name="pk_search_facet"),
    )
    op.create_index("ix_search_facet_kind_value", "search_facet", ["kind", "value"], unique=False)
    for statement in (_FTS5, _FORGET) if op.get_bind().dialect.name == "sqlite" else (_TSVECTOR, _GIN):
        op.execute(statement)
