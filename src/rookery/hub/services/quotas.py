"""How much content there is room for, and how many locks on it.

What a fork shares with the repository that it was forked from is that one's to pay for, as long as it has it.
Should it be dropped there, the fork pays: nothing is lost, but nothing more can be stored over the quota.
"""

from __future__ import annotations

from rookery.core.sizes import natural
from rookery.hub.domain.access import Actor
from rookery.hub.domain.addresses import network_of
from rookery.hub.domain.errors import TooMuch
from rookery.hub.domain.limits import Limits
from rookery.hub.domain.ports.database import Work
from rookery.hub.domain.records import Repository


def require_room(work: Work, repository: Repository, more: int, limits: Limits, free: int | None) -> None:
    """Refuse what would exceed a quota or fill the disk.  Raises TooMuch."""
    if free is not None and free - more < limits.reserve:
        raise TooMuch("the hub's disk is full", hints=["tell those who run the hub"])
    own = repository.quota if repository.quota is not None else limits.quota_repository
    if own is not None:
        _require(work.contents.owed(repository.id).size, more, own, f"the repository {repository.path}")
    owner = work.accounts.by_id(repository.owner_id)
    whole = owner.quota if owner is not None and owner.quota is not None else limits.quota_account
    if whole is not None:
        _require(work.contents.owned(repository.owner_id).size, more, whole, f"{repository.owner}")


def _require(used: int, more: int, quota: int, whose: str) -> None:
    if used + more > quota:
        raise TooMuch(
            f"{whose} has a quota of {natural(quota)}: {natural(used)} are used, {natural(more)} would come",
            hints=["drop content that is not needed, or ask those who run the hub"],
        )


def holder_of(actor: Actor) -> str:
    """Name whoever holds a lock: an account, a deploy key, or all strangers at an address."""
    if actor.account is not None:
        return f"account {actor.account}"
    return actor.via if actor.known else f"stranger {network_of(actor.address)}"


def require_lock(work: Work, repository: Repository, actor: Actor, limits: Limits) -> None:
    """Refuse one lock more than a repository has, or than one of its readers should want.  Raises TooMuch."""
    whole = work.locks.count(repository.id)
    most = limits.locks_of_one if actor.known else limits.locks_of_stranger
    if whole >= limits.locks or (whole >= most and work.locks.count(repository.id, holder_of(actor)) >= most):
        raise TooMuch(f"{repository.path} has too many locks at this time", hints=["try again later"])
