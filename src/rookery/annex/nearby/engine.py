"""Who does the work: us between plain repositories on this machine, git-annex in all other cases.

`rookery.engine` (a Git setting) chooses: `native`, which is the default, or
`stock`, which leaves everything to git-annex.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Generator, Sequence
from typing import NamedTuple

from rookery.annex.branch_writing import NotForUs
from rookery.annex.keys import key_of_link
from rookery.annex.nearby import content_locks, dropping, fetching, plain, sending
from rookery.annex.nearby.knowledge import Owed
from rookery.annex.outcome import Clock, Item, Listener, Outcome, Verb
from rookery.core.errors import CommandError
from rookery.git.repo import Repo

log = logging.getLogger("rookery.nearby")

SETTING = "rookery.engine"


class Wish(NamedTuple):
    """What is to be done, in the words of `content.transfer`."""

    verb: Verb
    from_remote: str | None
    to_remote: str | None
    options: Sequence[str]
    owed: Owed | None = None


def attempt(
    repo: Repo, wish: Wish, items: Sequence[Item], *, clock: Clock, on_progress: Listener | None
) -> Generator[Outcome, None, list[Item]]:
    """Do what can be done here, yield each outcome, and return what is left to git-annex."""
    mine = [item for item in items if _is_plain(repo, item)]
    flags = understood(wish.options)
    if not mine or flags is None or not content_locks.supported() or "GIT_INDEX_FILE" in repo.runner.env:
        return list(items)
    chosen = frozenset(mine)
    left = [item for item in items if item not in chosen]
    try:
        running = _started(repo, wish, flags, mine, clock, on_progress)
    except (NotForUs, CommandError, OSError) as e:
        log.debug("%s is left to git-annex: %s", wish.verb, e)
        return list(items)
    if running is None:
        return list(items)
    left += yield from running
    return left


def _started(
    repo: Repo,
    wish: Wish,
    flags: frozenset[str],
    items: Sequence[Item],
    clock: Clock,
    on_progress: Listener | None,
) -> Generator[Outcome, None, list[Item]] | None:
    settings = plain.read_settings(repo)
    if settings.get(SETTING, "native") == "stock":
        return None
    if wish.verb == "get" and not flags and wish.to_remote is None:
        getting = fetching.prepare(repo, settings, items, source=wish.from_remote, clock=clock)
        return getting.run(items, on_progress)
    if wish.verb == "copy" and flags <= {"--fast"} and wish.to_remote and wish.from_remote is None:
        trust = "--fast" in flags
        copying = sending.prepare(
            repo, settings, items, to=wish.to_remote, trust_log=trust, clock=clock, owed=wish.owed
        )
        return copying.run(items, on_progress)
    if wish.verb == "drop" and flags <= {"--force"} and wish.from_remote is wish.to_remote is None:
        force = "--force" in flags
        return dropping.prepare(repo, settings, items, force=force, clock=clock).run(items)
    return None


def understood(options: Sequence[str]) -> frozenset[str] | None:
    """Take out what makes no difference here; None if that is not understood."""
    rest = list(options)
    flags = set()
    while rest:
        word = rest.pop(0)
        if word == "-c" and rest and rest[0].startswith("annex.retry="):
            rest.pop(0)
        elif word in ("--force", "--fast"):
            flags.add(word)
        else:
            return None
    return frozenset(flags)


def _is_plain(repo: Repo, item: Item) -> bool:
    """Say whether a path is the link that the key says; what else it may be is git-annex's to judge."""
    if item.path is None:
        return True
    try:
        return key_of_link(os.readlink(os.path.join(repo.root, item.path))) == item.key
    except OSError:
        return False
