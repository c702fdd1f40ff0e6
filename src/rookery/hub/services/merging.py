"""Merging pull requests, with their content.

The order makes a crash harmless.  First content is linked: rows and names of files that nobody misses if it ends
there.  Then what location logs say of it is taken over.  Then one
transaction moves the branch, if it still is where it was looked at, and says so.  Should that not be kept,
the next look at the pull request finds the commits in the branch.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from rookery.annex.branch_picking import take_logs
from rookery.annex.branch_writing import NotForUs, record_presence
from rookery.core.errors import CommandError, LostRaceError
from rookery.git import refs
from rookery.git.commits import commit_tree
from rookery.git.merging import GitTooOld, merge_commits
from rookery.git.repo import Repo
from rookery.hub.domain.access import Action, Actor
from rookery.hub.domain.errors import Conflict
from rookery.hub.domain.limits import Limits
from rookery.hub.domain.ports.contents import Totals
from rookery.hub.domain.ports.database import Database
from rookery.hub.domain.ports.histories import Histories
from rookery.hub.services.auditing import note
from rookery.hub.services.committing import committing
from rookery.hub.services.gate import Gate, Where
from rookery.hub.services.proposals import new_keys, parted_at
from rookery.hub.services.pulls import PullRequest, PullService, head_ref
from rookery.hub.services.pushes import Pushes
from rookery.hub.services.quotas import require_room
from rookery.hub.services.sharing import Sharing


class Style(StrEnum):
    """How a proposal comes in; the names are Gitea's."""

    MERGE = "merge"
    FAST_FORWARD = "fast-forward-only"


class Merged(NamedTuple):
    """What came of merging.  `missing` are keys whose content is neither here nor where the proposal came from."""

    request: PullRequest
    commit: str
    content: Totals
    missing: list[str]


