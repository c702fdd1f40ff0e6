"""Webhooks as values: where a site tells others what happens in a repository.  Times are seconds since 1970."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple
from urllib.parse import urlsplit

from rookery.hub.domain.errors import BadName


class HookEvent(StrEnum):
    """What can be told; the names are Gitea's."""

    PUSH = "push"
    ISSUES = "issues"
    ISSUE_COMMENT = "issue_comment"
    PULL_REQUEST = "pull_request"
    FORK = "fork"


class DeliveryState(StrEnum):
    """What became of a message: `failed` is final, until somebody asks for it to be sent again."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


class Hook(NamedTuple):
    """Where to tell it; `secret` signs the messages."""

    id: int
    repository: int
    url: str
    secret: str
    events: frozenset[HookEvent]
    active: bool
    created: float


class Delivery(NamedTuple):
    """One message.  `status` is that of the last answer, None if there was none; `answer` its beginning, or why not."""

    id: int
    hook: int
    uuid: str
    event: HookEvent
    payload: str
    state: DeliveryState
    made: float
    due: float
    tries: int
    status: int | None
    answer: str


class HookTarget(NamedTuple):
    """The parts of an address that a message goes to."""

    tls: bool
    host: str
    port: int
    path: str


def hook_target(url: str) -> HookTarget:
    """Read an address.  Raises BadName for what is none, and for one with a password in it, which pages would show."""
    hint = "for example https://ci.example.org/hooks/data"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as e:
        raise BadName(f"{url[:80]!r} is not an address", hints=[hint]) from e
    fine = parts.scheme in ("http", "https") and parts.hostname and len(url) <= 2000
    if not fine or not url.isascii() or not url.isprintable() or " " in url:
        raise BadName(f"{url[:80]!r} is not an address of the web", hints=[hint])
    if parts.username is not None or parts.password is not None:
        raise BadName(
            "an address here has no name and password in it", hints=["messages are signed: use the secret"]
        )
    tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return HookTarget(tls, parts.hostname or "", port or (443 if tls else 80), path)


def hook_events(words: list[str]) -> frozenset[HookEvent]:
    """Read events; `*` and none are all.  Raises BadName."""
    if not words or "*" in words:
        return frozenset(HookEvent)
    unknown = sorted(set(words) - set(HookEvent))
    if unknown:
        raise BadName(f"there is no event {unknown[0][:40]!r}", hints=["events: " + " ".join(HookEvent)])
    return frozenset(HookEvent(word) for word in words)
