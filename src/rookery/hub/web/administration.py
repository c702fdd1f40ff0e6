"""Pages of those who run the hub."""

from __future__ import annotations

from starlette.responses import Response

from rookery.core.sizes import typed
from rookery.hub.domain.errors import BadName
from rookery.hub.domain.names import parse_path
from rookery.hub.services.administration import A_PAGE
from rookery.hub.web.visit import Visit


def show_accounts(visit: Visit) -> Response:
    """Show accounts, and the form for another one."""
    found = visit.hub.administration.accounts(visit.actor, after=visit.query("after"))
    return visit.page(
        "admin_accounts.html",
        part="accounts",
        overview=visit.hub.administration.overview(visit.actor),
        found=found,
        after=found[-1][0].name if len(found) == A_PAGE else "",
    )


def act_on_accounts(visit: Visit) -> Response:
    """Make an account, close one, or open it again."""
    if closed := visit.field("close"):
        visit.hub.administration.set_active(visit.actor, closed, active=False)
    elif opened := visit.field("open"):
        visit.hub.administration.set_active(visit.actor, opened, active=True)
    else:
        name, email = visit.field("name").strip(), visit.field("email")
        visit.hub.accounts.add_by_administrator(visit.actor, name, email, visit.field("password"))
    return visit.go("/admin")


def show_account(visit: Visit) -> Response:
    """Show one account: its quota, and the form that removes it."""
    found, totals, has = visit.hub.administration.account(visit.actor, visit.request.path_params["name"])
    return visit.page("admin_account.html", part="accounts", account=found, totals=totals, has=has)


def act_on_account(visit: Visit) -> Response:
    """Set the quota of an account, or remove it."""
    name, service = visit.request.path_params["name"], visit.hub.administration
    if visit.field("what") == "remove":
        found, *_ = service.account(visit.actor, name)
        if visit.field("confirm").strip() != found.name:
            raise BadName(f"type {found.name} to remove this account")
        service.remove_account(visit.actor, name)
        return visit.go("/admin")
    service.set_account_quota(visit.actor, name, _quota_of(visit))
    return visit.go(f"/admin/accounts/{name}")


def _quota_of(visit: Visit) -> int | None:
    """Read the field of a quota; an empty one is the site's.  Raises BadName."""
    if "quota" not in visit.form:
        raise BadName("this form has no quota")
    text = visit.field("quota").strip()
    quota = typed(text) if text else None
    if text and quota is None:
        raise BadName(f"{text[:40]!r} is not a size", hints=["say it with its unit: 500 GB, 1.5 TB"])
    return quota


def act_on_repositories(visit: Visit) -> Response:
    """Set the quota of a repository."""
    path = parse_path(visit.field("repository").strip())
    visit.hub.administration.set_repository_quota(visit.actor, path, _quota_of(visit))
    return visit.go("/admin/repositories")


def show_repositories(visit: Visit) -> Response:
    """Show all repositories."""
    found = visit.hub.administration.repositories(visit.actor, before=page_before(visit.query("before")))
    last = found[-1][0] if len(found) == A_PAGE else None
    before = f"{last.updated!r}-{last.id}" if last else ""
    return visit.page("admin_repositories.html", part="repositories", found=found, before=before)


def page_before(text: str) -> tuple[float, int] | None:
    """Read where the page before ended: a time and a number.  Raises BadName."""
    if not text:
        return None
    at, _, number = text.partition("-")
    if not at.replace(".", "", 1).isdecimal() or not number.isdecimal():
        raise BadName("this address is not one of this hub's")
    return float(at), int(number)


def show_audit(visit: Visit) -> Response:
    """Show the newest lines of the audit log."""
    subject = visit.query("of").strip()
    events = visit.hub.administration.events(visit.actor, subject=subject)
    return visit.page("admin_audit.html", part="audit", events=events, subject=subject)
