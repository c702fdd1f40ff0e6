"""Lines of the audit log, as services write them."""

from __future__ import annotations

from rookery.hub.domain.access import Actor
from rookery.hub.domain.ports.database import Work
from rookery.hub.domain.records import Event


def note(work: Work, actor: Actor, action: str, subject: str, outcome: str, now: float) -> None:
    """Note what an actor did, in the transaction that does it."""
    work.audit.add(Event(now, actor.name, actor.via, actor.address, action, subject, outcome))
