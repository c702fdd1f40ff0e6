"""Taking over from another repository's git-annex branch what it says of some keys, and nothing else.

For a place where strangers' branches come in: all of one merged would bring their
settings too (trust, preferred content, numcopies, special remotes that are
enabled by themselves), which nobody has looked at.
"""

from __future__ import annotations

from collections.abc import Collection

from rookery.annex import branch
from rookery.annex.branch import LOCAL, Source
from rookery.annex.branch_commit import Said, make
from rookery.annex.branch_merging import joined_lines
from rookery.annex.branch_writing import MOST_TRIES, NotForUs, exclusively, require_plain, who
from rookery.annex.permissions import permissions
from rookery.core.errors import LostRaceError
from rookery.git import refs
from rookery.git.commits import commit_tree
from rookery.git.repo import Repo

# Where content is: in repositories, on the web, in parts and by the names that special remotes gave it; metadata.
KINDS = (".log", ".log.web", ".log.met", ".log.rmt", ".log.rmet", ".log.cid", ".log.cnk", ".log.ek")

_FIRST = "branch created"  # git-annex's own words


def take_logs(repo: Repo, other: Repo, keys: Collection[str], *, now: float) -> int:
    """Join the logs of some keys in another repository's branch into ours, in one commit; give how many changed.

    Ours is made if there is none.  Raises NotForUs where git-annex would write otherwise than we can,
    LostRaceError, CommandError; nothing is written then.
    """
    tip = refs.resolve(other, LOCAL)
    names = [branch.log_name(key, kind) for key in keys for kind in KINDS]
    theirs = {} if tip is None else branch.contents(other, Source(LOCAL, tip), names)
    settings = require_plain(repo)
    with exclusively(repo, permissions(settings)):
        if branch.journal_is_used(repo):
            raise NotForUs("there is news in the journal")
        for _ in range(MOST_TRIES):
            mine = refs.resolve(repo, LOCAL) or _begun(repo)
            own = branch.contents(repo, Source(LOCAL, mine), list(theirs))
            joined = {name: joined_lines(own.get(name, b""), text) for name, text in theirs.items()}
            new = {name: text for name, text in joined.items() if text != own.get(name)}
            if not new or make(repo, [mine], new, Said(who(repo, settings, now), "update")) is not None:
                return len(new)
    raise LostRaceError(f"{LOCAL} was moved by others {MOST_TRIES} times while it was to be written")


def _begun(repo: Repo) -> str:
    empty = repo.run("mktree", stdin=b"").text
    made = commit_tree(repo, empty, [], _FIRST + "\n")
    refs.update(repo, LOCAL, made, old="")
    return made
