"""Which repository this is: root commits, object format, the dataset's identity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rookery.core.process import decode
from rookery.deposit.protocol.packs import borrows_from_shallow
from rookery.deposit.protocol.records import Identity
from rookery.deposit.protocol.state import CONFLICTS
from rookery.git.repo import Repo

# Branches that git-annex makes: each repository has roots of its own for them.
NOT_HISTORY = ("refs/heads/git-annex", "refs/annex/", CONFLICTS)


def branches(refs: Mapping[str, str]) -> dict[str, str]:
    """Leave out the refs whose history is not the dataset's."""
    return {name: sha for name, sha in refs.items() if not name.startswith(NOT_HISTORY)}


def identity_of(repo: Repo, tips: Iterable[str]) -> Identity:
    """Read the identity off the history behind some commits; costs a walk through it."""
    object_format = repo.text("rev-parse", "--show-object-format")
    wanted = sorted(set(tips))
    if borrows_from_shallow(repo):
        return Identity(frozenset(), object_format, _dataset(repo, wanted), shallow=True)
    if not wanted:
        return Identity(frozenset(), object_format)
    argv = ("rev-list", "--max-parents=0", "--stdin")
    found = repo.run(*argv, stdin="".join(f"{sha}\n" for sha in wanted).encode())
    return Identity(frozenset(decode(found.stdout).split()), object_format, _dataset(repo, wanted))


def _dataset(repo: Repo, tips: Iterable[str]) -> str | None:
    for tip in tips:
        name = f"{tip}:.datalad/config"
        asked = ("config", "--blob", name, "--get", "datalad.dataset.id")
        answer = repo.run(*asked, ok=None)
        if answer.code == 0 and answer.text:
            return answer.text
    return None


def ancestry(repo: Repo, one: str, other: str) -> bool | None:
    """Say whether one commit is in the history of another; None: not all of it is here."""
    code = repo.run("merge-base", "--is-ancestor", one, other, ok=None).code
    return None if code not in (0, 1) else code == 0
