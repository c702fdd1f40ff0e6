"""Issues, their comments and labels in the database."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from rookery.hub.domain.discussion import Comment, Issue, Label, Remark
from rookery.hub.domain.names import OwnerName
from rookery.hub.storage.discussion_tables import comment, issue, issue_label, label
from rookery.hub.storage.rows import given, unique
from rookery.hub.storage.tables import account, repository


def issue_of(row: Row[Any]) -> Issue:
    """Read a row of `all_issues`."""
    return Issue(
        row.id,
        row.repository_id,
        row.number,
        OwnerName(row.author),
        row.author_id,
        row.title,
        row.body,
        row.is_pull,
        row.open,
        row.comments,
        row.created,
        row.updated,
        row.closed,
    )


def all_issues(*more: Any) -> Select[Any]:
    """Give the query of all issues, with their authors' names."""
    return select(issue, account.c.name.label("author"), *more).join(
        account, account.c.id == issue.c.author_id
    )


def _comment_of(row: Row[Any]) -> Comment:
    author = OwnerName(row.author)
    return Comment(
        row.id, row.issue_id, author, row.author_id, Remark(row.kind), row.body, row.created, row.updated
    )


def _all_comments() -> Select[Any]:
    return select(comment, account.c.name.label("author")).join(account, account.c.id == comment.c.author_id)


def _label_of(row: Row[Any]) -> Label:
    return Label(row.id, row.repository_id, row.name, row.color, row.description)


