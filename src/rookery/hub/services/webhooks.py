"""Webhooks: made by those who manage a repository; their messages sent, tried again, and what became of each.

Messages are kept in the database, in the transaction of what they tell. Whoever sends one takes it first,
for a time that is longer than sending can take, so that several processes send each once. One whose process was killed
in the middle is sent again after that time: under the same number (X-Gitea-Delivery), by which a receiver can tell.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid as uuids
from collections.abc import Callable, Mapping
from typing import Protocol

from rookery import __version__
from rookery.hub.domain.access import Action, Actor
from rookery.hub.domain.errors import Conflict, NotFound
from rookery.hub.domain.hooks import Delivery, DeliveryState, Hook, HookEvent, HookTarget, hook_target
from rookery.hub.domain.limits import Limits
from rookery.hub.domain.names import one_line
from rookery.hub.domain.ports.database import Database, Work
from rookery.hub.domain.records import Repository
from rookery.hub.services.auditing import note
from rookery.hub.services.gate import Gate, Where
from rookery.hub.services.outward import NotSent, Sent
from rookery.hub.services.payloads import push

# How long after a try the next one is made; about nine hours in all.
RETRIES = (10.0, 60.0, 300.0, 1800.0, 7200.0, 21600.0)

# Sending is over by then, whatever the limits say: a name is looked up, an address is tried, an answer is awaited.
CLAIM_SECONDS = 120.0

KEPT_SECONDS = 30 * 86400.0


class Sending(Protocol):
    """What sends a message: `outward.send`."""

    def __call__(
        self, target: HookTarget, headers: Mapping[str, str], body: bytes, /, *, private: bool, seconds: float
    ) -> Sent:
        """Send, and give the answer.  Raises NotSent."""


class WebhookService:
    """Hooks of a repository are for those who manage it."""

    def __init__(
        self,
        database: Database,
        gate: Gate,
        send: Sending,
        limits: Limits,
        home: str,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._gate = gate
        self._send = send
        self._limits = limits
        self._home = home
        self._clock = clock

    def hooks(self, actor: Actor, where: Where) -> list[Hook]:
        """Give a repository's hooks, oldest first.  Raises NotFound, Forbidden."""
        with self._database.reading() as work:
            repository = self._gate.within(work, actor, where, Action.MANAGE).repository
            return work.hooks.of_repository(repository.id)

    def hook(self, actor: Actor, where: Where, number: int) -> Hook:
        """Give one of a repository's hooks.  Raises NotFound, Forbidden."""
        with self._database.reading() as work:
            return _hook(work, self._gate.within(work, actor, where, Action.MANAGE).repository, number)

    def add(
        self,
        actor: Actor,
        where: Where,
        url: str,
        *,
        secret: str = "",
        events: frozenset[HookEvent] = frozenset(HookEvent),
        active: bool = True,
    ) -> Hook:
        """Make a hook.  Raises NotFound, Forbidden, BadName, Conflict if there are too many."""
        now = self._clock()
        with self._database.writing() as work:
            repository = self._gate.within(work, actor, where, Action.MANAGE).repository
            hook_target(url)
            secret = one_line(secret, most=255, what="a secret")
            if len(work.hooks.of_repository(repository.id)) >= self._limits.hooks:
                raise Conflict(f"{repository.path} has {self._limits.hooks} webhooks already")
            made = work.hooks.add(repository.id, url, secret, events, active=active, now=now)
            note(work, actor, "add webhook", str(repository.path), url, now)
        return made

    def change(
        self,
        actor: Actor,
        where: Where,
        number: int,
        *,
        url: str | None = None,
        secret: str | None = None,
        events: frozenset[HookEvent] | None = None,
        active: bool | None = None,
    ) -> Hook:
        """Change what is given.  Raises NotFound, Forbidden, BadName."""
        with self._database.writing() as work:
            repository = self._gate.within(work, actor, where, Action.MANAGE).repository
            hook = _hook(work, repository, number)
            if url is not None:
                hook_target(url)
            secret = None if secret is None else one_line(secret, most=255, what="a secret")
            work.hooks.change(hook.id, url=url, secret=secret, events=events, active=active)
            note(work, actor, "change webhook", str(repository.path), url or hook.url, self._clock())
            return _hook(work, repository, number)

    def remove(self, actor: Actor, where: Where, number: int) -> None:
        """Remove a hook, with the history of its messages.  Raises NotFound, Forbidden."""
        with self._database.writing() as work:
            repository = self._gate.within(work, actor, where, Action.MANAGE).repository
            hook = _hook(work, repository, number)
            work.hooks.remove(hook.id)
            note(work, actor, "remove webhook", str(repository.path), hook.url, self._clock())

    # --- messages --------------------------------------------------------------------------------

    def deliveries(self, actor: Actor, where: Where, number: int, *, limit: int = 50) -> list[Delivery]:
        """Give a hook's messages with what became of them, newest first.  Raises NotFound, Forbidden."""
        with self._database.reading() as work:
            repository = self._gate.within(work, actor, where, Action.MANAGE).repository
            return work.hooks.deliveries(_hook(work, repository, number).id, limit=limit)

    def try_out(self, actor: Actor, where: Where, number: int) -> Delivery:
        """Send a message of a push that changed nothing.  Raises NotFound, Forbidden."""
        now = self._clock()
        with self._database.writing() as work:
            repository = self._gate.within(work, actor, where, Action.MANAGE).repository
            hook = _hook(work, repository, number)
            ref = f"refs/heads/{repository.default_branch}"
            text = json.dumps(push(ref, "", "", [], repository, actor.name, self._home))
            note(work, actor, "test webhook", str(repository.path), hook.url, now)
            return work.hooks.enqueue(hook.id, str(uuids.uuid4()), HookEvent.PUSH, text, now=now)

    def redeliver(self, actor: Actor, where: Where, number: int, delivery: int) -> Delivery:
        """Send a message again, as a new one.  Raises NotFound, Forbidden."""
        now = self._clock()
        with self._database.writing() as work:
            repository = self._gate.within(work, actor, where, Action.MANAGE).repository
            hook, old = _hook(work, repository, number), work.hooks.delivery(delivery)
            if old is None or old.hook != hook.id:
                raise NotFound("there is no such message")
            note(work, actor, "redeliver", str(repository.path), hook.url, now)
            return work.hooks.enqueue(hook.id, str(uuids.uuid4()), old.event, old.payload, now=now)

    def send_due(self) -> int:
        """Send all messages that are due, one after the other; give how many were tried."""
        count = 0
        while self._waiting() and (taken := self._claimed()) is not None:
            self._try(taken)
            count += 1
        return count

    def _waiting(self) -> bool:
        with self._database.reading() as work:  # looked at often: nobody is kept from writing meanwhile
            return work.hooks.is_due(now=self._clock())

    def _claimed(self) -> Delivery | None:
        now = self._clock()
        with self._database.writing() as work:
            return work.hooks.claim(now=now, until=now + CLAIM_SECONDS + self._limits.hook_seconds)

    def _try(self, delivery: Delivery) -> None:
        with self._database.reading() as work:
            hook = work.hooks.by_id(delivery.hook)
        if hook is None:
            return
        status: int | None = None
        try:
            if not hook.active:
                raise NotSent("the webhook is switched off")
            body = delivery.payload.encode()
            status, answer = self._send(
                hook_target(hook.url),
                signed(hook, delivery, body),
                body,
                private=self._limits.hooks_private,
                seconds=self._limits.hook_seconds,
            )
        except NotSent as e:
            answer = "; ".join([e.message, *e.hints])
        self._settle(hook, delivery, status, answer)

    def _settle(self, hook: Hook, delivery: Delivery, status: int | None, answer: str) -> None:
        now, state, due = self._clock(), DeliveryState.SENT, delivery.due
        if status is None or not 200 <= status < 300:
            state = DeliveryState.FAILED
            if hook.active and delivery.tries <= len(RETRIES):
                state, due = DeliveryState.WAITING, now + RETRIES[delivery.tries - 1]
        with self._database.writing() as work:
            work.hooks.settle(delivery.id, state, status=status, answer=answer, due=due)

    def forget_old(self) -> None:
        """Forget messages that are over for a month."""
        with self._database.writing() as work:
            work.hooks.forget(before=self._clock() - KEPT_SECONDS)


def signed(hook: Hook, delivery: Delivery, body: bytes) -> dict[str, str]:
    """Give the headers of a message, as receivers for Gitea, Gogs and GitHub look for them."""
    digest = hmac.new(hook.secret.encode(), body, hashlib.sha256).hexdigest() if hook.secret else ""
    headers = {
        "Content-Type": "application/json",
        "User-Agent": f"rookery-hub/{__version__}",
        "X-Hub-Signature-256": f"sha256={digest}" if digest else "",
    }
    for forge in ("Gitea", "Gogs"):
        headers |= {f"X-{forge}-Delivery": delivery.uuid, f"X-{forge}-Event": delivery.event.value}
        headers[f"X-{forge}-Signature"] = digest
    headers |= {"X-GitHub-Delivery": delivery.uuid, "X-GitHub-Event": delivery.event.value}
    return {name: value for name, value in headers.items() if value}


def _hook(work: Work, repository: Repository, number: int) -> Hook:
    found = work.hooks.by_id(number)
    if found is None or found.repository != repository.id:
        raise NotFound("there is no such webhook")
    return found
