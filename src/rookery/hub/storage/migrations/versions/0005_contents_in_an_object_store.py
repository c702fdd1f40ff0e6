"""Contents in an object store: where they are, and what is on its way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "object_content",
        sa.Column("repository_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("origin", sa.Integer(), nullable=False),
        sa.Column("suffix", sa.String(length=32), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("repository_id", "key", name="pk_object_content"),
    )
    op.create_index("ix_object_content_suffix", "object_content", ["suffix"], unique=False)
    op.create_table(
        "object_other",
        sa.Column("suffix", sa.String(length=32), nullable=False),
        sa.Column("repository_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("multipart", sa.Text(), nullable=True),
        sa.Column("tail", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.String(length=32), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.Column("touched", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("suffix", name="pk_object_other"),
    )
    op.create_index(
        "ix_object_other_repository_id_key", "object_other", ["repository_id", "key"], unique=False
    )
    op.create_table(
        "object_part",
        sa.Column("suffix", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("etag", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("suffix", "number", name="pk_object_part"),
    )
