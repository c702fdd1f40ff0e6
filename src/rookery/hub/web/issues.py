"""Pages of issues: lists, one with all that was said, a new one, labels."""

from __future__ import annotations

from typing import Any, NamedTuple

from markupsafe import Markup
from starlette.responses import Response

from rookery.hub.domain.access import Action
from rookery.hub.domain.discussion import Comment, Remark
from rookery.hub.services.issues import Discussion
from rookery.hub.web.own import number_of
from rookery.hub.web.prose import prose
from rookery.hub.web.repository_page import repository_page
from rookery.hub.web.visit import Visit

A_PAGE = 50


class Line(NamedTuple):
    """A line of a discussion as it is shown; `may_change` says whether this visitor may change it."""

    comment: Comment
    html: Markup
    may_change: bool


def show_list(visit: Visit) -> Response:
    """Show issues."""
    return listed(visit, pulls=False)


def listed(visit: Visit, *, pulls: bool) -> Response:
    """Show issues, or pull requests."""
    hub, asked = visit.hub, visit.request.query_params
    repository = hub.repositories.get(visit.actor, visit.path)
    shown = "closed" if asked.get("state") == "closed" else "open"
    skip, label, words = visit.number("from"), asked.get("label", "")[:50], asked.get("q", "")[:100]
    found = hub.issues.listed(
        visit.actor,
        repository.id,
        pulls=pulls,
        open=shown == "open",
        label=label,
        text=words,
        skip=skip,
        limit=A_PAGE + 1,
    )
    kind = "pulls" if pulls else "issues"
    return repository_page(
        visit,
        "issues.html",
        repository,
        tab=kind,
        kind=kind,
        found=found[:A_PAGE],
        merged=hub.pulls.merged(one for one, _ in found),
        counts=hub.issues.counts(visit.actor, repository.id, pulls=pulls),
        labels=hub.issues.labels(visit.actor, repository.id),
        state=shown,
        label=label,
        words=words,
        before=None if not skip else max(skip - A_PAGE, 0),
        more=skip + A_PAGE if len(found) > A_PAGE else 0,
    )


def show_new(visit: Visit) -> Response:
    """Show the form for a new issue."""
    repository = visit.hub.gate.enter(visit.actor, visit.path, Action.DISCUSS).repository
    return repository_page(visit, "issue_new.html", repository, tab="issues")


def create(visit: Visit) -> Response:
    """Make an issue."""
    made = visit.hub.issues.create(visit.actor, visit.path, visit.field("title"), visit.field("body"))
    return visit.go(f"/{visit.path}/issues/{made.number}")


def show(visit: Visit) -> Response:
    """Show an issue, with all that was said."""
    number = number_of(visit.request.path_params["number"])
    found = visit.hub.issues.get(visit.actor, visit.path, number)
    if found.issue.is_pull:
        return visit.go(f"/{found.repository.path}/pulls/{number}")
    visit.hub.notices.seen(visit.actor, found.issue.id)
    return repository_page(visit, "issue.html", found.repository, tab="issues", **discussion(visit, found))


def discussion(visit: Visit, found: Discussion) -> dict[str, Any]:
    """Give what the template of a discussion wants."""
    said = [one for one in found.comments if one.kind is Remark.COMMENT]
    body, *texts = prose(visit.hub, found.repository, [found.issue.body, *(one.body for one in said)])
    made = {one.id: text for one, text in zip(said, texts, strict=True)}
    manages = Action.MANAGE in visit.hub.gate.may(visit.actor, found.repository)
    lines = [
        Line(
            one,
            made.get(one.id, Markup("")),
            found.may_discuss and (manages or one.author_id == visit.actor.account),
        )
        for one in found.comments
    ]
    return {
        "found": found,
        "issue": found.issue,
        "body": body,
        "lines": lines,
        "all_labels": visit.hub.issues.labels(visit.actor, found.repository.id) if found.may_write else [],
        "edited": visit.number("edit"),
    }


def act(visit: Visit) -> Response:
    """Say something, close it, change it."""
    number = number_of(visit.request.path_params["number"])
    talk(visit, number)
    return visit.go(f"/{visit.path}/issues/{number}")


def talk(visit: Visit, number: int) -> None:
    """Do what a form of a discussion says."""
    issues, what = visit.hub.issues, visit.field("what")
    if what in ("comment", "close", "reopen"):
        if visit.field("body").strip() or what == "comment":
            issues.comment(visit.actor, visit.path, number, visit.field("body"))
        if what != "comment":
            issues.change(visit.actor, visit.path, number, open=what == "reopen")
    elif what == "edit":
        issues.change(visit.actor, visit.path, number, title=visit.field("title"), body=visit.field("body"))
    elif what == "labels":
        chosen = [number_of(name.removeprefix("label-")) for name in visit.form if name.startswith("label-")]
        issues.set_labels(visit.actor, visit.path, number, chosen)
    elif what == "change":
        issues.change_comment(visit.actor, visit.path, number_of(visit.field("comment")), visit.field("body"))
    else:
        issues.change_comment(visit.actor, visit.path, number_of(visit.field("remove")), None)


def show_labels(visit: Visit) -> Response:
    """Show the labels, and for those who may, the form for another one."""
    repository = visit.hub.repositories.get(visit.actor, visit.path)
    labels = visit.hub.issues.labels(visit.actor, repository.id)
    return repository_page(visit, "labels.html", repository, tab="issues", labels=labels)


def act_on_labels(visit: Visit) -> Response:
    """Make a label, or remove one."""
    issues = visit.hub.issues
    visit.hub.gate.enter(visit.actor, visit.path, Action.WRITE)
    if gone := visit.field("remove"):
        issues.remove_label(visit.actor, visit.path, number_of(gone))
    else:
        told = visit.field("name"), visit.field("color"), visit.field("description")
        issues.add_label(visit.actor, visit.path, *told)
    return visit.go(f"/{visit.path}/labels")
