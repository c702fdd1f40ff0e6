"""What an update would bring, without bringing it: commits, files, bytes, conflicts, and what would be lost.

The news are fetched under refs of our own, which are taken away again; a
process that is killed leaves them to the next look.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from rookery.annex.files import annexed
from rookery.annex.keys import size_of
from rookery.core.process import decode
from rookery.core.results import result
from rookery.core.sizes import natural
from rookery.dataset.model import Dataset
from rookery.git import refs, remotes
from rookery.git.repo import Repo
from rookery.git.trees import Entry, diff_trees

Record = dict[str, Any]

PLACE = "refs/rookery/outlook/"


class Outlook(NamedTuple):
    """The difference between the current branch and what it would be brought to."""

    news: int
    own: int
    files: tuple[str, ...]
    content: int
    conflicts: tuple[str, ...]


@contextmanager
def news_of(repo: Repo, sibling: str) -> Iterator[str]:
    """Fetch a sibling's branches to a place of our own; gives the prefix of their refs.  Raises CommandError."""
    prefix = f"{PLACE}{sibling}/"
    try:
        spec = f"+refs/heads/*:{prefix}*"
        # an empty --refmap keeps Git from moving the tracking branches on the way
        options = ["--no-tags", "--no-write-fetch-head", "--no-recurse-submodules", "--refmap="]
        remotes.fetch(repo, sibling, [spec], options=options)
        yield prefix
    finally:
        for ref in list(refs.for_each_ref(repo, prefix.rstrip("/"))):
            refs.update(repo, ref.name, None)


def look(repo: Repo, target: str) -> Outlook:
    """Compare HEAD with a commit that is here."""
    base = refs.merge_base(repo, "HEAD", target)
    changed = [d for d in diff_trees(repo, base, target) if d.new_mode]
    keys = {f.key for f in annexed(repo, (Entry(d.new_mode, "blob", d.new_sha, d.path) for d in changed))}
    return Outlook(
        refs.count(repo, f"HEAD..{target}"),
        refs.count(repo, f"{target}..HEAD"),
        tuple(d.path for d in changed),
        sum(size_of(key) or 0 for key in keys),
        tuple(_conflicts(repo, target)) if base else (),
    )


def _conflicts(repo: Repo, target: str) -> list[str]:
    """Merge in memory (git merge-tree, Git 2.38) and give the paths that would be in conflict."""
    argv = ("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", "HEAD", target)
    answer = repo.run(*argv, ok=(0, 1))
    return [decode(name) for name in answer.stdout.split(b"\0")[1:] if name] if answer.code else []


def foretold(ds: Dataset, how: str, name: str, seen: Outlook, refds: Any) -> Iterator[Record]:
    """Make the records of what an update would do."""
    said: dict[str, Any] = {"type": "dataset", "refds": refds}
    if how != "checkout" and seen.own and how in ("reset", "ff-only"):
        lost = (
            f"{_counted(seen.own, 'commit')} of this branch {'is' if seen.own == 1 else 'are'} not in {name}"
        )
        if how == "ff-only":
            message = f"cannot fast-forward: {lost}"
            yield result("merge [dry-run]", ds.path, "error", message=message, **said)
            return
        message = f"would be lost: {lost}"
        yield result("update.reset [dry-run]", ds.path, "ok", message=message, **said)
    if how == "merge" and seen.conflicts:
        message = f"would conflict in: {', '.join(seen.conflicts)}"
        yield result(
            "merge [dry-run]", ds.path, "error", message=message, conflicts=list(seen.conflicts), **said
        )
    summary = (
        f"{how} of {name} would bring {_counted(seen.news, 'commit')} with "
        f"{_counted(len(seen.files), 'changed file')}, {natural(seen.content)} of annexed content"
    )
    yield result(
        "update [dry-run]", ds.path, message=summary, files=list(seen.files), bytesize=seen.content, **said
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def first_there(repo: Repo, prefix: str, branches: Sequence[str]) -> str | None:
    """Give the first of some branches that the sibling has."""
    return next((one for one in branches if refs.resolve(repo, prefix + one) is not None), None)
