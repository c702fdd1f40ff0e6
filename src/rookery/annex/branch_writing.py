"""Writing location logs: any number of lines in one commit of the git-annex branch, made by us.

Everything happens while `annex/journal.lck` is held, as git-annex does it, so
that two writers never build on the same version.  The order makes each moment
a good one to be killed at:

1. A log that is in the journal is put there anew with our line in it: whoever
   commits the journal, its version wins over the branch's.
2. One `git fast-import` writes the commit and moves the branch, if nobody else
   (a push from elsewhere) has moved it.
3. git-annex's own index follows, and only then the note of the commit that it
   stands for.  As long as they differ, git-annex merges the branch into it.
4. The files of the journal that are in the branch now are removed.

Versions of the branch that were fetched and not merged stay unmerged: that is
git-annex's business, and costs a commit of its own.  But our lines are made
newer than theirs about the same repository, so that ours win when it happens.
"""

from __future__ import annotations

import errno
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from rookery.annex import branch
from rookery.annex.branch import LOCAL, Source
from rookery.annex.branch_commit import Said, make
from rookery.annex.logs import Presence, build_presence, parse_presence, stamp
from rookery.annex.permissions import USUAL, Permissions, permissions
from rookery.annex.store import annex_dir, is_shared
from rookery.core import files
from rookery.core.config import parse_bool
from rookery.core.errors import LostRaceError, RookeryError
from rookery.core.process import decode, encode
from rookery.git import hooks, modes
from rookery.git.index import NewEntry, name_length
from rookery.git.index_update import put_alone
from rookery.git.objects import name_of_blob, write_blobs
from rookery.git.repo import Repo

# Whoever moves the branch without git-annex's lock does it once, not all the time.
MOST_TRIES = 20

# git-annex's own message, unless annex.commitmessage says another.
MESSAGE = "update"

_VERSIONS = ("8", "9", "10")

# Who does what is ours to do: `native` (the default), or `stock`, which leaves all of it to git-annex.
ENGINE = "rookery.engine"
NATIVE = "native"

# Settings under which git-annex would write otherwise, or not at all.
_OTHERWISE = ("annex.private", "annex.pidlock", "annex.allowsign")
_NEEDED = ("annex.alwayscommit", "annex.alwayscompact")
_PATTERN = (
    r"^(annex\..*|core\.(hookspath|sharedrepository)|(user|author|committer)\.(name|email)"
    r"|remote\..*\.annex-private|rookery\.engine)$"
)
_HOOKS = ("post-update-annex", "commitmessage-annex")

# What Git takes as it is; of others it strips what might be misread.
_PLAIN_NAME = re.compile(r"\w(?:[\w -]*\w)?")
_PLAIN_EMAIL = re.compile(r"[\w.+-]+@\w[\w.-]*\w")

# Record locks belong to a process: they do not keep its threads apart.
_one_at_a_time = threading.Lock()

Change = tuple[str, str, bool]


class NotForUs(RookeryError):
    """The stock engine has to do this one; nothing was written."""


class _Version(NamedTuple):
    """The branch as it is under the lock: our own tip, what others brought, and what is in the journal."""

    tip: str
    own: Mapping[str, bytes]
    fetched: tuple[Mapping[str, bytes], ...]
    journal: Mapping[str, bytes]


