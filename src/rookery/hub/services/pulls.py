"""Pull requests: commits that somebody proposes for a branch, with the content that they speak of.

The proposed commits are fetched into the repository that they are for, as `refs/pull/N/head`,
so that what was proposed stays to be seen whatever becomes of its source. Content is not: it is linked when
the proposal is merged, all that its commits speak of and the source has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from rookery.annex.keys import size_of
from rookery.git import refs
from rookery.git.repo import Repo
from rookery.hub.domain.access import Action, Actor
from rookery.hub.domain.discussion import Issue, Pull, Remark, text_of, title_of
from rookery.hub.domain.errors import Conflict, NotFound
from rookery.hub.domain.names import RepositoryPath, branch_name, kept_for, owner_name, parse_path
from rookery.hub.domain.ports.database import Database, Work
from rookery.hub.domain.ports.histories import Histories
from rookery.hub.domain.records import Repository
from rookery.hub.services.auditing import note
from rookery.hub.services.browsing import Place
from rookery.hub.services.gate import Gate, Where
from rookery.hub.services.proposals import Comparison, Content, compare, new_keys, parted_at, paths_of_keys
from rookery.hub.services.sharing import Sharing
from rookery.hub.services.telling import Telling

# From a folder of ours; what clients ask for by such an address is never followed.
_FETCH = (
    "-c",
    "protocol.file.allow=always",
    "fetch",
    "--quiet",
    "--no-auto-gc",
    "--no-write-fetch-head",
    "--no-tags",
)


class PullRequest(NamedTuple):
    """A pull request: the repository that it is for, its issue, and what is proposed."""

    repository: Repository
    issue: Issue
    pull: Pull


class PullService:
    """Proposals, and what they would change.  Merging is in `merging.py`."""

    def __init__(
        self,
        database: Database,
        histories: Histories,
        sharing: Sharing,
        gate: Gate,
        telling: Telling,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._histories = histories
        self._sharing = sharing
        self._gate = gate
        self._telling = telling
        self._clock = clock

    def get(self, actor: Actor, where: Where, number: int) -> PullRequest:
        """Give one by its number.  Raises NotFound."""
        with self._database.reading() as work:
            repository = self._gate.within(work, actor, where, Action.READ).repository
            return self.found(work, repository, number)

    def found(self, work: Work, repository: Repository, number: int) -> PullRequest:
        """Give one of a repository that may be read.  Raises NotFound."""
        issue = work.issues.by_number(repository.id, number)
        pull = None if issue is None else work.pulls.of_issue(issue.id)
        if issue is None or pull is None:
            raise NotFound(f"{repository.path} has no pull request #{number}")
        return PullRequest(repository, issue, pull)

    def merged(self, issues: Iterable[Issue]) -> set[int]:
        """Give the numbers (`id`) of those issues, which may be read, that are pull requests and came in."""
        with self._database.reading() as work:
            return work.pulls.merged([one.id for one in issues if not one.open])

    def source_of(self, actor: Actor, where: Where, text: str) -> tuple[RepositoryPath, str]:
        """Read where a proposal comes from: BRANCH, OWNER:BRANCH (OWNER's fork) or OWNER/NAME:BRANCH.

        Raises NotFound, BadName.
        """
        target = self._gate.enter(actor, where, Action.READ).repository
        place, colon, branch = text.partition(":")
        if not colon:
            return target.path, branch_name(place)
        if "/" in place:
            return parse_path(place), branch_name(branch)
        owner = owner_name(place)
        with self._database.reading() as work:
            found = [work.repositories.by_id(number) for number in work.forks.of(target.id)]
        theirs = [one.path for one in found if one is not None and one.owner.lower() == owner.lower()]
        return theirs[0] if theirs else RepositoryPath(owner, target.name), branch_name(branch)

    # --- proposing -------------------------------------------------------------------------------

    def preview(
        self, actor: Actor, where: Where, source: Where, *, source_branch: str, target_branch: str
    ) -> Comparison:
        """Compare what would be proposed.  Raises as `propose` does."""
        target = self._gate.enter(actor, where, Action.READ).repository
        origin = self._gate.enter(actor, source, Action.READ).repository
        return self._compared(target, origin, branch_name(source_branch), branch_name(target_branch))

    def _compared(
        self, target: Repository, origin: Repository, source_branch: str, target_branch: str
    ) -> Comparison:
        repo, head = self._brought(target, origin, source_branch)
        tip = refs.resolve(repo, refs.HEADS + target_branch)
        if tip is None or kept_for(target_branch):
            raise NotFound(f"{target.path} has no branch {target_branch} that changes can be proposed for")
        base = parted_at(repo, tip, head)
        if base is None:
            raise Conflict(
                f"{origin.path} and {target.path} have no history in common",
                hints=["propose from a fork or a clone of the dataset"],
            )
        if base == head:
            raise Conflict(f"{target_branch} has all of {origin.path}'s {source_branch} already")
        return compare(repo, tip, head, base)

    def _brought(self, target: Repository, origin: Repository, branch: str) -> tuple[Repo, str]:
        """Have the commits of a branch in the repository that they are for; nothing names them there yet."""
        theirs, mine = self._histories.open(origin.id), self._histories.open(target.id)
        head = refs.resolve(theirs, refs.HEADS + branch)
        if head is None or kept_for(branch):
            raise NotFound(f"{origin.path} has no branch {branch} that can be proposed")
        if origin.id != target.id:
            mine.run(*_FETCH, str(theirs.gitdir), refs.HEADS + branch)
            if refs.resolve(mine, head) is None:
                raise Conflict(f"{origin.path}'s {branch} was moved just now", hints=["try again"])
        return mine, head

    def propose(
        self,
        actor: Actor,
        where: Where,
        source: Where,
        *,
        source_branch: str,
        target_branch: str,
        title: str,
        body: str = "",
    ) -> PullRequest:
        """Propose a branch of a repository that one may write to, for a branch of one that one may read.

        Raises NotFound, NeedsSignIn, Forbidden, BadName; Conflict if there is nothing to propose or it is
        proposed already.
        """
        named, text, now = title_of(title), text_of(body), self._clock()
        target = self._gate.enter(actor, where, Action.DISCUSS).repository
        origin = self._gate.enter(actor, source, Action.WRITE).repository
        source_branch, target_branch = branch_name(source_branch), branch_name(target_branch)
        seen = self._compared(target, origin, source_branch, target_branch)
        with self._database.writing() as work:
            self._gate.within(work, actor, target.id, Action.DISCUSS)
            self._gate.within(work, actor, origin.id, Action.WRITE)
            for issue, other in work.pulls.open_from(origin.id, source_branch):
                if issue.repository == target.id and other.target_branch == target_branch:
                    raise Conflict(
                        f"this is proposed already: #{issue.number}", hints=["pushes to it are followed"]
                    )
            assert actor.account is not None
            issue = work.issues.add(target.id, actor.account, named, text, is_pull=True, now=now)
            name = str(origin.path)
            pull = Pull(
                issue.id,
                origin.id,
                name,
                source_branch,
                target_branch,
                seen.head,
                seen.base,
                None,
                None,
                None,
            )
            work.pulls.add(pull)
            refs.update(
                self._histories.open(target.id), head_ref(issue.number), seen.head, message="proposed"
            )
            self._telling.issue(work, actor, target, issue, "opened", pull=pull, text=text)
            note(work, actor, "propose", str(target.path), f"#{issue.number} {name}:{source_branch}", now)
        return PullRequest(target, issue, pull)

    # --- looking at it ---------------------------------------------------------------------------

    def comparison(self, request: PullRequest) -> Comparison:
        """Say what a pull request that may be read would change now, or what it has changed.

        Raises Conflict if its branch is gone.
        """
        repo, pull = self._histories.open(request.repository.id), request.pull
        target, base = pull.base, pull.base
        if request.issue.open:
            tip = refs.resolve(repo, refs.HEADS + pull.target_branch)
            parted = None if tip is None else parted_at(repo, tip, pull.head)
            if tip is None or parted is None:
                raise Conflict(
                    f"{request.repository.path} has no branch {pull.target_branch} any more that fits"
                )
            target, base = tip, parted
        return compare(repo, target, pull.head, base)

    def place(self, request: PullRequest) -> Place:
        """Give the proposed commit as a place to browse, under the name by which it can be fetched."""
        repo = self._histories.open(request.repository.id)
        return Place(request.repository, repo, request.pull.head, head_ref(request.issue.number))

    def content(self, request: PullRequest, seen: Comparison) -> Content:
        """Say where the content is that the proposed commits speak of."""
        repo = self._histories.open(request.repository.id)
        keys = new_keys(repo, seen.head, known=seen.base)
        lacking = self._sharing.missing(keys, request.repository.id)
        source = self.content_source(request)
        nowhere = lacking if source is None else self._sharing.missing(lacking, source)
        paths = paths_of_keys(repo, seen.base, seen.head) if nowhere else {}
        coming = sum(size_of(key) or 0 for key in lacking - nowhere)
        missing = sorted((paths.get(key, ""), key) for key in nowhere)
        return Content(len(keys) - len(lacking), len(lacking) - len(nowhere), coming, missing)

    def content_source(self, request: PullRequest) -> int | None:
        """Give the repository that content comes from, if whoever proposes still may write to it.

        They gave it by proposing: who merges need not be able to read it.
        """
        source = request.pull.source
        if source is None or source == request.repository.id:
            return None
        with self._database.reading() as work:
            origin = work.repositories.by_id(source)
            author = work.accounts.by_id(request.issue.author_id)
        if origin is None or author is None or not author.active:
            return None
        person = Actor(author.id, author.name, author.admin)
        return source if Action.WRITE in self._gate.may(person, origin) or origin.archived else None

    # --- keeping up with pushes ------------------------------------------------------------------

    def pushed(self, actor: Actor, repository: Repository, moved: dict[str, str]) -> None:
        """Follow a push: `moved` gives branches of a repository and their new commits ("" for removed ones).

        Proposals from these branches move on; those that came into their branch by the push count as merged.
        """
        for branch, tip in moved.items():
            if not tip:
                continue
            with self._database.reading() as work:
                proposed = work.pulls.open_from(repository.id, branch)
                awaited = work.pulls.open_to(repository.id, branch)
            for issue, pull in proposed:
                self._follow(actor, repository, issue, pull)
            for issue, pull in awaited:
                if refs.is_ancestor(self._histories.open(repository.id), pull.head, tip):
                    self._came_in(actor, repository, issue, pull, tip)

    def _follow(self, actor: Actor, origin: Repository, issue: Issue, pull: Pull) -> None:
        with self._database.reading() as work:
            target = work.repositories.by_id(issue.repository)
        if target is None:
            return
        repo, head = self._brought(target, origin, pull.source_branch)
        tip = refs.resolve(repo, refs.HEADS + pull.target_branch)
        base = None if tip is None else parted_at(repo, tip, head)
        if head == pull.head or base is None:
            return
        with self._database.writing() as work:
            now = self.found(work, target, issue.number)
            if not now.issue.open or now.pull.head != pull.head:
                return
            refs.update(repo, head_ref(issue.number), head, old=pull.head, message="pushed")
            work.pulls.move(issue.id, head=head, base=base)
            told = f"{pull.head[:10]} → {head[:10]}"
            author = actor.account if actor.account is not None else issue.author_id
            work.issues.add_comment(issue.id, author, Remark.PUSHED, told, now=self._clock())
            self._telling.issue(work, actor, target, issue, "synchronized")

    def _came_in(self, actor: Actor, repository: Repository, issue: Issue, pull: Pull, tip: str) -> None:
        with self._database.writing() as work:
            request = self.found(work, repository, issue.number)
            if request.issue.open and request.pull.head == pull.head:
                self.close_merged(work, actor, request, tip)

    def close_merged(self, work: Work, actor: Actor, request: PullRequest, commit: str) -> None:
        """Note that a proposal came in, within the transaction in which it is known."""
        now, issue = self._clock(), request.issue
        work.pulls.set_merged(issue.id, commit, by=actor.account, now=now)
        work.issues.change(issue.id, open=False, now=now)
        author = actor.account if actor.account is not None else issue.author_id
        work.issues.add_comment(issue.id, author, Remark.MERGED, commit, now=now)
        closed = work.issues.by_number(request.repository.id, issue.number)
        assert closed is not None
        self._telling.issue(work, actor, request.repository, closed, "closed")


def head_ref(number: int) -> str:
    """Name the ref of what was proposed; clients can fetch it, and cannot push to it."""
    return f"refs/pull/{number}/head"
