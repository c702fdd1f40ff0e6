"""Issues, pull requests, what is said in them, and who is told of it, as they are kept."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from rookery.hub.domain.discussion import Activity, Comment, Issue, Label, Notice, Pull, Reason, Remark


class Issues(Protocol):
    """Issues and pull requests of all repositories, with their comments."""

    def by_number(self, repository: int, number: int, /) -> Issue | None:
        """Give one by its number in a repository."""

    def by_id(self, issue: int, /) -> Issue | None:
        """Give one by what comments name it by."""

    def listed(
        self,
        repository: int,
        /,
        *,
        pulls: bool | None = None,
        open: bool | None = None,
        label: int | None = None,
        text: str = "",
        skip: int = 0,
        limit: int = 50,
    ) -> list[Issue]:
        """Give some, newest first; None leaves a limit out, `text` must be in the title."""

    def count(self, repository: int, /, *, pulls: bool, open: bool) -> int:
        """Count them."""

    def add(
        self, repository: int, author: int, title: str, body: str, /, *, is_pull: bool, now: float
    ) -> Issue:
        """Make one, with the repository's next number."""

    def change(
        self,
        issue: int,
        /,
        *,
        now: float,
        title: str | None = None,
        body: str | None = None,
        open: bool | None = None,
    ) -> None:
        """Change what is given."""

    def comments(self, issue: int, /) -> list[Comment]:
        """Give all that was said and done, oldest first."""

    def comment(self, number: int, /) -> Comment | None:
        """Give one comment by its number."""

    def add_comment(self, issue: int, author: int, kind: Remark, body: str, /, *, now: float) -> Comment:
        """Add a line to a discussion."""

    def change_comment(self, number: int, body: str, /, *, now: float) -> None:
        """Say something else."""

    def remove_comment(self, number: int, /) -> None:
        """Take it back."""

    def labels(self, repository: int, /) -> list[Label]:
        """Give a repository's labels, in the order of their names."""

    def labels_of(self, issues: list[int], /) -> dict[int, list[Label]]:
        """Give the labels of some issues."""

    def add_label(self, repository: int, name: str, color: str, description: str, /) -> Label:
        """Make one.  Raises Conflict if there is one of that name."""

    def remove_label(self, repository: int, label: int, /) -> bool:
        """Remove one; say whether there was one."""

    def set_labels(self, issue: int, labels: list[int], /) -> None:
        """Have an issue bear these and no others."""


class Begun(NamedTuple):
    """A merge that has begun: the commit that the branch moves to, and the account that does it."""

    commit: str
    by: int | None


class Pulls(Protocol):
    """What pull requests are besides an issue."""

    def of_issue(self, issue: int, /) -> Pull | None:
        """Give the one of an issue."""

    def merged(self, issues: list[int], /) -> set[int]:
        """Give those of some issues that are pull requests and came in."""

    def open_from(self, source: int, branch: str | None = None, /) -> list[tuple[Issue, Pull]]:
        """Give the open ones that propose from a repository, or from one of its branches."""

    def open_to(self, repository: int, branch: str | None = None, /) -> list[tuple[Issue, Pull]]:
        """Give the open ones that are for a repository, or for one of its branches."""

    def add(self, pull: Pull, /) -> None:
        """Keep one."""

    def move(self, issue: int, /, *, head: str, base: str) -> None:
        """Note that the proposal has changed."""

    def set_merged(self, issue: int, commit: str, /, *, by: int | None, now: float) -> None:
        """Note that it came in."""

    def begin_merge(self, issue: int, commit: str, /, *, by: int | None) -> None:
        """Note to which commit its branch is about to move, instead of what was noted before."""

    def merge_begun(self, issue: int, /, *, alone: bool = False) -> Begun | None:
        """Give what was noted so, if anything; who asks `alone` lets others wait for the end of the transaction."""

    def merges_begun(self) -> list[Issue]:
        """Give all whose merge has begun."""

    def end_merge(self, issue: int, /) -> None:
        """Forget it."""


class Forks(Protocol):
    """Which repository was forked from which, and how far the sharing of content is."""

    def add(self, repository: int, parent: int, /) -> None:
        """Note a fork; nothing of its content is shared yet."""

    def parent(self, repository: int, /) -> int | None:
        """Give what a repository was forked from, if that is still there."""

    def of(self, parent: int, /) -> list[int]:
        """Give the forks of a repository."""

    def progress(self, repository: int, /) -> str | None:
        """Give the last key that was shared ("" before the first one); None if nothing is left to share."""

    def set_progress(self, repository: int, after: str | None, /) -> None:
        """Note how far it is."""

    def unfinished(self) -> list[tuple[int, int]]:
        """Give (fork, parent) of those that somebody has to go on with."""


class Notices(Protocol):
    """Who is told of what, and what happened in a repository."""

    def tell(self, account: int, issue: int, reason: Reason, /, *, now: float) -> None:
        """Remind somebody of an issue: unread again; a mention stays the reason."""

    def of_account(
        self, account: int, /, *, unread_only: bool, skip: int = 0, limit: int = 50
    ) -> list[Notice]:
        """Give somebody's, newest first."""

    def unread(self, account: int, /) -> int:
        """Count what somebody has not read."""

    def set_read(self, account: int, notice: int | None, /, *, unread: bool = False) -> None:
        """Mark one (None: all) as read, or as unread."""

    def seen(self, account: int, issue: int, /) -> None:
        """Mark what somebody was told of an issue as read."""

    def involved(self, issue: int, /) -> list[int]:
        """Give the accounts that take part in an issue or were told of it."""

    def note(
        self, repository: int, /, *, actor: str, action: str, detail: str, link: str, now: float
    ) -> None:
        """Note something that happened."""

    def activity(self, repository: int, /, *, before: int | None = None, limit: int = 50) -> list[Activity]:
        """Give what happened, newest first; `before` is the number of the last one of the page before."""
