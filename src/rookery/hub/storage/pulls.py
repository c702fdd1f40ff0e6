"""Pull requests and forks in the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, Select, delete, insert, select, update

from rookery.hub.domain.discussion import Issue, Pull
from rookery.hub.domain.names import OwnerName
from rookery.hub.domain.ports.discussions import Begun
from rookery.hub.storage.discussion_tables import fork, issue, merging, pull
from rookery.hub.storage.issues import all_issues, issue_of
from rookery.hub.storage.tables import account


def _pull_of(row: Row[Any], merger: str | None) -> Pull:
    return Pull(
        row.issue_id,
        row.source_id,
        row.source_name,
        row.source_branch,
        row.target_branch,
        row.head,
        row.base,
        row.merged,
        row.merged_at,
        None if merger is None else OwnerName(merger),
    )


class SqlPulls:
    """What `domain.ports.discussions.Pulls` says."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of_issue(self, issue_id: int) -> Pull | None:
        """Give the one of an issue."""
        query = (
            select(pull, account.c.name.label("merger"))
            .outerjoin(account, account.c.id == pull.c.merged_by)
            .where(pull.c.issue_id == issue_id)
        )
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _pull_of(row, row.merger)

    def merged(self, issues: list[int]) -> set[int]:
        """Give those that came in."""
        query = select(pull.c.issue_id).where(pull.c.issue_id.in_(issues), pull.c.merged.is_not(None))
        return set(self._connection.scalars(query))

    def open_from(self, source: int, branch: str | None = None) -> list[tuple[Issue, Pull]]:
        """Give the open ones that propose from a repository."""
        query = _open().where(pull.c.source_id == source)
        return self._both(query if branch is None else query.where(pull.c.source_branch == branch))

    def open_to(self, repository: int, branch: str | None = None) -> list[tuple[Issue, Pull]]:
        """Give the open ones that are for a repository."""
        query = _open().where(issue.c.repository_id == repository)
        return self._both(query if branch is None else query.where(pull.c.target_branch == branch))

    def _both(self, query: Select[Any]) -> list[tuple[Issue, Pull]]:
        rows = self._connection.execute(query.order_by(issue.c.number))
        return [(issue_of(row), _pull_of(row, None)) for row in rows]

    def add(self, new: Pull) -> None:
        """Keep one."""
        row = {
            "issue_id": new.issue,
            "source_id": new.source,
            "source_name": new.source_name,
            "source_branch": new.source_branch,
            "target_branch": new.target_branch,
            "head": new.head,
            "base": new.base,
        }
        self._connection.execute(insert(pull).values(row))

    def move(self, issue_id: int, *, head: str, base: str) -> None:
        """Note that the proposal has changed."""
        self._connection.execute(update(pull).where(pull.c.issue_id == issue_id).values(head=head, base=base))

    def set_merged(self, issue_id: int, commit: str, *, by: int | None, now: float) -> None:
        """Note that it came in."""
        values = {"merged": commit, "merged_at": now, "merged_by": by}
        self._connection.execute(update(pull).where(pull.c.issue_id == issue_id).values(values))

    def begin_merge(self, issue_id: int, commit: str, *, by: int | None) -> None:
        """Note what is about to happen."""
        self.end_merge(issue_id)
        self._connection.execute(insert(merging).values(issue_id=issue_id, commit=commit, by_id=by))

    def merge_begun(self, issue_id: int, *, alone: bool = False) -> Begun | None:
        """Give what was noted; PostgreSQL locks the row, SQLite has one writer."""
        query = select(merging).where(merging.c.issue_id == issue_id)
        row = self._connection.execute(query.with_for_update() if alone else query).one_or_none()
        return None if row is None else Begun(row.commit, row.by_id)

    def merges_begun(self) -> list[Issue]:
        """Give all whose merge has begun."""
        query = all_issues(merging).join(merging, merging.c.issue_id == issue.c.id)
        return [issue_of(row) for row in self._connection.execute(query.order_by(issue.c.id))]

    def end_merge(self, issue_id: int) -> None:
        """Forget it."""
        self._connection.execute(delete(merging).where(merging.c.issue_id == issue_id))


def _open() -> Select[Any]:
    return all_issues(pull).join(pull, pull.c.issue_id == issue.c.id).where(issue.c.open.is_(True))


class SqlForks:
    """What `domain.ports.discussions.Forks` says."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, repository: int, parent: int) -> None:
        """Note a fork."""
        self._connection.execute(insert(fork).values(repository_id=repository, parent_id=parent, after=""))

    def parent(self, repository: int) -> int | None:
        """Give what a repository was forked from."""
        return self._connection.scalar(select(fork.c.parent_id).where(fork.c.repository_id == repository))

    def of(self, parent: int) -> list[int]:
        """Give the forks of a repository."""
        query = select(fork.c.repository_id).where(fork.c.parent_id == parent).order_by(fork.c.repository_id)
        return list(self._connection.scalars(query))

    def progress(self, repository: int) -> str | None:
        """Give the last key that was shared."""
        return self._connection.scalar(select(fork.c.after).where(fork.c.repository_id == repository))

    def set_progress(self, repository: int, after: str | None) -> None:
        """Note how far it is."""
        self._connection.execute(update(fork).where(fork.c.repository_id == repository).values(after=after))

    def unfinished(self) -> list[tuple[int, int]]:
        """Give those that somebody has to go on with."""
        rows = self._connection.execute(select(fork).where(fork.c.after.is_not(None)))
        return [(row.repository_id, row.parent_id) for row in rows]
