"""The table of numbers that are not given again: of accounts that were removed."""

from __future__ import annotations

from sqlalchemy import Column, Integer, Table

from rookery.hub.storage.tables import metadata

removed_account = Table(
    "removed_account",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
)
