"""Taking files in: content into the object store, symlinks, pointers and small files into the index.

Stock git-annex does it, one process for any number of files; it decides by its
own rules (largefiles, dotfiles, backend) and so is never wrong about them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from rookery.annex import program
from rookery.annex.content import hearing
from rookery.annex.outcome import Listener
from rookery.annex.program import Names, failure_text
from rookery.core.errors import CommandError, OutOfSpaceError
from rookery.git.repo import Repo

Force = Literal["large", "small"]

# What git-annex remarks about a file whose content it puts into Git.
TO_GIT = "content to git repository"

# SQLite needs 32 KiB for the index of what was written to git-annex's database, and the journal and Git's index want
# room too.  Where it cannot be had, git-annex (10.20261026) opens its database again and again: `git annex add` of one
# file took 142 s to give up, and then the content was in the store only and the file in the work tree empty.
ROOM = 256 * 1024


class Ingested(NamedTuple):
    """What became of one file.

    `key` is None for what went to Git.  `silent` means that nothing was said of
    it: unchanged since it was taken in, ignored, or no file at all.
    """

    path: str
    key: str | None = None
    ok: bool = True
    message: str = ""
    silent: bool = False


def stock(
    repo: Repo,
    paths: Iterable[str],
    *,
    force: Force | None = None,
    jobs: int | str | None = None,
    ignored_too: bool = False,
    on_progress: Listener | None = None,
) -> Iterator[Ingested]:
    """Take files in (paths below the top, files only) by `git annex add`; each outcome comes back, in any order.

    Index entries go to the index that `repo` is set to (GIT_INDEX_FILE).

    Raises CommandError when git-annex fails as a whole; what it took in before
    is in the store and in the index, and a second call finishes the rest.
    Raises OutOfSpaceError, and nothing is touched, when the disk is as good as full.
    """
    wanted = dict.fromkeys(paths)
    if not wanted:
        return
    _see_that_there_is_room(repo)
    options = [
        *([f"--force-{force}"] if force else []),
        *(["--no-check-gitignore"] if ignored_too else []),
        *([f"--jobs={jobs}"] if jobs not in (None, 1, "auto") else []),
    ]
    names = Names(wanted)
    listing = program.listed(wanted)
    hear = hearing(on_progress, Names(wanted))
    told = program.records(repo, "add", *options, "--batch", "-z", stdin=listing, on_progress=hear)
    seen: set[str] = set()
    try:
        for record in told:
            path = names.of(record)
            seen.add(path)
            yield Ingested(path, record.get("key"), bool(record.get("success")), failure_text(record))
    except CommandError as e:
        if not seen:
            raise
        for path in wanted:
            if path not in seen:
                yield Ingested(path, ok=False, message=e.stderr.strip() or str(e))
        return
    for path in wanted:
        if path not in seen:
            yield Ingested(path, silent=True)


def _see_that_there_is_room(repo: Repo) -> None:
    disk = os.statvfs(repo.commondir)
    # Some file systems do not say how large they are.
    if disk.f_blocks and disk.f_bavail * disk.f_frsize < ROOM:
        raise OutOfSpaceError(
            "git-annex add",
            "No space left on device: git-annex was not started, it needs some for its database",
            cwd=str(repo.root),
            hints=["make room, or drop content that has other copies"],
        )


class Foreseen(NamedTuple):
    """What would become of one file: `key` of the annex or Git, or a reason why it cannot be taken in."""

    path: str
    annexed: bool
    ok: bool
    message: str


def foresee(repo: Repo, paths: Iterable[str], *, force: Force | None = None) -> Iterator[Foreseen]:
    """Ask git-annex what `stock` would do with files; nothing is said of those that it would pass over."""
    wanted = dict.fromkeys(paths)
    if not wanted:
        return
    options = ["--dry-run", *([f"--force-{force}"] if force else [])]
    names = Names(wanted)
    listing = program.listed(wanted)
    for record in program.records(repo, "add", *options, "--batch", "-z", stdin=listing, reading=True):
        # Only the remark tells the two apart ("non-large file; adding content to git repository"; 10.20261026).
        to_git = TO_GIT in str(record.get("note") or "")
        yield Foreseen(names.of(record), not to_git, bool(record.get("success")), failure_text(record))
