"""Telling the git-annex branch what has come and gone, so that it never claims what is not so."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rookery.annex import branch, program
from rookery.annex.branch_writing import NotForUs, record_presence
from rookery.annex.outcome import Clock
from rookery.annex.store import is_present
from rookery.core.errors import LostRaceError
from rookery.git.repo import Repo


def told(
    repo: Repo, uuid: str, keys: Iterable[str], *, present: bool, clock: Clock, said: str | None = None
) -> None:
    """Write down in a repository's branch that a place has keys, or has them no more.

    `said` is a commit of ours that says so: as long as nothing has come after it, nothing is to be done.
    """
    wanted = list(dict.fromkeys(keys))
    if not wanted or (said is not None and _is_last_word(repo, said)):
        return
    try:
        record_presence(repo, ((key, uuid, present) for key in wanted), now=clock())
    except (NotForUs, LostRaceError):
        spaced = [key for key in wanted if len(key.split()) > 1]  # the batch mode takes words
        lines = "".join(f"{key} {uuid} {int(present)}\n" for key in wanted if key not in spaced)
        program.run(repo, "setpresentkey", "--batch", stdin=lines.encode("utf-8", "surrogateescape"))
        for key in spaced:
            program.run(repo, "setpresentkey", "--", key, uuid, str(int(present)))
        program.commit_journal(repo)


def _is_last_word(repo: Repo, commit: str) -> bool:
    """Say whether nobody has written to a repository's branch or journal since a commit, nor fetched another one."""
    if branch.journal_is_used(repo):  # before the branch: a journal that is committed in between moves it
        return False
    return [source.commit for source in branch.sources(repo)] == [commit]


class Owed:
    """What a neighbour's branch does not say yet of what came there, because ours is about to be pushed to it.

    Ours says it already.  Until the push, or `pay`, the neighbour has content that
    its own log does not know, as after a transfer that was killed.
    """

    def __init__(self) -> None:
        self._debts: list[tuple[Repo, str, Sequence[str]]] = []

    @property
    def any(self) -> bool:
        """Whether a neighbour's branch lacks something."""
        return bool(self._debts)

    def add(self, store: Repo, uuid: str, keys: Sequence[str]) -> None:
        """Note that keys came to a store that its branch does not place there."""
        self._debts.append((store, uuid, keys))

    def forgive(self) -> None:
        """Say that the neighbour's branch has all of it now."""
        self._debts.clear()

    def pay(self, *, clock: Clock) -> None:
        """Write it into the neighbour's branch, as far as it is still so."""
        while self._debts:
            store, uuid, keys = self._debts.pop()
            arrived([store], store, uuid, keys, clock=clock)


def arrived(repos: Iterable[Repo], store: Repo, uuid: str, keys: Iterable[str], *, clock: Clock) -> None:
    """Write down in each repository that a store has keys, which are looked at before and after it.

    Whoever drops one meanwhile has said so before or after us; either way the
    last word is what is so.
    """
    there = [key for key in dict.fromkeys(keys) if is_present(store, key)]
    if not there:
        return
    writers = list(repos)
    for repo in writers:
        told(repo, uuid, there, present=True, clock=clock)
    gone = [key for key in there if not is_present(store, key)]
    for repo in writers:
        told(repo, uuid, gone, present=False, clock=clock)
