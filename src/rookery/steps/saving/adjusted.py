"""Amending on an adjusted branch: the last commit of the branch that it stands for is the one that is meant.

git-annex keeps a commit of its own on top of an adjusted branch, rewrites it
when something is committed, and can carry new commits over, not amended ones.
So the changes become a commit as always, and then both branches are set back by
one, in one step: who is killed before has a commit more, and nothing less.
"""

from __future__ import annotations

from collections.abc import Mapping

from rookery.annex import identity
from rookery.annex.identity import Adjusted
from rookery.core.errors import LostRaceError, RookeryError
from rookery.dataset.invented_dates import dated
from rookery.dataset.model import Dataset
from rookery.git import commits, refs
from rookery.git.index import NewEntry
from rookery.git.refs import Head
from rookery.git.repo import Repo
from rookery.steps.saving.entries import Committed, commit_entries

# Where git-annex keeps the commit that an adjusted branch was made from.
BASIS = "refs/basis/"


def standing(head: Head) -> Adjusted | None:
    """Say what an adjusted branch stands for; None for another branch, or none."""
    return identity.parse_adjusted(head.branch) if head.branch else None


def amend_adjusted(
    ds: Dataset, entries: Mapping[str, NewEntry], *, message: str | None, head: Head, prepared: Repo
) -> Committed | None:
    """Make entries and a message part of the last commit of the original branch, and adjust anew.

    None comes back when that changes nothing.  Raises what `commit_entries` does.
    """
    repo = ds.repo
    adjusted = standing(head)
    assert adjusted is not None
    original = refs.HEADS + adjusted.original
    last = refs.resolve(repo, original)
    view: Repo | None = prepared
    if head.commit is None or last is None or list(commits.read_commit(repo, head.commit).parents) != [last]:
        # Something was committed here, and not by us: it is the last commit then.
        identity.propagate_adjusted(repo, adjusted.original)
        head, last, view = refs.head(repo), refs.resolve(repo, original), None
    if last is None or head.commit is None:
        raise RookeryError(f"there is no commit on {adjusted.original} that could be amended")
    before = commits.read_commit(repo, last)
    text = commits.clean_message(message) if message is not None else before.message
    done = commit_entries(ds, entries, message=text, head=head, prepared=view) if entries else None
    if done is None and text == before.message:
        return None
    folded = _fold(ds, head, original, last, text)
    return Committed(folded, head.commit, done.entries if done else {}, staged=True)


def _fold(ds: Dataset, head: Head, original: str, last: str, text: str) -> str:
    """Put what the original branch holds now in place of its commit `last`; gives the new adjusted commit."""
    repo = ds.repo
    tip, top = refs.resolve(repo, original), refs.resolve(repo, head.ref)
    assert tip is not None and top is not None
    now, adjusting = commits.read_commit(repo, tip), commits.read_commit(repo, top)
    if (tip != last and list(now.parents) != [last]) or list(adjusting.parents) != [tip]:
        raise LostRaceError(
            f"{original} was moved by others: the changes are a commit of their own, and nothing was amended"
        )
    before = commits.read_commit(repo, last)
    sign = ds.config.getbool("commit.gpgsign")
    text = now.message if tip != last else text  # hooks may have changed it
    made = commits.commit_tree(dated(ds), now.tree, before.parents, text, author=before.author, sign=sign)
    again = commits.commit_tree(repo, adjusting.tree, [made], adjusting.message, author=adjusting.author)
    basis = BASIS + head.ref.removeprefix(refs.HEADS)
    moves = [(original, made, tip), (head.ref, again, top)]
    if (had := refs.resolve(repo, basis)) is not None:
        moves.append((basis, made, had))
    refs.update_together(repo, moves, message=f"commit (amend): {text.partition(chr(10))[0]}")
    return again
