"""Notices and activity in the database."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, insert, select, union, update

from rookery.hub.domain.discussion import Activity, Notice, Reason
from rookery.hub.storage.discussion_tables import activity, comment, issue, notice
from rookery.hub.storage.issues import all_issues, issue_of

# So much of a repository's activity is kept; histories and the audit log have the rest.
MOST_ACTIVITY = 10_000


class SqlNotices:
    """What `domain.ports.discussions.Notices` says."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def tell(self, account: int, issue_id: int, reason: Reason, *, now: float) -> None:
        """Remind somebody of an issue."""
        mine = notice.c.account_id == account, notice.c.issue_id == issue_id
        known = self._connection.scalar(select(notice.c.reason).where(*mine))
        if known is None:
            row = {"account_id": account, "issue_id": issue_id, "reason": reason.value, "unread": True}
            self._connection.execute(insert(notice).values(**row, updated=now))
            return
        kept = known if known == Reason.MENTION.value else reason.value
        changed = update(notice).where(*mine).values(reason=kept, unread=True, updated=now)
        self._connection.execute(changed)

    def of_account(self, account: int, *, unread_only: bool, skip: int = 0, limit: int = 50) -> list[Notice]:
        """Give somebody's, newest first."""
        more = (
            notice.c.id.label("notice_id"),
            notice.c.reason,
            notice.c.unread,
            notice.c.updated.label("told"),
        )
        query = all_issues(*more).join(notice, notice.c.issue_id == issue.c.id)
        query = query.where(notice.c.account_id == account)
        if unread_only:
            query = query.where(notice.c.unread.is_(True))
        query = query.order_by(notice.c.updated.desc(), notice.c.id.desc()).offset(skip).limit(limit)
        return [
            Notice(row.notice_id, account, issue_of(row), Reason(row.reason), row.unread, row.told)
            for row in self._connection.execute(query)
        ]

    def unread(self, account: int) -> int:
        """Count what somebody has not read."""
        mine = notice.c.account_id == account, notice.c.unread.is_(True)
        return self._connection.scalar(select(func.count()).select_from(notice).where(*mine)) or 0

    def set_read(self, account: int, number: int | None, *, unread: bool = False) -> None:
        """Mark one, or all."""
        mine = update(notice).where(notice.c.account_id == account)
        if number is not None:
            mine = mine.where(notice.c.id == number)
        self._connection.execute(mine.values(unread=unread))

    def seen(self, account: int, issue_id: int) -> None:
        """Mark what somebody was told of an issue as read."""
        mine = notice.c.account_id == account, notice.c.issue_id == issue_id, notice.c.unread.is_(True)
        self._connection.execute(update(notice).where(*mine).values(unread=False))

    def involved(self, issue_id: int) -> list[int]:
        """Give those that take part in an issue or were told of it."""
        author = select(issue.c.author_id).where(issue.c.id == issue_id)
        spoke = select(comment.c.author_id).where(comment.c.issue_id == issue_id)
        told = select(notice.c.account_id).where(notice.c.issue_id == issue_id)
        return sorted(self._connection.scalars(union(author, spoke, told)))

    def note(self, repository: int, *, actor: str, action: str, detail: str, link: str, now: float) -> None:
        """Note something that happened, and forget what is too long ago."""
        row = {"repository_id": repository, "actor": actor[:64], "action": action, "detail": detail[:500]}
        insertion = insert(activity).values(**row, link=link[:300], at=now).returning(activity.c.id)
        number = self._connection.execute(insertion).scalar_one()
        if number % 100 == 0:
            mine = activity.c.repository_id == repository
            kept = (
                select(activity.c.id)
                .where(mine)
                .order_by(activity.c.id.desc())
                .offset(MOST_ACTIVITY)
                .limit(1)
            )
            if (last := self._connection.scalar(kept)) is not None:
                self._connection.execute(delete(activity).where(mine, activity.c.id <= last))

    def activity(self, repository: int, *, before: int | None = None, limit: int = 50) -> list[Activity]:
        """Give what happened, newest first."""
        query = select(activity).where(activity.c.repository_id == repository)
        if before is not None:
            query = query.where(activity.c.id < before)
        rows = self._connection.execute(query.order_by(activity.c.id.desc()).limit(limit))
        return [Activity(row.id, row.actor, row.action, row.detail, row.link, row.at) for row in rows]
