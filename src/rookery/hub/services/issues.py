"""Issues, and the discussion that pull requests have as well."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from rookery.hub.domain.access import Action, Actor
from rookery.hub.domain.discussion import Comment, Issue, Label, Remark, color_of, text_of, title_of
from rookery.hub.domain.errors import BadName, Conflict, NotFound
from rookery.hub.domain.hooks import HookEvent
from rookery.hub.domain.names import one_line
from rookery.hub.domain.ports.database import Database, Work
from rookery.hub.domain.records import Repository
from rookery.hub.services import payloads
from rookery.hub.services.auditing import note
from rookery.hub.services.gate import Gate, Where
from rookery.hub.services.telling import Telling

_NUMBER = re.compile(r"(?<![\w/&#])#([1-9][0-9]{0,8})\b")
# So many other issues are told that one text speaks of them.
MOST_REFERENCES = 10


class Discussion(NamedTuple):
    """An issue with all that was said, and what whoever asks may do with it."""

    repository: Repository
    issue: Issue
    labels: list[Label]
    comments: list[Comment]
    may_write: bool  # write to the repository: labels, other people's issues
    may_discuss: bool
    may_edit: bool  # the issue itself, and whether it is open


class IssueService:
    """What is done with issues.  Who reads a repository reads them; who has an account takes part."""

    def __init__(self, database: Database, gate: Gate, telling: Telling, clock: Callable[[], float]) -> None:
        self._database = database
        self._gate = gate
        self._telling = telling
        self._clock = clock

    # --- reading ---------------------------------------------------------------------------------

    def listed(
        self,
        actor: Actor,
        where: Where,
        *,
        pulls: bool | None = False,
        open: bool | None = True,
        label: str = "",
        text: str = "",
        skip: int = 0,
        limit: int = 50,
    ) -> list[tuple[Issue, list[Label]]]:
        """Give issues (`pulls`: pull requests; None: both) with their labels, newest first."""
        with self._database.reading() as work:
            repository = self._gate.within(work, actor, where, Action.READ).repository
            wanted = None
            if label:
                known = {one.name.lower(): one.id for one in work.issues.labels(repository.id)}
                wanted = known.get(label.lower(), -1)
            found = work.issues.listed(
                repository.id, pulls=pulls, open=open, label=wanted, text=text[:100], skip=skip, limit=limit
            )
            labels = work.issues.labels_of([one.id for one in found])
        return [(one, labels[one.id]) for one in found]

    def counts(self, actor: Actor, where: Where, *, pulls: bool) -> tuple[int, int]:
        """Count those that are open, and those that are closed."""
        with self._database.reading() as work:
            repository = self._gate.within(work, actor, where, Action.READ).repository.id
            return (
                work.issues.count(repository, pulls=pulls, open=True),
                work.issues.count(repository, pulls=pulls, open=False),
            )

    def get(self, actor: Actor, where: Where, number: int) -> Discussion:
        """Give an issue or pull request, with all that was said.  Raises NotFound."""
        with self._database.reading() as work:
            repository = self._gate.within(work, actor, where, Action.READ).repository
            issue = _issue(work, repository, number)
            labels = work.issues.labels_of([issue.id])[issue.id]
            comments = work.issues.comments(issue.id)
        may = self._gate.may(actor, repository)
        mine = Action.DISCUSS in may and issue.author_id == actor.account
        writes = Action.WRITE in may
        return Discussion(repository, issue, labels, comments, writes, Action.DISCUSS in may, writes or mine)

    def labels(self, actor: Actor, where: Where) -> list[Label]:
        """Give a repository's labels, in the order of their names."""
        with self._database.reading() as work:
            return work.issues.labels(self._gate.within(work, actor, where, Action.READ).repository.id)

    # --- writing ---------------------------------------------------------------------------------

    def create(self, actor: Actor, where: Where, title: str, body: str = "") -> Issue:
        """Make an issue.  Raises NotFound, NeedsSignIn, Forbidden, BadName."""
        named, text, now = title_of(title), text_of(body), self._clock()
        with self._database.writing() as work:
            repository = self._gate.within(work, actor, where, Action.DISCUSS).repository
            assert actor.account is not None
            made = work.issues.add(repository.id, actor.account, named, text, is_pull=False, now=now)
            self._telling.issue(work, actor, repository, made, "opened", text=text)
            self.refer(work, actor, repository, made, f"{named}\n{text}")
            note(work, actor, "open issue", str(repository.path), f"#{made.number}", now)
        return made

    def comment(self, actor: Actor, where: Where, number: int, body: str) -> Comment:
        """Say something.  Raises NotFound, NeedsSignIn, Forbidden, BadName."""
        text, now = text_of(body, may_be_empty=False), self._clock()
        with self._database.writing() as work:
            repository = self._gate.within(work, actor, where, Action.DISCUSS).repository
            issue = _issue(work, repository, number)
            assert actor.account is not None
            said = work.issues.add_comment(issue.id, actor.account, Remark.COMMENT, text, now=now)
            self._telling.people(work, actor, repository, issue, text)
            self.refer(work, actor, repository, issue, text)
            kind = "pulls" if issue.is_pull else "issues"
            link = f"/{kind}/{issue.number}#comment-{said.id}"
            told = f"#{issue.number} {issue.title}"
            self._telling.happened(work, actor.name, repository, "commented on", told, link)
            home = self._telling.home
            self._telling.hooks(
                work,
                repository,
                HookEvent.ISSUE_COMMENT,
                lambda: payloads.comment(said, issue, repository, home),
            )
            note(work, actor, "comment", str(repository.path), f"#{issue.number}", now)
        return said

    def refer(self, work: Work, actor: Actor, repository: Repository, issue: Issue, text: str) -> None:
        """Note in other issues that this one speaks of them, once in each."""
        assert actor.account is not None
        for found in list(dict.fromkeys(_NUMBER.findall(text)))[:MOST_REFERENCES]:
            other = work.issues.by_number(repository.id, int(found))
            if other is None or other.id == issue.id:
                continue
            told = f"#{issue.number}"
            lines = work.issues.comments(other.id)
            if not any(one.kind is Remark.REFERENCED and one.body == told for one in lines):
                work.issues.add_comment(other.id, actor.account, Remark.REFERENCED, told, now=self._clock())

    def change(
        self,
        actor: Actor,
        where: Where,
        number: int,
        *,
        title: str | None = None,
        body: str | None = None,
        open: bool | None = None,
    ) -> Issue:
        """Change an issue, close it or open it again: its author may, and who writes to the repository.

        A pull request that was merged is not opened again.  Raises NotFound, Forbidden, BadName, Conflict.
        """
        title = None if title is None else title_of(title)
        body = None if body is None else text_of(body)
        now = self._clock()
        with self._database.writing() as work:
            repository = self._gate.within(work, actor, where, Action.DISCUSS).repository
            issue = _issue(work, repository, number)
            if issue.author_id != actor.account:
                self._gate.within(work, actor, repository.id, Action.WRITE)
            if open and issue.is_pull:
                _require_unmerged(work, issue)
            work.issues.change(issue.id, title=title, body=body, open=open, now=now)
            changed = _issue(work, repository, number)
            self._tell_change(work, actor, repository, issue, changed)
            note(work, actor, "change issue", str(repository.path), f"#{issue.number}", now)
        return changed

    def _tell_change(self, work: Work, actor: Actor, repository: Repository, old: Issue, new: Issue) -> None:
        assert actor.account is not None
        if old.title != new.title:
            told = f"{old.title} → {new.title}"
            work.issues.add_comment(new.id, actor.account, Remark.RENAMED, told, now=self._clock())
        if old.open != new.open:
            kind = Remark.REOPENED if new.open else Remark.CLOSED
            work.issues.add_comment(new.id, actor.account, kind, "", now=self._clock())
            self._telling.issue(work, actor, repository, new, kind.value)
        elif (old.title, old.body) != (new.title, new.body):
            self._telling.issue(work, actor, repository, new, "edited", text=new.body)

    def change_comment(self, actor: Actor, where: Where, comment: int, body: str | None) -> Comment | None:
        """Say something else, or (None) take it back: its author may, and an administrator of the repository."""
        text = None if body is None else text_of(body, may_be_empty=False)
        with self._database.writing() as work:
            repository = self._gate.within(work, actor, where, Action.DISCUSS).repository
            found = work.issues.comment(comment)
            issues = None if found is None else _by_id(work, repository, found)
            if found is None or issues is None or found.kind is not Remark.COMMENT:
                raise NotFound("there is no such comment")
            if found.author_id != actor.account:
                self._gate.within(work, actor, repository.id, Action.MANAGE)
            if text is None:
                work.issues.remove_comment(comment)
            else:
                work.issues.change_comment(comment, text, now=self._clock())
            done = "remove comment" if text is None else "change comment"
            note(work, actor, done, str(repository.path), f"#{issues.number} {comment}", self._clock())
            return work.issues.comment(comment)

    # --- labels ----------------------------------------------------------------------------------

    def add_label(self, actor: Actor, where: Where, name: str, color: str, description: str = "") -> Label:
        """Make a label.  Raises NotFound, Forbidden, BadName, Conflict."""
        named = one_line(name, most=50, what="a label")
        if not named:
            raise BadName("a label has a name")
        shade, told = color_of(color), one_line(description, most=200, what="a description")
        with self._database.writing() as work:
            repository = self._gate.within(work, actor, where, Action.WRITE).repository
            made = work.issues.add_label(repository.id, named, shade, told)
            note(work, actor, "add label", str(repository.path), named, self._clock())
        return made

    def remove_label(self, actor: Actor, where: Where, label: int) -> None:
        """Remove a label, from all issues that bear it.  Raises NotFound, Forbidden."""
        with self._database.writing() as work:
            repository = self._gate.within(work, actor, where, Action.WRITE).repository
            if not work.issues.remove_label(repository.id, label):
                raise NotFound("there is no such label")
            note(work, actor, "remove label", str(repository.path), str(label), self._clock())

    def set_labels(self, actor: Actor, where: Where, number: int, labels: list[int]) -> list[Label]:
        """Have an issue bear these labels of its repository and no others.  Raises NotFound, Forbidden."""
        with self._database.writing() as work:
            repository = self._gate.within(work, actor, where, Action.WRITE).repository
            issue = _issue(work, repository, number)
            known = {one.id: one for one in work.issues.labels(repository.id)}
            if set(labels) - known.keys():
                raise NotFound("there is no such label")
            before = work.issues.labels_of([issue.id])[issue.id]
            wanted = list(dict.fromkeys(labels))
            work.issues.set_labels(issue.id, wanted)
            after = work.issues.labels_of([issue.id])[issue.id]
            changes = [f"+{one.name}" for one in after if one not in before]
            changes += [f"-{one.name}" for one in before if one not in after]
            if changes and actor.account is not None:
                told = " ".join(changes)
                work.issues.add_comment(issue.id, actor.account, Remark.LABELED, told, now=self._clock())
            note(work, actor, "label", str(repository.path), f"#{issue.number}", self._clock())
        return after


def _issue(work: Work, repository: Repository, number: int) -> Issue:
    found = work.issues.by_number(repository.id, number)
    if found is None:
        raise NotFound(f"{repository.path} has no issue or pull request #{number}")
    return found


def _by_id(work: Work, repository: Repository, comment: Comment) -> Issue | None:
    """Give the issue of a comment if it is one of this repository."""
    found = work.issues.by_id(comment.issue)
    return found if found is not None and found.repository == repository.id else None


def _require_unmerged(work: Work, issue: Issue) -> None:
    pull = work.pulls.of_issue(issue.id)
    if pull is not None and pull.merged is not None:
        raise Conflict(f"#{issue.number} was merged", hints=["propose a new one"])
