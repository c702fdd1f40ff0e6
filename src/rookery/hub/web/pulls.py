"""Pages of pull requests and forks: lists, a proposal with its discussion, commits and files, a new one."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from rookery.git.runrecords import holds_record, words_of
from rookery.hub.domain.access import Action
from rookery.hub.domain.errors import Conflict, HubError
from rookery.hub.domain.names import kept_for, owner_name, parse_path
from rookery.hub.domain.records import Repository
from rookery.hub.services.merge_styles import Style
from rookery.hub.services.proposals import Comparison
from rookery.hub.services.pulls import PullRequest
from rookery.hub.web.issues import discussion, listed, talk
from rookery.hub.web.own import number_of
from rookery.hub.web.repository_page import repository_page
from rookery.hub.web.visit import Visit


def show_list(visit: Visit) -> Response:
    """Show pull requests."""
    return listed(visit, pulls=True)


def _request(visit: Visit) -> PullRequest:
    number = number_of(visit.request.path_params["number"])
    return visit.hub.merging.settle(visit.hub.pulls.get(visit.actor, visit.path, number))


def _compared(visit: Visit, request: PullRequest) -> Comparison | None:
    try:
        return visit.hub.pulls.comparison(request)
    except Conflict:
        return None  # the branch that it is for is gone: there is nothing to compare with


def _page(visit: Visit, template: str, request: PullRequest, part: str, **values: Any) -> Response:
    return repository_page(
        visit,
        template,
        request.repository,
        tab="pulls",
        request=request,
        issue=request.issue,
        pull=request.pull,
        part=part,
        **values,
    )


def show(visit: Visit) -> Response:
    """Show a pull request: what was said, whether it can be merged, and what of its content is where."""
    request = _request(visit)
    found = visit.hub.issues.get(visit.actor, request.repository.id, request.issue.number)
    visit.hub.notices.seen(visit.actor, request.issue.id)
    seen = _compared(visit, request) if request.issue.open else None
    content = visit.hub.pulls.content(request, seen) if seen else None
    values = discussion(visit, found)
    del values["issue"]
    together = seen.commits if seen and seen.total > 1 else []
    values["squash_loses"] = sum(holds_record(one.message) for one in together)
    return _page(visit, "pull.html", request, "discussion", seen=seen, content=content, **values)


def act(visit: Visit) -> Response:
    """Merge it, or do what can be done with any discussion."""
    number = number_of(visit.request.path_params["number"])
    if visit.field("what") == "merge":
        told = visit.field("style")
        style = Style(told) if told in set(Style) else Style.MERGE
        visit.hub.merging.merge(visit.actor, visit.path, number, style=style, head=visit.field("head"))
    else:
        talk(visit, number)
    return visit.go(f"/{visit.path}/pulls/{number}")


def show_commits(visit: Visit) -> Response:
    """Show the proposed commits."""
    request = _request(visit)
    seen = _compared(visit, request)
    commits = [
        (one, (words_of(one.message) or one.subject or "(no message)")[:200], holds_record(one.message))
        for one in (seen.commits if seen else [])
    ]
    return _page(
        visit, "pull_commits.html", request, "commits", commits=commits, total=seen.total if seen else 0
    )


def show_files(visit: Visit) -> Response:
    """Show the files that differ, annexed ones by size and key."""
    request = _request(visit)
    seen = _compared(visit, request)
    changes = None
    if seen is not None:
        place = visit.hub.pulls.place(request)
        changes = visit.hub.changes.between(
            visit.actor, place, seen.base, seen.head, skip=visit.number("from")
        )
    return _page(visit, "pull_files.html", request, "files", seen=seen, changes=changes)


# --- a new one -----------------------------------------------------------------------------------


def show_new(visit: Visit) -> Response:
    """Let somebody choose what to propose, and show what it would change."""
    hub, asked = visit.hub, {**visit.request.query_params, **visit.form}
    target = hub.gate.enter(visit.actor, visit.path, Action.DISCUSS).repository
    sources = _sources(visit, target)
    chosen = next((one for one in sources if str(one.path) == asked.get("source")), None)
    if chosen is None and sources:
        chosen = sources[0]
    seen, wrong = None, None
    branch, onto = asked.get("branch", ""), asked.get("target", "") or target.default_branch
    if chosen is not None and branch:
        try:
            seen = hub.pulls.preview(
                visit.actor, target.id, chosen.id, source_branch=branch, target_branch=onto
            )
        except HubError as e:
            wrong = e
    return repository_page(
        visit,
        "pull_new.html",
        target,
        tab="pulls",
        sources=sources,
        chosen=chosen,
        branches=_branches(visit, chosen) if chosen else [],
        targets=_branches(visit, target),
        branch=branch,
        onto=onto,
        seen=seen,
        wrong=wrong,
    )


def _sources(visit: Visit, target: Repository) -> list[Repository]:
    """Give the repositories that somebody can propose from: forks that they may write to, and the repository itself."""
    forks = visit.hub.forks.forks(visit.actor, target.id)
    parent = visit.hub.forks.parent(visit.actor, target)
    near = [*forks, target, *([parent] if parent else [])]
    return [one for one in near if Action.WRITE in visit.hub.gate.may(visit.actor, one)]


def _branches(visit: Visit, of: Repository) -> list[str]:
    found = visit.hub.browsing.branches(visit.actor, of.id)
    return [name for name, _ in found if not kept_for(name)]


def propose(visit: Visit) -> Response:
    """Propose it."""
    made = visit.hub.pulls.propose(
        visit.actor,
        visit.path,
        parse_path(visit.field("source")),
        source_branch=visit.field("branch"),
        target_branch=visit.field("target"),
        title=visit.field("title"),
        body=visit.field("body"),
    )
    return visit.go(f"/{made.repository.path}/pulls/{made.issue.number}")


# --- forks ---------------------------------------------------------------------------------------


def show_fork(visit: Visit) -> Response:
    """Show the form for a fork, and the forks that there are."""
    repository = visit.hub.repositories.get(visit.actor, visit.path)
    visit.own()
    owners = [visit.actor.name, *(one.name for one in visit.hub.organisations.mine(visit.actor))]
    forks = visit.hub.forks.forks(visit.actor, repository.id)
    return repository_page(visit, "fork.html", repository, tab="files", owners=owners, forks=forks)


def fork(visit: Visit) -> Response:
    """Make a fork."""
    owner = visit.field("owner")
    if owner.lower() in ("", visit.actor.name.lower()):
        made = visit.hub.forks.fork(visit.actor, visit.path, name=visit.field("name").strip())
    else:
        made = visit.hub.forks.fork(
            visit.actor, visit.path, owner=owner_name(owner), name=visit.field("name").strip()
        )
    return visit.go(f"/{made.path}")
