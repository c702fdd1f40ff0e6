"""The commit that a proposal comes in with: one of the merge, one of all together, or the last of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum

from rookery.core.errors import CommandError
from rookery.git import commits, runrecords
from rookery.git.commits import Commit, Person, commit_tree
from rookery.git.merging import GitTooOld, merge_commits
from rookery.git.repo import Repo
from rookery.hub.domain.errors import Conflict
from rookery.hub.services.proposals import parted_at
from rookery.hub.services.pulls import PullRequest

# Of all run records together, so many letters are kept in the message of a squash.
MOST_OF_RECORDS = 100_000


class Style(StrEnum):
    """How a proposal comes in; the names are Gitea's."""

    MERGE = "merge"
    SQUASH = "squash"
    FAST_FORWARD = "fast-forward-only"


def made(repo: Repo, request: PullRequest, tip: str, style: Style, message: str, author: Person) -> str:
    """Make the commit that the branch is to move to, from `tip`; nothing moves yet.

    `author` is whoever proposed: what is squashed is theirs.  Raises Conflict.
    """
    pull, base = request.pull, parted_at(repo, tip, request.pull.head)
    if base == pull.head:
        raise Conflict(f"{pull.target_branch} has all of #{request.issue.number} already")
    if style is Style.FAST_FORWARD:
        if base != tip:
            raise Conflict(
                f"{pull.target_branch} has commits that #{request.issue.number} does not have",
                hints=["merge it with a commit, or let it be rebased"],
            )
        return pull.head
    tree = _tree(repo, request, tip)
    if style is Style.SQUASH:
        proposed = list(commits.log(repo, f"{tip}..{pull.head}", options=["--reverse", "--topo-order"]))
        return commit_tree(repo, tree, [tip], _squashed(request, proposed, message), author=author)
    text = message.strip() or _merged(request)
    return commit_tree(repo, tree, [tip, pull.head], text + "\n")


def _tree(repo: Repo, request: PullRequest, tip: str) -> str:
    try:
        found = merge_commits(repo, tip, request.pull.head)
    except GitTooOld as e:
        raise Conflict(e.message, hints=e.hints) from e
    except CommandError as e:
        raise Conflict(f"Git cannot merge the two: {e.stderr.strip()[:300]}") from e
    if found.conflicts:
        raise contradiction(request, found.conflicts)
    return found.tree


def _merged(request: PullRequest) -> str:
    issue, pull = request.issue, request.pull
    head = f"Merge pull request #{issue.number} from {pull.source_name}:{pull.source_branch}"
    return f"{head}\n\n{issue.title}"


def _squashed(request: PullRequest, proposed: Sequence[Commit], message: str) -> str:
    """Say what came together, with all run records.

    One command alone stays one, which can be run again.  Of several, none is what this commit did: their
    records stand in the message as text.
    """
    number = f"(#{request.issue.number})"
    if len(proposed) == 1 and (found := runrecords.split_message(proposed[0].message)):
        words, payload = found
        return runrecords.build_message(message.strip() or f"{words} {number}", payload)
    head = message.strip() or f"{request.issue.title} {number}"
    lines, room = [], MOST_OF_RECORDS
    for commit in proposed:
        found = runrecords.split_message(commit.message)
        lines.append(f"* {found[0] if found else commit.subject} ({commit.sha[:10]})")
        if found:
            record = _on_one_line(found[1])
            room -= len(record)
            lines.append(f"  run record: {record if room >= 0 else 'in the commit, it is too long for here'}")
    return f"{head}\n\n" + "\n".join(lines) + "\n"


def _on_one_line(payload: str) -> str:
    try:
        return json.dumps(json.loads(payload), ensure_ascii=False)
    except (ValueError, RecursionError):
        return " ".join(payload.split())


def contradiction(request: PullRequest, paths: tuple[str, ...]) -> Conflict:
    """Say which files contradict each other, and what to do about it on one's own computer."""
    shown = ", ".join(paths[:20]) + (f" and {len(paths) - 20} more" if len(paths) > 20 else "")
    branch = request.pull.target_branch
    hint = (
        f"in a clone of {request.pull.source_name}: fetch {branch} of {request.repository.path} and merge it, "
        "decide what each of these files is to be, save, and push; the pull request follows"
    )
    return Conflict(f"#{request.issue.number} and {branch} contradict each other in {shown}", hints=[hint])
