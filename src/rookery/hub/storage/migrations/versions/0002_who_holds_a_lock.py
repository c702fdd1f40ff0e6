"""Who holds a lock: so that no stranger can take all that a repository has."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add a column; locks that are there are nobody's, and gone in ten minutes."""
    op.add_column(
        "content_lock", sa.Column("holder", sa.String(length=64), nullable=False, server_default="")
    )
