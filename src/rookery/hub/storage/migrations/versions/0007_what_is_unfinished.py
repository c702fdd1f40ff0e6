"""Merges that have begun, for a hub that was killed in one; files that describe a dataset and have no content here."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the tables.  All repositories are read again: what is annexed was not read before."""
    op.create_table(
        "merging",
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("commit", sa.String(length=64), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["issue_id"], ["issue.id"], name="fk_merging_issue_id_issue", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["by_id"], ["account.id"], name="fk_merging_by_id_account", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("issue_id", name="pk_merging"),
    )
    op.create_table(
        "search_missing",
        sa.Column("repository_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repository_id"],
            ["repository.id"],
            name="fk_search_missing_repository_id_repository",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("repository_id", "key", name="pk_search_missing"),
    )
    op.execute("UPDATE search_document SET asked = asked + 1, \"commit\" = ''")
