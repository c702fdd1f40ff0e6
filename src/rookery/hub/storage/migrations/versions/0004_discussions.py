"""Forks, issues, pull requests, notices, activity, webhooks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables, those first that others lead to."""
    _activity()
    _fork()
    _hook()
    _issue()
    _label()
    _comment()
    _delivery()
    _issue_label()
    _notice()
    _pull()


def _activity() -> None:
    op.create_table(
        "activity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("repository_id", sa.Integer(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.Column("link", sa.String(length=300), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repository_id"], ["repository.id"], name="fk_activity_repository_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_activity"),
    )
    op.create_index("ix_activity_repository_id_id", "activity", ["repository_id", "id"], unique=False)


def _fork() -> None:
    op.create_table(
        "fork",
        sa.Column("repository_id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=False),
        sa.Column("after", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["repository.id"], name="fk_fork_parent_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["repository_id"], ["repository.id"], name="fk_fork_repository_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repository_id", name="pk_fork"),
    )
    op.create_index("ix_fork_parent_id", "fork", ["parent_id"], unique=False)


def _hook() -> None:
    op.create_table(
        "hook",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("repository_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("secret", sa.String(length=255), nullable=False),
        sa.Column("events", sa.String(length=255), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repository_id"], ["repository.id"], name="fk_hook_repository_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_hook"),
    )
    op.create_index("ix_hook_repository_id", "hook", ["repository_id"], unique=False)


def _issue() -> None:
    op.create_table(
        "issue",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("repository_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("is_pull", sa.Boolean(), nullable=False),
        sa.Column("open", sa.Boolean(), nullable=False),
        sa.Column("comments", sa.Integer(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("updated", sa.Float(), nullable=False),
        sa.Column("closed", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["author_id"], ["account.id"], name="fk_issue_author_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["repository_id"], ["repository.id"], name="fk_issue_repository_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_issue"),
        sa.UniqueConstraint("repository_id", "number", name="uq_issue_repository_id_number"),
    )


def _label() -> None:
    op.create_table(
        "label",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("repository_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("name_lower", sa.String(length=50), nullable=False),
        sa.Column("color", sa.String(length=6), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["repository_id"], ["repository.id"], name="fk_label_repository_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_label"),
        sa.UniqueConstraint("repository_id", "name_lower", name="uq_label_repository_id_name_lower"),
    )


def _comment() -> None:
    op.create_table(
        "comment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("updated", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["account.id"], name="fk_comment_author_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["issue_id"], ["issue.id"], name="fk_comment_issue_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_comment"),
    )
    op.create_index("ix_comment_issue_id", "comment", ["issue_id"], unique=False)


def _delivery() -> None:
    op.create_table(
        "delivery",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hook_id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=36), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("made", sa.Float(), nullable=False),
        sa.Column("due", sa.Float(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["hook_id"], ["hook.id"], name="fk_delivery_hook_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
    )
    op.create_index("ix_delivery_hook_id_id", "delivery", ["hook_id", "id"], unique=False)
    op.create_index("ix_delivery_state_due", "delivery", ["state", "due"], unique=False)


def _issue_label() -> None:
    op.create_table(
        "issue_label",
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("label_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["issue_id"], ["issue.id"], name="fk_issue_label_issue_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["label_id"], ["label.id"], name="fk_issue_label_label_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("issue_id", "label_id", name="pk_issue_label"),
    )
    op.create_index("ix_issue_label_label_id", "issue_label", ["label_id"], unique=False)


def _notice() -> None:
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("unread", sa.Boolean(), nullable=False),
        sa.Column("updated", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name="fk_notice_account_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["issue_id"], ["issue.id"], name="fk_notice_issue_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_notice"),
        sa.UniqueConstraint("account_id", "issue_id", name="uq_notice_account_id_issue_id"),
    )


def _pull() -> None:
    op.create_table(
        "pull",
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=True),
        sa.Column("source_name", sa.String(length=141), nullable=False),
        sa.Column("source_branch", sa.String(length=255), nullable=False),
        sa.Column("target_branch", sa.String(length=255), nullable=False),
        sa.Column("head", sa.String(length=64), nullable=False),
        sa.Column("base", sa.String(length=64), nullable=False),
        sa.Column("merged", sa.String(length=64), nullable=True),
        sa.Column("merged_at", sa.Float(), nullable=True),
        sa.Column("merged_by", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["issue_id"], ["issue.id"], name="fk_pull_issue_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["merged_by"], ["account.id"], name="fk_pull_merged_by", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["source_id"], ["repository.id"], name="fk_pull_source_id", ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("issue_id", name="pk_pull"),
    )
    op.create_index("ix_pull_source_id", "pull", ["source_id"], unique=False)
