"""Pages of one's own account: the profile, SSH keys, tokens, the password."""

from __future__ import annotations

from starlette.responses import Response

from rookery.hub.domain.access import ALL_SCOPES, Scope
from rookery.hub.domain.errors import BadName, NeedsSignIn
from rookery.hub.web.visit import Visit, with_cookie

DAY = 86400.0


def show_profile(visit: Visit) -> Response:
    """Show the forms for one's full name and e-mail address."""
    visit.own()
    return visit.page("profile.html", account=visit.hub.accounts.own(visit.actor))


def act_on_profile(visit: Visit) -> Response:
    """Change the full name; or the e-mail address, with which one signs in too: that wants the password."""
    visit.own()
    if "email" in visit.form:
        _require_password(visit, visit.field("password"), "the password is wrong")
        visit.hub.accounts.change_profile(visit.actor, email=visit.field("email"))
    elif "full_name" in visit.form:
        visit.hub.accounts.change_profile(visit.actor, full_name=visit.field("full_name"))
    else:
        raise BadName("this form has neither a full name nor an e-mail address")
    return visit.go("/user/settings")


def show_keys(visit: Visit) -> Response:
    """Show one's SSH keys, and the form for another one."""
    visit.own()
    return visit.page("keys.html", keys=visit.hub.accounts.keys(visit.actor))


def act_on_keys(visit: Visit) -> Response:
    """Keep a key, or forget one."""
    if forgotten := visit.field("remove"):
        visit.hub.accounts.remove_key(visit.actor, number_of(forgotten))
    else:
        visit.hub.accounts.add_key(visit.actor, visit.field("title"), visit.field("key"))
    return visit.go("/user/settings/keys")


def show_tokens(visit: Visit) -> Response:
    """Show one's tokens, and the form for another one."""
    visit.own()
    return _tokens(visit, "")


def _tokens(visit: Visit, secret: str) -> Response:
    return visit.page("tokens.html", tokens=visit.hub.accounts.tokens(visit.actor), secret=secret)


def act_on_tokens(visit: Visit) -> Response:
    """Make a token, whose secret is on this page and never again; or take one back."""
    if gone := visit.field("remove"):
        visit.hub.accounts.remove_token(visit.actor, number_of(gone))
        return visit.go("/user/settings/applications")
    if not visit.field("name").strip():
        raise BadName("a token has a name, so that you know it again")
    scopes = (
        ALL_SCOPES if visit.field("reach") != "read" else frozenset({Scope.READ_REPOSITORY, Scope.READ_USER})
    )
    days = visit.field("days")
    expires = visit.hub.clock() + number_of(days) * DAY if days else None
    _, secret = visit.hub.accounts.add_token(
        visit.actor,
        visit.field("name"),
        scopes=scopes,
        append_only=visit.field("reach") == "append",
        expires=expires,
    )
    return _tokens(visit, secret)


def show_password(visit: Visit) -> Response:
    """Show the form for another password."""
    visit.own()
    return visit.page("password.html")


def set_password(visit: Visit) -> Response:
    """Change the password; all other browsers are signed out."""
    visit.own()
    if visit.field("password") != visit.field("again"):
        raise BadName("the two passwords are not the same")
    _require_password(visit, visit.field("old"), "the old password is wrong")
    assert visit.actor.account is not None
    visit.hub.accounts.set_password(visit.actor, visit.actor.account, visit.field("password"))
    secret = visit.hub.identity.begin(visit.actor)
    return with_cookie(visit, visit.go("/user/settings/password"), secret)


def _require_password(visit: Visit, password: str, wrong: str) -> None:
    """Go on with the right password alone; wrong ones are counted as at the door.  Raises BadName, TooOften."""
    try:
        visit.hub.identity.by_password(visit.actor.name, password, visit.actor.address)
    except NeedsSignIn as e:
        raise BadName(wrong) from e


def number_of(text: str) -> int:
    """Read a number.  Raises BadName."""
    if not text.isdecimal() or len(text) > 9:
        raise BadName(f"{text[:20]!r} is not a number")
    return int(text)
