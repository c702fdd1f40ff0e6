"""What a push to a repository on this machine would do, without a `git push --dry-run` and the two programs below it.

Only for what would be taken: whatever might be refused, or goes by settings that
say more than where the sibling is, is Git's to tell.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from rookery.annex.remotes import Remote
from rookery.core.errors import CommandError
from rookery.git import loose, refs
from rookery.git.remotes import PushReport, RefReport
from rookery.git.repo import NotARepository, Repo, open_repo

UP_TO_DATE = RefReport("=", "", "", "[up to date]", None)

# Any of these may change what is pushed, where to, or whether it may go.
_OTHERWISE = ("push.", "url.", "protocol.", "submodule.recurse", "transfer.", "receive.", "safe.")


def foreseen(
    repo: Repo, sibling: Remote, specs: Sequence[str], settings: Mapping[str, str]
) -> PushReport | None:
    """Say what would become of each ref; None if Git has to be asked.  `settings` are all that Git reads here."""
    if any(key.startswith(_OTHERWISE) for key in settings) or not _is_plain(sibling):
        return None
    there = _opened(repo, sibling.url or "")
    if there is None:
        return None
    reports = [_foreseen(repo, there, spec) for spec in specs]
    found = [one for one in reports if one is not None]
    return PushReport(found, 0, "") if found and len(found) == len(reports) else None


def _is_plain(sibling: Remote) -> bool:
    """Say whether Git knows of a sibling where it is, and no more; git-annex and DataLad may."""
    return all(
        name in ("url", "fetch") or name.startswith(("annex", "datalad-")) for name in sibling.settings
    )


def _opened(repo: Repo, url: str) -> Repo | None:
    """Open a repository by a path that Git takes as it is; None if it is no such path, or somebody else's."""
    if not url.startswith(("/", "./", "../")):
        return None
    try:
        there = open_repo(Path(os.path.normpath(repo.root / url)), repo.runner)
        mine = {os.stat(place).st_uid for place in (there.root, there.gitdir)} == {os.geteuid()}
        hides = b"hiderefs" in (there.commondir / "config").read_bytes().lower()
    except (NotARepository, OSError):
        return None
    return there if mine and not hides else None


def _foreseen(repo: Repo, there: Repo, spec: str) -> RefReport | None:
    """Say what would become of a ref: nothing, a new one, or one that goes on; None for all else."""
    source, colon, target = spec.partition(":")
    if not colon or not source.startswith(refs.HEADS) or not target.startswith(refs.HEADS):
        return None
    ours, theirs = refs.resolve(repo, source), refs.resolve(there, target)
    if ours is None:
        return None
    if ours == theirs:
        return UP_TO_DATE._replace(source=source, target=target)
    if theirs is None:
        return RefReport("*", source, target, "[new branch]", None)
    if not _goes_on(repo, theirs, ours):
        return None
    return RefReport(" ", source, target, f"{theirs[:7]}..{ours[:7]}", None)


def _goes_on(repo: Repo, theirs: str, ours: str) -> bool:
    try:
        return loose.leads_to(repo, ours, theirs)
    except loose.NotLoose:
        pass
    try:
        return refs.is_ancestor(repo, theirs, ours)
    except CommandError:
        return False  # a commit that we do not have
