"""A look at a hub that changes nothing and takes seconds: settings, database, folders, what clients will meet."""

from __future__ import annotations

import ipaddress
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from rookery.annex.identity import uuid
from rookery.core.errors import CommandError
from rookery.core.process import Runner
from rookery.core.sizes import natural
from rookery.git.repo import NotARepository
from rookery.hub.admin.everything import repositories
from rookery.hub.admin.findings import Finding, Verdict
from rookery.hub.domain.errors import Unavailable
from rookery.hub.opening import Opened
from rookery.hub.settings import Settings

OLDEST_GIT = (2, 31)


def look(opened: Opened, runner: Runner) -> Iterator[Finding]:
    """Yield what was found."""
    yield _git(runner, opened.settings.data)
    yield _database(opened)
    yield from _folder(opened.settings)
    yield from _disk(opened)
    yield from _addresses(opened.settings)
    yield from _repositories(opened)
    yield _search(opened)


def _git(runner: Runner, folder: Path) -> Finding:
    try:
        said = runner.run(["git", "--version"], cwd=folder).text
    except CommandError:
        return Finding(Verdict.BAD, "git", "not found", "install Git")
    found = re.search(r"(\d+)\.(\d+)", said)
    if found and tuple(map(int, found.groups())) >= OLDEST_GIT:
        return Finding(Verdict.GOOD, "git", said)
    return Finding(
        Verdict.BAD, "git", f"{said} is too old", f"install {'.'.join(map(str, OLDEST_GIT))} or later"
    )


def _database(opened: Opened) -> Finding:
    with opened.database.reading() as work:
        count = work.accounts.count()
    kind = opened.database.engine.dialect.name
    hint = "" if count else "make the first one: rookery hub user add NAME --email ADDRESS --admin"
    return Finding(Verdict.GOOD if count else Verdict.WARNING, "database", f"{kind}, {count} accounts", hint)


def _folder(settings: Settings) -> Iterator[Finding]:
    mode = stat.S_IMODE(settings.data.stat().st_mode)
    if mode & 0o077:
        hint = f"chmod 700 {settings.data}"
        yield Finding(Verdict.BAD, str(settings.data), "others on this machine can look into it", hint)
    elif settings.data.stat().st_uid != os.geteuid():
        yield Finding(Verdict.WARNING, str(settings.data), "belongs to somebody else than who runs this")
    else:
        yield Finding(Verdict.GOOD, str(settings.data), "nobody else can look into it")


def _disk(opened: Opened) -> Iterator[Finding]:
    where = opened.settings.content
    try:
        opened.objects.check()
        if where is not None:
            yield Finding(
                Verdict.GOOD, "contents", f"in the bucket {where.name} at {where.endpoint or 'Amazon S3'}"
            )
    except Unavailable as e:
        yield Finding(Verdict.BAD, "contents", e.message, "; ".join(e.hints))
    free = opened.objects.free()
    if free is None:
        return
    low = free < 2 * opened.settings.limits.reserve
    yield Finding(Verdict.WARNING if low else Verdict.GOOD, "room on the disk", natural(free))


def _addresses(settings: Settings) -> Iterator[Finding]:
    host = settings.http.host
    open_to_all = host in ("0.0.0.0", "::")
    if settings.url and settings.url.startswith("https:"):
        yield Finding(Verdict.GOOD, "address", settings.url)
    elif open_to_all or not _is_loopback(host):
        yield Finding(
            Verdict.WARNING,
            "address",
            f"{settings.url or settings.http} is not encrypted: passwords and tokens can be read on the way",
            "put a web server with TLS before it, and set url = 'https://...' in hub.toml",
        )
    else:
        yield Finding(Verdict.GOOD, "address", f"http://{settings.http}, for this machine alone")
    if not settings.url or _is_private(settings.url):
        yield Finding(
            Verdict.WARNING,
            "git-annex's clients",
            "git-annex does not talk by HTTP to addresses of a private network unless it is told to",
            "clients need: git config --global annex.security.allowed-ip-addresses ADDRESS",
        )


def _search(opened: Opened) -> Finding:
    waiting = len(opened.hub.search.waiting())
    if not waiting:
        return Finding(Verdict.GOOD, "search", "knows all repositories as they are")
    told = f"{waiting if waiting < 100 else '100 or more'} repositories have changed since they were read"
    return Finding(Verdict.WARNING, "search", told, "they are read while the hub runs: rookery hub serve")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_private(url: str) -> bool:
    try:
        return ipaddress.ip_address(url.partition("://")[2].rpartition(":")[0].strip("[]")).is_private
    except ValueError:
        return False


def _repositories(opened: Opened) -> Iterator[Finding]:
    known = set()
    for repository in repositories(opened):
        known.add(repository.id)
        try:
            repo = opened.histories.open(repository.id)
        except NotARepository:
            hint = "restore it from a backup"
            yield Finding(Verdict.BAD, str(repository.path), "its folder is not there", hint)
            continue
        if uuid(repo) != repository.uuid:
            hint = f"git config -f {repo.gitdir}/config annex.uuid {repository.uuid}"
            yield Finding(Verdict.BAD, str(repository.path), "its folder says it is another annex", hint)
    for number in sorted(set(opened.histories.numbers()) - known):
        place = opened.histories.place(number)
        hint = "left behind when it was removed; remove it if you are sure"
        yield Finding(Verdict.WARNING, str(place), "belongs to no repository", hint)
    yield Finding(Verdict.GOOD, "repositories", f"{len(known)}")