class SqlIssues:
    """What `domain.ports.discussions.Issues` says."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def by_number(self, repository: int, number: int) -> Issue | None:
        """Give one by its number."""
        query = all_issues().where(issue.c.repository_id == repository, issue.c.number == number)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else issue_of(row)

    def by_id(self, number: int) -> Issue | None:
        """Give one by its number among all."""
        row = self._connection.execute(all_issues().where(issue.c.id == number)).one_or_none()
        return None if row is None else issue_of(row)

    def listed(
        self,
        repository: int,
        *,
        pulls: bool | None = None,
        open: bool | None = None,
        label: int | None = None,
        text: str = "",
        skip: int = 0,
        limit: int = 50,
    ) -> list[Issue]:
        """Give some, newest first."""
        query = all_issues().where(issue.c.repository_id == repository)
        if pulls is not None:
            query = query.where(issue.c.is_pull.is_(pulls))
        if open is not None:
            query = query.where(issue.c.open.is_(open))
        if label is not None:
            bears = select(issue_label.c.issue_id).where(issue_label.c.label_id == label)
            query = query.where(issue.c.id.in_(bears))
        if text:
            pattern = f"%{text.lower().replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
            query = query.where(func.lower(issue.c.title).like(pattern, escape="!"))
        query = query.order_by(issue.c.number.desc()).offset(skip).limit(limit)
        return [issue_of(row) for row in self._connection.execute(query)]

    def count(self, repository: int, *, pulls: bool, open: bool) -> int:
        """Count them."""
        of = issue.c.repository_id == repository, issue.c.is_pull.is_(pulls), issue.c.open.is_(open)
        return self._connection.scalar(select(func.count()).select_from(issue).where(*of)) or 0

    def add(
        self, repository_id: int, author: int, title: str, body: str, *, is_pull: bool, now: float
    ) -> Issue:
        """Make one; whoever makes one at the same time waits at the repository's row for the number."""
        self._connection.execute(
            select(repository.c.id).where(repository.c.id == repository_id).with_for_update()
        )
        last = select(func.max(issue.c.number)).where(issue.c.repository_id == repository_id)
        number = (self._connection.scalar(last) or 0) + 1
        values = {
            "repository_id": repository_id,
            "number": number,
            "author_id": author,
            "title": title,
            "body": body,
            "is_pull": is_pull,
            "open": True,
            "comments": 0,
            "created": now,
            "updated": now,
        }
        self._connection.execute(insert(issue).values(values))
        made = self.by_number(repository_id, number)
        assert made is not None
        return made

    def change(
        self,
        issue_id: int,
        *,
        now: float,
        title: str | None = None,
        body: str | None = None,
        open: bool | None = None,
    ) -> None:
        """Change what is given."""
        values = given(title=title, body=body, open=open, updated=now)
        if open is not None:
            values["closed"] = None if open else now
        self._connection.execute(update(issue).where(issue.c.id == issue_id).values(values))

    def comments(self, issue_id: int) -> list[Comment]:
        """Give all that was said and done."""
        query = _all_comments().where(comment.c.issue_id == issue_id).order_by(comment.c.id)
        return [_comment_of(row) for row in self._connection.execute(query)]

    def comment(self, number: int) -> Comment | None:
        """Give one comment."""
        row = self._connection.execute(_all_comments().where(comment.c.id == number)).one_or_none()
        return None if row is None else _comment_of(row)

    def add_comment(self, issue_id: int, author: int, kind: Remark, body: str, *, now: float) -> Comment:
        """Add a line."""
        row = {"issue_id": issue_id, "author_id": author, "kind": kind.value, "body": body, "created": now}
        insertion = insert(comment).values(**row, updated=now).returning(comment.c.id)
        number = self._connection.execute(insertion).scalar_one()
        self._recount(issue_id, now)
        made = self.comment(number)
        assert made is not None
        return made

    def _recount(self, issue_id: int, now: float) -> None:
        said = comment.c.issue_id == issue_id, comment.c.kind == Remark.COMMENT.value
        count = select(func.count()).select_from(comment).where(*said).scalar_subquery()
        values = {"comments": count, "updated": now}
        self._connection.execute(update(issue).where(issue.c.id == issue_id).values(values))

    def change_comment(self, number: int, body: str, *, now: float) -> None:
        """Say something else."""
        values = {"body": body, "updated": now}
        self._connection.execute(update(comment).where(comment.c.id == number).values(values))

    def remove_comment(self, number: int) -> None:
        """Take it back."""
        found = self.comment(number)
        if found is not None:
            self._connection.execute(delete(comment).where(comment.c.id == number))
            self._recount(found.issue, found.updated)

    # --- labels --------------------------------------------------------------------------------------

    def labels(self, repository_id: int) -> list[Label]:
        """Give a repository's labels."""
        query = select(label).where(label.c.repository_id == repository_id).order_by(label.c.name_lower)
        return [_label_of(row) for row in self._connection.execute(query)]

    def labels_of(self, issues: list[int]) -> dict[int, list[Label]]:
        """Give the labels of some issues."""
        query = (
            select(label, issue_label.c.issue_id)
            .join(issue_label, issue_label.c.label_id == label.c.id)
            .where(issue_label.c.issue_id.in_(issues))
            .order_by(label.c.name_lower)
        )
        found: dict[int, list[Label]] = {number: [] for number in issues}
        for row in self._connection.execute(query):
            found[row.issue_id].append(_label_of(row))
        return found

    def add_label(self, repository_id: int, name: str, color: str, description: str) -> Label:
        """Make one."""
        row = {"repository_id": repository_id, "name": name, "name_lower": name.lower(), "color": color}
        with unique(self._connection, f"there is a label {name} already"):
            insertion = insert(label).values(**row, description=description).returning(label.c.id)
            number = self._connection.execute(insertion).scalar_one()
        return Label(number, repository_id, name, color, description)

    def remove_label(self, repository_id: int, number: int) -> bool:
        """Remove one."""
        mine = label.c.repository_id == repository_id, label.c.id == number
        return self._connection.execute(delete(label).where(*mine)).rowcount > 0

    def set_labels(self, issue_id: int, labels: list[int]) -> None:
        """Have an issue bear these."""
        self._connection.execute(delete(issue_label).where(issue_label.c.issue_id == issue_id))
        rows = [{"issue_id": issue_id, "label_id": number} for number in labels]
        if rows:
            self._connection.execute(insert(issue_label), rows)
