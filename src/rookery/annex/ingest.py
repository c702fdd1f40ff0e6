"""Taking files in: content into the object store, symlinks, pointers and small files into the index.

Two engines share the interface `Ingest`.  This one is stock git-annex, one
process for any number of files; it decides by its own rules (largefiles,
dotfiles, backend) and so is never wrong about them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple, Protocol

from rookery.annex import program
from rookery.annex.program import Names, failure_text
from rookery.core.errors import CommandError
from rookery.git.repo import Repo

Force = Literal["large", "small"]


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


class Ingest(Protocol):
    """How files are taken in; index entries go to the index that `repo` is set to (GIT_INDEX_FILE)."""

    def __call__(
        self,
        repo: Repo,
        paths: Iterable[str],
        *,
        force: Force | None = None,
        jobs: int | str | None = None,
        ignored_too: bool = False,
    ) -> Iterator[Ingested]:
        """Take files in (paths below the top, files only) and yield the outcome of each, in any order."""


def stock(
    repo: Repo,
    paths: Iterable[str],
    *,
    force: Force | None = None,
    jobs: int | str | None = None,
    ignored_too: bool = False,
) -> Iterator[Ingested]:
    """Take files in by `git annex add`.

    Raises CommandError when git-annex fails as a whole; what it took in before
    is in the store and in the index, and a second call finishes the rest.
    """
    wanted = dict.fromkeys(paths)
    if not wanted:
        return
    options = [
        *([f"--force-{force}"] if force else []),
        *(["--no-check-gitignore"] if ignored_too else []),
        *([f"--jobs={jobs}"] if jobs not in (None, 1, "auto") else []),
    ]
    told = program.records(repo, "add", *options, "--batch", "-z", stdin=program.listed(wanted))
    names = Names(wanted)
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
