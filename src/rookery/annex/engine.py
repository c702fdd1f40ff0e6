"""Who does the work: us where we can promise the same result, git-annex in all other cases.

Ours are plain repositories on this machine (`nearby`), RIA stores on it
(`ria`), siblings that speak git-annex's P2P protocol (`p2p`), and the web
(`web`).

`rookery.engine` (a Git setting) chooses: `native`, which is the default, or
`stock`, which leaves everything to git-annex.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple

from rookery.annex import identity
from rookery.annex.branch_writing import ENGINE, NATIVE, NotForUs
from rookery.annex.keys import key_of_link
from rookery.annex.nearby import content_locks, dropping, fetching, plain, sending
from rookery.annex.nearby.knowledge import Owed
from rookery.annex.outcome import Clock, Item, Listener, Outcome, Verb
from rookery.core.errors import CommandError
from rookery.core.log import get_log
from rookery.git.repo import Repo

log = get_log("rookery.engine")


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
    """Do what can be done here, yield each outcome, and return what is left to git-annex.

    Raises CommandError when all that runs here was told to end meanwhile.
    """
    before = repo.runner.terminations
    mine: list[Item] = []
    others: list[Item] = []
    for item in items:
        (mine if _is_plain(repo, item) else others).append(item)
    flags = understood(wish.options)
    if not mine or flags is None or not content_locks.supported() or "GIT_INDEX_FILE" in repo.runner.env:
        return list(items)
    settings = plain.read_settings(repo)
    if settings.get(ENGINE, NATIVE) != NATIVE:
        return list(items)
    task = _Task(repo, settings, wish, flags, clock, on_progress)
    for way in _ways(task):
        if not mine:
            break
        try:
            running = way(task, mine)
        except (NotForUs, CommandError, OSError) as e:
            log.debug("%s is not for %s: %s", wish.verb, way.__name__, e)
            continue
        mine = yield from running
        if repo.runner.terminations > before:
            raise CommandError(wish.verb, "it was told to end")
    return [*others, *mine]


class _Task(NamedTuple):
    """What is to be done, and with what."""

    repo: Repo
    settings: plain.Settings
    wish: Wish
    flags: frozenset[str]
    clock: Clock
    heard: Listener | None


Running = Generator[Outcome, None, list[Item]]
Way = Callable[[_Task, Sequence[Item]], Running]


def _ways(task: _Task) -> Sequence[Way]:
    """Give what can do it, in order; each takes what the one before it has left, and may raise before it begins."""
    wish, flags = task.wish, task.flags
    if wish.verb == "get" and not flags and wish.to_remote is None:
        return (_get_next_door, _get_from_stores, _get_from_peers, _get_from_web)
    if wish.verb == "copy" and flags <= {"--fast"} and wish.to_remote and wish.from_remote is None:
        return (_copy_next_door, _copy_to_store, _copy_to_peer)
    if wish.verb == "drop" and flags <= {"--force"} and wish.from_remote is wish.to_remote is None:
        return (_drop,)
    return ()


def _get_next_door(task: _Task, items: Sequence[Item]) -> Running:
    repo, settings, wish = task.repo, task.settings, task.wish
    getting = fetching.prepare(repo, settings, items, source=wish.from_remote, clock=task.clock)
    return getting.run(items, task.heard)


def _get_from_stores(task: _Task, items: Sequence[Item]) -> Running:
    from rookery.annex.ria import getting  # start-up: only who has such siblings needs it

    repo, settings, wish = task.repo, task.settings, task.wish
    return getting.prepare(repo, settings, items, source=wish.from_remote, clock=task.clock).run(
        items, task.heard
    )


def _get_from_peers(task: _Task, items: Sequence[Item]) -> Running:
    from rookery.annex.p2p import getting  # start-up: only who has such siblings needs it

    repo, settings, wish = task.repo, task.settings, task.wish
    return getting.prepare(repo, settings, items, source=wish.from_remote, clock=task.clock).run(
        items, task.heard
    )


def _get_from_web(task: _Task, items: Sequence[Item]) -> Running:
    from rookery.annex.web import getting  # start-up: only what is on the web needs it

    repo, settings, wish = task.repo, task.settings, task.wish
    return getting.prepare(repo, settings, items, source=wish.from_remote, clock=task.clock).run(
        items, task.heard
    )


def _copy_next_door(task: _Task, items: Sequence[Item]) -> Running:
    assert task.wish.to_remote is not None
    trust, to = "--fast" in task.flags, task.wish.to_remote
    copying = sending.prepare(
        task.repo, task.settings, items, to=to, trust_log=trust, clock=task.clock, owed=task.wish.owed
    )
    return copying.run(items, task.heard)


def _copy_to_store(task: _Task, items: Sequence[Item]) -> Running:
    from rookery.annex.ria import putting  # start-up: only who has such siblings needs it

    assert task.wish.to_remote is not None
    trust, to = "--fast" in task.flags, task.wish.to_remote
    copying = putting.prepare(task.repo, task.settings, items, to=to, trust_log=trust, clock=task.clock)
    return copying.run(items, task.heard)


def _copy_to_peer(task: _Task, items: Sequence[Item]) -> Running:
    from rookery.annex.p2p import putting  # start-up: only who has such siblings needs it

    assert task.wish.to_remote is not None
    trust, to = "--fast" in task.flags, task.wish.to_remote
    copying = putting.prepare(task.repo, task.settings, items, to=to, trust_log=trust, clock=task.clock)
    return copying.run(items, task.heard)


def _drop(task: _Task, items: Sequence[Item]) -> Running:
    here = identity.uuid(task.repo)
    if here is None:
        raise NotForUs("there is no annex here")
    return _dropping(task, items, here)


def _dropping(task: _Task, items: Sequence[Item], here: str) -> Running:
    from rookery.annex.p2p.keeping import Afar  # start-up: get and copy do not need it
    from rookery.annex.ria.keeping import Stored

    force = "--force" in task.flags
    stored = Stored(task.repo, task.settings)
    with Afar(task.repo, task.settings, here, list({item.key for item in items})) as afar:
        try:
            dropping_ = dropping.prepare(
                task.repo,
                task.settings,
                items,
                force=force,
                afar=lambda name: stored.find(name) or afar.find(name),
                clock=task.clock,
            )
        except (NotForUs, CommandError, OSError) as e:
            log.debug("drop is left to git-annex: %s", e)
            return list(items)
        return (yield from dropping_.run(items))


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
