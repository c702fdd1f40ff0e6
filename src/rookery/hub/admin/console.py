"""Accounts from the command line of the machine that the hub runs on: who can read its data may do all."""

from __future__ import annotations

from rookery.hub.domain.access import Actor, Means, parse_scopes
from rookery.hub.domain.names import owner_name
from rookery.hub.domain.records import Account
from rookery.hub.opening import Opened

CONSOLE = Actor(name="console", admin=True, via="console")


def add_user(opened: Opened, name: str, email: str, password: str, *, admin: bool) -> Account:
    """Make an account.  Raises BadName, Conflict."""
    return opened.hub.accounts.add(CONSOLE, name, email, password, admin=admin)


def set_password(opened: Opened, name: str, password: str) -> Account:
    """Set another password; all browsers are signed out.  Raises NotFound, BadName."""
    account = opened.hub.accounts.named(owner_name(name))
    opened.hub.accounts.set_password(CONSOLE, account.id, password)
    return account


def add_token(
    opened: Opened, name: str, title: str, *, scopes: list[str], days: int | None, append_only: bool
) -> str:
    """Make a token, and give its secret.  Raises NotFound, BadName."""
    account = opened.hub.accounts.named(owner_name(name))
    actor = Actor(account.id, account.name, account.admin, Means(), "console")
    expires = None if days is None else opened.hub.clock() + days * 86400
    _, secret = opened.hub.accounts.add_token(
        actor, title, scopes=parse_scopes(scopes), append_only=append_only, expires=expires
    )
    return secret
