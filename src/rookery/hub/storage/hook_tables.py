"""The tables of webhooks: where to, and each message with what became of it."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, String, Table, Text

from rookery.hub.storage.tables import metadata

hook = Table(
    "hook",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("repository_id", Integer, ForeignKey("repository.id", ondelete="CASCADE"), nullable=False),
    Column("url", String(2000), nullable=False),
    Column("secret", String(255), nullable=False),
    Column("events", String(255), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("created", Float, nullable=False),
    Index(None, "repository_id"),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hook_id", Integer, ForeignKey("hook.id", ondelete="CASCADE"), nullable=False),
    Column("uuid", String(36), nullable=False),
    Column("event", String(32), nullable=False),
    Column("payload", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("made", Float, nullable=False),
    # When to try (again); for one that somebody is at, when to take it that they have died.
    Column("due", Float, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("status", Integer),
    Column("answer", Text, nullable=False),
    Index(None, "hook_id", "id"),
    Index(None, "state", "due"),
)
