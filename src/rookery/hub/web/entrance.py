"""Signing up, in and out.  Each begins a session of its own: a secret from before is worth nothing after."""

from __future__ import annotations

from starlette.responses import Response

from rookery.hub.domain.errors import BadName, NeedsSignIn
from rookery.hub.web.visit import Visit, local, with_cookie


def show_sign_up(visit: Visit) -> Response:
    """Show the form."""
    return visit.page("sign_up.html", open=visit.hub.limits.sign_up)


def sign_up(visit: Visit) -> Response:
    """Make an account, and sign in."""
    if visit.field("password") != visit.field("again"):
        raise BadName("the two passwords are not the same")
    name, password = visit.field("name").strip(), visit.field("password")
    visit.hub.accounts.sign_up(visit.actor, name, visit.field("email"), password)
    return _signed_in(visit, name, password, "/")


def show_login(visit: Visit) -> Response:
    """Show the form."""
    onward = visit.request.query_params.get("next", visit.field("next"))
    return visit.page("login.html", onward=local(onward or "/"))


def login(visit: Visit) -> Response:
    """Sign in."""
    try:
        return _signed_in(visit, visit.field("name").strip(), visit.field("password"), visit.field("next"))
    except NeedsSignIn as e:
        raise BadName(e.message) from e


def _signed_in(visit: Visit, name: str, password: str, onward: str) -> Response:
    _, secret = visit.hub.identity.sign_in(name, password, visit.actor.address)
    if visit.secret:
        visit.hub.identity.sign_out(visit.secret)
    return with_cookie(visit, visit.go(local(onward)), secret)


def logout(visit: Visit) -> Response:
    """Sign out."""
    if visit.secret:
        visit.hub.identity.sign_out(visit.secret)
    return with_cookie(visit, visit.go("/"), "")
