"""Merging pull requests, with their content.

The order makes a crash harmless.  First content is linked: rows and names of files that nobody misses if it ends
there.  Then what location logs say of it is taken over.  Then it is written down which commit the branch is about to
move to.  Then one transaction moves the branch, if it still is where it was looked at, and says so.  Should that not
be kept, whoever looks next finds the commit in the branch, and says it then (`settle`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rookery.annex.branch_picking import take_logs
from rookery.annex.branch_writing import NotForUs, record_presence
from rookery.core.errors import LostRaceError, RookeryError
from rookery.core.log import get_log
from rookery.git import refs
from rookery.git.commits import Person
from rookery.git.repo import Repo
from rookery.hub.domain.access import STRANGER, Action, Actor
from rookery.hub.domain.errors import Conflict
from rookery.hub.domain.limits import Limits
from rookery.hub.domain.ports.contents import Totals
from rookery.hub.domain.ports.database import Database, Work
from rookery.hub.domain.ports.histories import Histories
from rookery.hub.services.auditing import note
from rookery.hub.services.committing import committing, named
from rookery.hub.services.gate import Gate, Where
from rookery.hub.services.merge_styles import Style, made
from rookery.hub.services.proposals import new_keys, parted_at
from rookery.hub.services.pulls import PullRequest, PullService, head_ref
from rookery.hub.services.pushes import Pushes
from rookery.hub.services.quotas import require_room
from rookery.hub.services.sharing import Sharing

log = get_log("rookery.hub")


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
        request = self.settle(request)
        _require_open(request, head)
        repo, pull = self._committing(actor, request), request.pull
        tip = refs.resolve(repo, refs.HEADS + pull.target_branch)
        if tip is None:
            raise Conflict(f"{repository.path} has no branch {pull.target_branch} any more")
        commit = made(repo, request, tip, style, message, self._author(request))
        content, missing = self._bring_content(repo, request, tip)
        with self._database.writing() as work:
            work.pulls.begin_merge(request.issue.id, commit, by=actor.account)
        with self._database.writing() as work:
            self._gate.within(work, actor, repository.id, Action.WRITE)
            work.pulls.merge_begun(request.issue.id, alone=True)  # whoever settles has to wait
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
            merged = self._note(work, actor, request, commit)
        self._pushes.moved(actor, repository, {refs.HEADS + pull.target_branch: (tip, commit)})
        return Merged(merged, commit, content, missing)

    def _note(self, work: Work, actor: Actor, request: PullRequest, commit: str) -> PullRequest:
        repository, number, now = request.repository, request.issue.number, self._clock()
        self._pulls.close_merged(work, actor, request, commit)
        work.pulls.end_merge(request.issue.id)
        work.repositories.change(repository.id, updated=now)
        note(work, actor, "merge", str(repository.path), f"#{number} {commit}", now)
        return self._pulls.found(work, repository, number)

    # --- after a crash ---------------------------------------------------------------------------

    def settle(self, request: PullRequest) -> PullRequest:
        """End a merge that was broken off after its branch had moved; give the pull request as it is then."""
        with self._database.reading() as work:
            begun = work.pulls.merge_begun(request.issue.id)
        if begun is None:
            return request
        repository, branch = request.repository, refs.HEADS + request.pull.target_branch
        repo = self._histories.open(repository.id)
        tip = refs.resolve(repo, branch)
        moved = tip is not None and refs.is_ancestor(repo, begun.commit, tip)
        if request.issue.open and (tip is None or not moved):
            return request  # it is going on, or it ended before the branch moved: it can be merged again
        with self._database.writing() as work:
            begun = work.pulls.merge_begun(request.issue.id, alone=True)
            request = self._pulls.found(work, repository, request.issue.number)
            if begun is None or tip is None or not request.issue.open:
                work.pulls.end_merge(request.issue.id)
                return request
            account = None if begun.by is None else work.accounts.by_id(begun.by)
            actor = Actor(account.id, account.name, account.admin) if account else STRANGER
            request = self._note(work, actor, request, begun.commit)
        self._pushes.moved(actor, repository, {branch: (request.pull.base, tip)})
        return request

    def settle_all(self) -> None:
        """Do so for all, as a hub does that starts."""
        with self._database.reading() as work:
            found = work.pulls.merges_begun()
            both = [(issue, work.repositories.by_id(issue.repository)) for issue in found]
            requests = [self._pulls.found(work, where, issue.number) for issue, where in both if where]
        for request in requests:
            try:
                self.settle(request)
            except RookeryError as e:
                log.warning(
                    "%s: #%d could not be settled: %s", request.repository.path, request.issue.number, e
                )

    # --- whose it is -----------------------------------------------------------------------------

    def _author(self, request: PullRequest) -> Person:
        with self._database.reading() as work:
            account = work.accounts.by_id(request.issue.author_id)
        name, full_name = (account.name, account.full_name) if account else ("somebody", "")
        shown, address = named(name, full_name)
        return Person(shown, address, f"{int(self._clock())} +0000")

    def _committing(self, actor: Actor, request: PullRequest) -> Repo:
        with self._database.reading() as work:
            account = None if actor.account is None else work.accounts.by_id(actor.account)
        full_name = account.full_name if account is not None else ""
        return committing(self._histories.open(request.repository.id), actor.name, full_name)

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
