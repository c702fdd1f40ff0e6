"""Telling those whom it concerns: people by notices, other programs by webhooks, everybody by the page of activity.

All of it is written in the transaction that does what is told.
"""

from __future__ import annotations

import json
import uuid as uuids
from collections.abc import Callable

from rookery.hub.domain.access import Actor
from rookery.hub.domain.discussion import Issue, Pull, Reason, mentions
from rookery.hub.domain.hooks import HookEvent
from rookery.hub.domain.ports.database import Work
from rookery.hub.domain.records import Kind, Repository
from rookery.hub.services import payloads
from rookery.hub.services.gate import Gate
from rookery.hub.services.payloads import Payload


class Telling:
    """Tells; `home` is what the hub's addresses begin with, for those who read them elsewhere."""

    def __init__(self, gate: Gate, home: str, clock: Callable[[], float]) -> None:
        self._gate = gate
        self.home = home
        self._clock = clock

    def happened(
        self, work: Work, who: str, repository: Repository, action: str, detail: str, link: str = ""
    ) -> None:
        """Put a line on a repository's page of activity."""
        work.notices.note(
            repository.id, actor=who, action=action, detail=detail, link=link, now=self._clock()
        )

    def people(self, work: Work, actor: Actor, repository: Repository, issue: Issue, text: str) -> None:
        """Remind those who take part, who own it, and whom a text mentions, if they may read it."""
        reasons = dict.fromkeys(work.notices.involved(issue.id), Reason.TAKES_PART)
        owner = work.accounts.by_id(repository.owner_id)
        if owner is not None and owner.kind is Kind.PERSON:
            reasons.setdefault(owner.id, Reason.OWNS)
        for name in mentions(text):
            if (named := work.accounts.by_name(name)) is not None and named.kind is Kind.PERSON:
                reasons[named.id] = Reason.MENTION
        for number, reason in reasons.items():
            account = work.accounts.by_id(number)
            if account is None or number == actor.account or not self._gate.reads(work, repository, account):
                continue
            work.notices.tell(number, issue.id, reason, now=self._clock())

    def hooks(
        self, work: Work, repository: Repository, event: HookEvent, make: Callable[[], Payload]
    ) -> None:
        """Keep a message for each webhook that wants it."""
        wanting = [
            one for one in work.hooks.of_repository(repository.id) if one.active and event in one.events
        ]
        if not wanting:
            return
        text = json.dumps(make(), ensure_ascii=False)
        for hook in wanting:
            work.hooks.enqueue(hook.id, str(uuids.uuid4()), event, text, now=self._clock())

    def issue(
        self,
        work: Work,
        actor: Actor,
        repository: Repository,
        issue: Issue,
        action: str,
        *,
        pull: Pull | None = None,
        text: str = "",
    ) -> None:
        """Tell all of them what was done with an issue or a pull request."""
        kind, event = ("pulls", HookEvent.PULL_REQUEST) if issue.is_pull else ("issues", HookEvent.ISSUES)
        pull = pull or (work.pulls.of_issue(issue.id) if issue.is_pull else None)
        self.people(work, actor, repository, issue, text)
        shown = "merged" if pull is not None and pull.merged and action == "closed" else action
        what = "pull request" if issue.is_pull else "issue"
        link = f"/{kind}/{issue.number}"
        self.happened(work, actor.name, repository, f"{shown} {what}", f"#{issue.number} {issue.title}", link)
        self.hooks(
            work,
            repository,
            event,
            lambda: payloads.issue(action, issue, repository, actor.name, self.home, pull),
        )
