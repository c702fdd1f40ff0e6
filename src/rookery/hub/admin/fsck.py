"""Looking at every byte: each content is hashed again, each history walked by Git; it may run while the hub does.

What is claimed and not there, or not what its key says, is claimed no longer:
git-annex then knows that this copy is gone, and sends it again.  Corrupt content is set
aside, not removed.  What is there without a claim, and right, is claimed.
"""

from __future__ import annotations

from collections.abc import Iterator

from rookery.git.repo import NotARepository
from rookery.hub.admin.everything import contents, repositories
from rookery.hub.admin.findings import Finding, Verdict
from rookery.hub.domain.records import Content, Repository
from rookery.hub.opening import Opened

Seen = set[tuple[int, int, str]]
"""Files that several repositories share and that were read already: device, inode, key."""


def look(opened: Opened) -> Iterator[Finding]:
    """Yield what was found, a line for each repository that is well.  Raises Unavailable without the store."""
    opened.objects.check()  # else all of it would not be there
    seen: Seen = set()
    for repository in repositories(opened):
        try:
            opened.histories.open(repository.id)
        except NotARepository:
            with opened.database.reading() as work:
                gone = work.repositories.by_id(repository.id) is None
            if not gone:
                yield Finding(Verdict.BAD, str(repository.path), "its folder is not there")
            continue
        found = [
            *_history(opened, repository),
            *_contents(opened, repository, seen),
            *_unclaimed(opened, repository),
        ]
        yield from found
        if not found:
            with opened.database.reading() as work:
                totals = work.contents.totals(repository.id)
            yield Finding(Verdict.GOOD, str(repository.path), f"{totals.keys} contents")


def _history(opened: Opened, repository: Repository) -> Iterator[Finding]:
    repo = opened.histories.open(repository.id)
    answer = repo.run("fsck", "--full", "--no-dangling", "--no-progress", ok=None)
    if answer.code:
        said = " ".join(answer.stderr.decode("utf-8", "replace").split())[:500]
        hint = "restore it from a backup, or push it again from a clone"
        yield Finding(Verdict.BAD, f"{repository.path} history", said, hint)


def _contents(opened: Opened, repository: Repository, seen: Seen) -> Iterator[Finding]:
    for claimed in contents(opened, repository.id):
        if _was_right(opened, repository, claimed, seen):
            continue
        finding = _corrected(opened, repository, claimed)
        if finding is not None:
            yield finding


def _was_right(opened: Opened, repository: Repository, claimed: Content, seen: Seen) -> bool:
    """Look, but not a second time at a file that was found right under another name: forks share theirs."""
    place = opened.objects.path(repository.id, claimed.key)
    try:
        found = None if place is None else place.stat()
    except FileNotFoundError:
        found = None
    mark = None if found is None or found.st_nlink == 1 else (found.st_dev, found.st_ino, claimed.key)
    if mark is not None and mark in seen and found is not None and found.st_size == claimed.size:
        return True
    right = _is_right(opened, repository, claimed)
    if right and mark is not None:
        seen.add(mark)
    return right


def _is_right(opened: Opened, repository: Repository, claimed: Content) -> bool:
    there = opened.objects.size(repository.id, claimed.key) == claimed.size
    return there and opened.objects.verified(repository.id, claimed.key) is not False


def _corrected(opened: Opened, repository: Repository, claimed: Content) -> Finding | None:
    """Take a false claim back, looking once more where nobody can change it meanwhile."""
    name = f"{repository.path} {claimed.key}"
    with opened.database.writing() as work:
        work.contents.exclusively(repository.id, claimed.key)
        if work.contents.size(repository.id, claimed.key) is None:
            return None  # dropped meanwhile
        if _is_right(opened, repository, claimed):
            return None  # stored again meanwhile
        there = opened.objects.size(repository.id, claimed.key)
        work.contents.remove(repository.id, claimed.key)
        if there is not None:
            opened.objects.set_aside(repository.id, claimed.key)
    if there is None:
        return Finding(
            Verdict.BAD, name, "is not there; it is claimed no longer", "send it again from a clone"
        )
    place = opened.histories.place(repository.id) / "annex" / "bad"
    aside = f"set aside in {place}" if opened.settings.content is None else "kept in the store under its name"
    return Finding(Verdict.BAD, name, f"is corrupt; {aside}", "send it again from a clone")


def _unclaimed(opened: Opened, repository: Repository) -> Iterator[Finding]:
    """Claim what is there: put by a git-annex on this machine, or left by a crash before it could be claimed."""
    for key in opened.objects.keys(repository.id):
        with opened.database.reading() as work:
            claimed = work.contents.size(repository.id, key) is not None
        if claimed or opened.objects.verified(repository.id, key) is False:
            continue
        with opened.database.writing() as work:
            work.contents.exclusively(repository.id, key)
            size = opened.objects.size(repository.id, key)
            if size is None or work.contents.size(repository.id, key) is not None:
                continue
            work.contents.add(repository.id, key, size, opened.hub.clock())
        yield Finding(Verdict.MENDED, f"{repository.path} {key}", "was there and not known; it is now")