def record_presence(
    repo: Repo,
    changes: Iterable[Change],
    *,
    now: float,
    blobs: Iterable[bytes] = (),
    known: Known | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> str | None:
    """Write down for (key, uuid) pairs whether the content is there, in one commit of the git-annex branch.

    Gives the commit that says so, None if nothing was asked for.  What
    the log says already is not written again.  `blobs` are stored on the way, and
    gone through again if the branch was moved meanwhile.
    `known` is what the caller has read of this repository just now; should it be
    out of date, it is read again.  `meanwhile` is done while others are at work,
    once for each try to write, or not at all.  Raises NotForUs before anything
    is written where git-annex would do otherwise than we can.
    """
    wanted: dict[str, Mapping[str, bool]] = {}
    alone: dict[
        tuple[str, bool], Mapping[str, bool]
    ] = {}  # the same for thousands of keys that came together
    for key, uuid, present in changes:
        if "\n" in key or "\n" in uuid:
            raise NotForUs(f"a line break in a key: {key!r}")
        name = branch.log_name(key)
        facts = alone.setdefault((uuid, present), {uuid: present})
        wanted[name] = {**wanted[name], uuid: present} if name in wanted else facts
    return record(repo, wanted, now=now, blobs=blobs, known=known, meanwhile=meanwhile)


def record(
    repo: Repo,
    wanted: Mapping[str, Mapping[str, bool]],
    *,
    now: float,
    blobs: Iterable[bytes] = (),
    known: Known | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> str | None:
    """Write down facts by the names of their logs, as `record_presence` does: what is (or is not) there by now.

    All logs of presence are alike: of places that have a key (`.log`), and of
    its URLs (`.log.web`).
    """
    if not wanted:
        write_blobs(repo, blobs)
        return None
    settings = require_plain(repo) if known is None else known.settings
    message = settings.get("annex.commitmessage", MESSAGE)
    said = Said(who(repo, settings, now), message)
    shared = permissions(settings)
    commit = _Wanted(wanted, now, said, blobs, shared, meanwhile)
    sources = None if known is None else known.sources
    with exclusively(repo, shared):
        for _ in range(MOST_TRIES):
            made = _written(repo, commit, branch.sources(repo) if sources is None else sources)
            if made is not None:
                return made
            sources = None
    raise LostRaceError(f"{LOCAL} was moved by others {MOST_TRIES} times while it was to be written")


@contextmanager
def exclusively(repo: Repo, shared: Permissions = USUAL) -> Iterator[None]:
    """Hold git-annex's lock on the journal and the branch.  Raises NotForUs where nothing may be written."""
    try:
        with _one_at_a_time, files.locked(annex_dir(repo) / "journal.lck"):
            shared.share_locks(str(annex_dir(repo)))
            yield
    except OSError as e:
        if e.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise NotForUs(f"{e.filename} cannot be written") from e
        raise


class Known(NamedTuple):
    """What was read of a repository: its settings (`require_plain`), and the versions of its branch."""

    settings: Mapping[str, str]
    sources: list[Source]


class _Wanted(NamedTuple):
    """A commit to be made: facts by name of log, their time, what it says of itself.

    With blobs to store too, who may write in the annex, and what is done meanwhile.
    """

    wanted: Mapping[str, Mapping[str, bool]]
    now: float
    said: Said
    blobs: Iterable[bytes]
    shared: Permissions
    meanwhile: Callable[[], None] | None


def require_plain(repo: Repo, more: str = "", *, listed: Mapping[str, str] | None = None) -> dict[str, str]:
    """Read the settings that say how the branch is written, and those that match `more`.

    `listed` are all settings, if they have been read just now.  Raises NotForUs
    unless location logs of this repository can be written here.
    """
    if is_shared(repo):
        raise NotForUs("the annex is another repository's")
    if "GIT_ANNEX_VECTOR_CLOCK" in repo.runner.env:
        raise NotForUs("the clock is set by GIT_ANNEX_VECTOR_CLOCK")
    pattern = f"{_PATTERN}|{more}" if more else _PATTERN
    if listed is None:
        items = repo.run("config", "-z", "--get-regexp", pattern, ok=(0, 1)).stdout.split(b"\0")
        pairs = (decode(item).partition("\n") for item in items if item)
        found = {name: value if given else "true" for name, given, value in pairs}
    else:
        found = {name: value for name, value in listed.items() if re.search(pattern, name)}
    if found.get(ENGINE, NATIVE) != NATIVE:
        raise NotForUs(f"{ENGINE} is {found[ENGINE]!r}")
    if found.get("annex.version") not in _VERSIONS:
        raise NotForUs(f"annex.version is {found.get('annex.version')}")
    for name, value in found.items():
        off = name in _NEEDED and not yes(value)
        on = (name in _OTHERWISE or name.endswith(".annex-private")) and yes(value)
        if off or on or name.startswith(("annex.tune.", "annex.commitmessage-command")):
            raise NotForUs(f"{name} is {value!r}")
    try:
        permissions(found)
    except ValueError as e:
        raise NotForUs(str(e)) from e
    for hook in _HOOKS:
        if hooks.find_hook(repo, hook, found.get("core.hookspath")):
            raise NotForUs(f"there is a hook {hook}")
    return found


def yes(value: str) -> bool:
    """Read a setting as a yes or no, what is neither as a yes."""
    try:
        return parse_bool(value)
    except ValueError:
        return True  # a word that we do not know: for git-annex to judge


def who(repo: Repo, settings: Mapping[str, str], now: float) -> tuple[str, str]:
    """Give author and committer as fast-import takes them; git-annex makes one up if there is none, we do not."""
    name, email = settings.get("user.name", ""), settings.get("user.email", "")
    told = any(var.startswith(("GIT_COMMITTER_", "GIT_AUTHOR_")) for var in repo.runner.env)
    told = told or any(key.startswith(("author.", "committer.")) for key in settings)
    if not told and _PLAIN_NAME.fullmatch(name) and _PLAIN_EMAIL.fullmatch(email):
        zone = time.strftime("%z", time.localtime(now))
        person = f"{name} <{email}> {int(now)} {zone}"
        return person, person
    found = []
    for role in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
        answer = repo.run("var", role, ok=(0, 128, 129))
        if answer.code:
            raise NotForUs("Git does not know who commits")
        found.append(answer.text)
    return found[0], found[1]


def _written(repo: Repo, commit: _Wanted, sources: list[Source]) -> str | None:
    """Make the commit and give it, or the one that says so already; None if the branch was moved under us."""
    version = _look(repo, commit.wanted, sources)
    new = _all_renewed(version, commit)
    if not new:
        write_blobs(repo, commit.blobs)
        return version.tip
    for name in version.journal:
        if name in new:
            _journal(repo, name, new[name], commit.shared)
    followed = branch.index_is_at(repo, version.tip)
    made = make(repo, [version.tip], new, commit.said, blobs=commit.blobs, meanwhile=commit.meanwhile)
    if made is None:
        return None
    if followed:
        length = name_length(repo)
        names = {text: name_of_blob(text, length) for text in set(new.values())}
        # In Git's order: each that comes before others moves them all (of 300,000: 2.4 s; in order 0.1).
        follow(repo, made, (NewEntry(name, modes.FILE, names[new[name]]) for name in sorted(new)))
    for name in version.journal:
        if name in new:
            (annex_dir(repo) / "journal" / branch.mangled(name)).unlink(missing_ok=True)
    return made


def _look(repo: Repo, wanted: Mapping[str, object], sources: list[Source]) -> _Version:
    """Read what is known of some logs.  Raises NotForUs."""
    journal = branch.journalled(repo, wanted.__contains__)
    if not sources or sources[-1].ref != LOCAL:
        raise NotForUs("there is no git-annex branch yet")
    names = [*wanted, "difference.log"]
    *theirs, own = (branch.contents(repo, source, names) for source in sources)
    if any("difference.log" in one for one in (own, *theirs)):
        raise NotForUs("the annex has tuned folders")
    return _Version(sources[-1].commit, own, tuple(theirs), journal)


def _all_renewed(version: _Version, commit: _Wanted) -> dict[str, bytes]:
    """Give the logs that do not say yet what is wanted, with it in them."""
    new: dict[str, bytes] = {}
    # Thousands of contents that came together have equal logs, which get the same line.
    seen: dict[tuple[bytes, bytes, tuple[tuple[str, bool], ...]], bytes | None] = {}
    for name, facts in commit.wanted.items():
        mine = b"\n".join(part[name] for part in (version.own, version.journal) if name in part)
        theirs = b"\n".join(part[name] for part in version.fetched if name in part)
        case = (mine, theirs, tuple(facts.items()))
        if case not in seen:
            text = _renewed(decode(mine), decode(theirs), facts, commit.now)
            seen[case] = None if text is None else encode(text)
        if (renewed := seen[case]) is not None:
            new[name] = renewed
    return new


def _renewed(mine: str, fetched: str, facts: Mapping[str, bool], now: float) -> str | None:
    """Give a log with these facts in it; None if it says so already."""
    lines, unknown = parse_presence(mine)
    theirs = parse_presence(fetched)[0]
    changed = False
    for uuid, present in facts.items():
        known = [one for one in (lines.get(uuid), theirs.get(uuid)) if one is not None]
        if uuid in lines and all(one.present == present and not one.dead for one in known):
            continue
        # Whole seconds, as git-annex has them: equal texts are one object.
        at = stamp(float(int(now)), newer_than=(one.stamp for one in known))
        lines[uuid] = Presence(uuid, present, at)
        changed = True
    return build_presence(lines.values(), unknown) if changed else None


def _journal(repo: Repo, name: str, text: bytes, shared: Permissions) -> None:
    place = annex_dir(repo) / "journal" / branch.mangled(name)
    files.write(place, text, drafts=annex_dir(repo) / "othertmp")
    shared.share_file(str(place))


def follow(repo: Repo, commit: str, entries: Iterable[NewEntry]) -> None:
    """Bring git-annex's index, which stood for the commit before, to our commit."""
    view = repo.with_env(GIT_INDEX_FILE=str(annex_dir(repo) / "index"))
    put_alone(view, entries)
    note = annex_dir(repo) / "index.lck"
    files.write(note, commit + "\n", drafts=annex_dir(repo) / "othertmp")
