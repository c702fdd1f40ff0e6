"""The tables of what people say to each other: issues, pull requests, comments, notices; and of forks.

A pull request is an issue with a row in `pull`, so that both have one row of numbers, as in Gitea.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from rookery.hub.storage.tables import KeyName, metadata


def _to(name: str, table: str, *, key: bool = False, stays: bool = False) -> Column[int]:
    """Give a column that leads to another table's id, and goes with it, or (`stays`) becomes empty."""
    target = ForeignKey(f"{table}.id", ondelete="SET NULL" if stays else "CASCADE")
    return Column(name, Integer, target, nullable=stays, primary_key=key)


fork = Table(
    "fork",
    metadata,
    _to("repository_id", "repository", key=True),
    _to("parent_id", "repository"),
    # The last key whose content was shared; NULL when all of them were.
    Column("after", KeyName),
    Index(None, "parent_id"),
)

issue = Table(
    "issue",
    metadata,
    Column("id", Integer, primary_key=True),
    _to("repository_id", "repository"),
    Column("number", Integer, nullable=False),
    _to("author_id", "account"),
    Column("title", String(255), nullable=False),
    Column("body", Text, nullable=False),
    Column("is_pull", Boolean, nullable=False),
    Column("open", Boolean, nullable=False),
    Column("comments", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("updated", Float, nullable=False),
    Column("closed", Float),
    UniqueConstraint("repository_id", "number"),
)

pull = Table(
    "pull",
    metadata,
    _to("issue_id", "issue", key=True),
    _to("source_id", "repository", stays=True),
    Column("source_name", String(141), nullable=False),
    Column("source_branch", String(255), nullable=False),
    Column("target_branch", String(255), nullable=False),
    Column("head", String(64), nullable=False),
    Column("base", String(64), nullable=False),
    Column("merged", String(64)),
    Column("merged_at", Float),
    _to("merged_by", "account", stays=True),
    Index(None, "source_id"),
)

# What a hub that was killed in a merge finds: the commit to which the branch was about to move.
merging = Table(
    "merging",
    metadata,
    _to("issue_id", "issue", key=True),
    Column("commit", String(64), nullable=False),
    _to("by_id", "account", stays=True),
)

comment = Table(
    "comment",
    metadata,
    Column("id", Integer, primary_key=True),
    _to("issue_id", "issue"),
    _to("author_id", "account"),
    Column("kind", String(16), nullable=False),
    Column("body", Text, nullable=False),
    Column("created", Float, nullable=False),
    Column("updated", Float, nullable=False),
    Index(None, "issue_id"),
)

label = Table(
    "label",
    metadata,
    Column("id", Integer, primary_key=True),
    _to("repository_id", "repository"),
    Column("name", String(50), nullable=False),
    Column("name_lower", String(50), nullable=False),
    Column("color", String(6), nullable=False),
    Column("description", String(200), nullable=False),
    UniqueConstraint("repository_id", "name_lower"),
)

issue_label = Table(
    "issue_label",
    metadata,
    _to("issue_id", "issue", key=True),
    _to("label_id", "label", key=True),
    Index(None, "label_id"),
)

notice = Table(
    "notice",
    metadata,
    Column("id", Integer, primary_key=True),
    _to("account_id", "account"),
    _to("issue_id", "issue"),
    Column("reason", String(16), nullable=False),
    Column("unread", Boolean, nullable=False),
    Column("updated", Float, nullable=False),
    UniqueConstraint("account_id", "issue_id"),
)

activity = Table(
    "activity",
    metadata,
    Column("id", Integer, primary_key=True),
    _to("repository_id", "repository"),
    Column("actor", String(64), nullable=False),
    Column("action", String(32), nullable=False),
    Column("detail", String(500), nullable=False),
    Column("link", String(300), nullable=False),
    Column("at", Float, nullable=False),
    Index(None, "repository_id", "id"),
)