class MergeService:
    """Merges what was proposed, for those who may write."""

    def __init__(
        self,
        database: Database,
        histories: Histories,
        sharing: Sharing,
        gate: Gate,
        pulls: PullService,
        pushes: Pushes,
        limits: Limits,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._histories = histories
        self._sharing = sharing
        self._gate = gate
        self._pulls = pulls
        self._pushes = pushes
        self._limits = limits
        self._clock = clock

    def merge(
        self,
        actor: Actor,
        where: Where,
        number: int,
        *,
        style: Style = Style.MERGE,
        head: str = "",
        message: str = "",
    ) -> Merged:
        """Merge; `head` is the commit that was looked at, "" for whatever is proposed now.

        Raises NotFound, Forbidden, TooMuch over a quota; Conflict if the two contradict each other, if one of
        them has moved, or if it is closed.
        """
        repository = self._gate.enter(actor, where, Action.WRITE).repository
        with self._database.reading() as work:
            request = self._pulls.found(work, repository, number)
        _require_open(request, head)
        repo, pull = self._committing(actor, request), request.pull
        tip = refs.resolve(repo, refs.HEADS + pull.target_branch)
        if tip is None:
            raise Conflict(f"{repository.path} has no branch {pull.target_branch} any more")
        commit = self._made(repo, request, tip, style, message)
        content, missing = self._bring_content(repo, request, tip)
        with self._database.writing() as work:
            self._gate.within(work, actor, repository.id, Action.WRITE)
            request = self._pulls.found(work, repository, number)
            _require_open(request, pull.head)
            try:
                refs.update(
                    repo, refs.HEADS + pull.target_branch, commit, old=tip, message=f"merge #{number}"
                )
            except LostRaceError as e:
                raise _moved(pull.target_branch) from e
            base = parted_at(repo, tip, pull.head) or pull.base
            work.pulls.move(request.issue.id, head=pull.head, base=base)
            self._pulls.close_merged(work, actor, request, commit)
            work.repositories.change(repository.id, updated=self._clock())
            note(work, actor, "merge", str(repository.path), f"#{number} {commit}", self._clock())
            merged = self._pulls.found(work, repository, number)
        self._pushes.moved(actor, repository, {refs.HEADS + pull.target_branch: (tip, commit)})
        return Merged(merged, commit, content, missing)

    def _committing(self, actor: Actor, request: PullRequest) -> Repo:
        with self._database.reading() as work:
            account = None if actor.account is None else work.accounts.by_id(actor.account)
        full_name = account.full_name if account is not None else ""
        return committing(self._histories.open(request.repository.id), actor.name, full_name)

    def _made(self, repo: Repo, request: PullRequest, tip: str, style: Style, message: str) -> str:
        """Make the commit that the branch is to move to; nothing moves yet."""
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
        try:
            found = merge_commits(repo, tip, pull.head)
        except GitTooOld as e:
            raise Conflict(e.message, hints=e.hints) from e
        except CommandError as e:
            raise Conflict(f"Git cannot merge the two: {e.stderr.strip()[:300]}") from e
        if found.conflicts:
            raise contradiction(request, found.conflicts)
        text = message.strip() or _message(request)
        return commit_tree(repo, found.tree, [tip, pull.head], text + "\n")

    # --- content ---------------------------------------------------------------------------------

    def _bring_content(self, repo: Repo, request: PullRequest, tip: str) -> tuple[Totals, list[str]]:
        """Link the content that the new commits speak of; give how much came, and the keys that are nowhere here."""
        repository, source = request.repository, self._pulls.content_source(request)
        lacking = self._sharing.missing(new_keys(repo, request.pull.head, known=tip), repository.id)
        if source is None or not lacking:
            return Totals(0, 0), sorted(lacking)
        with self._database.reading() as work:
            coming = sum(work.contents.size(source, key) or 0 for key in lacking)
            require_room(work, repository, coming, self._limits, None)
        came = self._sharing.share(lacking, source, repository.id)
        missing = self._sharing.missing(lacking, repository.id)
        self._tell_logs(repo, request, source, lacking, lacking - missing)
        return came, sorted(missing)

    def _tell_logs(
        self, repo: Repo, request: PullRequest, source: int, keys: set[str], here: set[str]
    ) -> None:
        """Let location logs say what the source's say of these keys, and that their content is here now."""
        now, uuid = self._clock(), request.repository.uuid
        try:
            take_logs(repo, self._histories.open(source), keys, now=now)
            record_presence(repo, ((key, uuid, True) for key in sorted(here)), now=now)
        except (NotForUs, LostRaceError) as e:
            raise Conflict(
                f"the location logs of {request.repository.path} cannot take in what those of the proposal say: {e}",
                hints=[
                    f"merge it in a clone: git pull origin {head_ref(request.issue.number)}; then push to both"
                ],
            ) from e


def _require_open(request: PullRequest, head: str) -> None:
    number = request.issue.number
    if request.pull.merged is not None:
        raise Conflict(f"#{number} was merged already")
    if not request.issue.open:
        raise Conflict(f"#{number} is closed", hints=["open it again first"])
    if head and head != request.pull.head:
        raise Conflict(f"#{number} has changed since you looked at it", hints=["look at it again"])


def _moved(branch: str) -> Conflict:
    return Conflict(
        f"{branch} was moved by somebody else just now", hints=["look at it again, and merge then"]
    )


def _message(request: PullRequest) -> str:
    issue, pull = request.issue, request.pull
    head = f"Merge pull request #{issue.number} from {pull.source_name}:{pull.source_branch}"
    return f"{head}\n\n{issue.title}"


def contradiction(request: PullRequest, paths: tuple[str, ...]) -> Conflict:
    """Say which files contradict each other, and what to do about it on one's own computer."""
    shown = ", ".join(paths[:20]) + (f" and {len(paths) - 20} more" if len(paths) > 20 else "")
    branch = request.pull.target_branch
    hint = (
        f"in a clone of {request.pull.source_name}: fetch {branch} of {request.repository.path} and merge it, "
        "decide what each of these files is to be, save, and push; the pull request follows"
    )
    return Conflict(f"#{request.issue.number} and {branch} contradict each other in {shown}", hints=[hint])
