"""The API of accounts: who am I, others, tokens, SSH keys."""

from __future__ import annotations

from fastapi import APIRouter

from rookery.hub.domain.access import Actor, Scope, parse_scopes
from rookery.hub.domain.errors import Forbidden, NotFound
from rookery.hub.domain.names import parse_path
from rookery.hub.http_api import answers, shapes
from rookery.hub.http_api.asked import AskedBy, AskedHub, AskedPage, AskedSite
from rookery.hub.http_api.bodies import NewKey, NewToken, NewUser, UserSettingsChange
from rookery.hub.http_api.shapes import Shape
from rookery.hub.services.hub import Hub

router = APIRouter()

DAY = 86400.0


@router.get("/user", response_model=answers.User)
def own_account(asked_by: AskedBy, hub: AskedHub, site: AskedSite) -> Shape:
    """Tell who asks."""
    return shapes.account(hub.accounts.own(asked_by), site, own=True)


@router.get("/user/settings", response_model=answers.UserSettings)
def own_settings(asked_by: AskedBy, hub: AskedHub) -> Shape:
    """Tell of one's profile, in those of Gitea's fields that there are here."""
    return shapes.settings(hub.accounts.own(asked_by))


@router.patch("/user/settings", response_model=answers.UserSettings)
def change_own_settings(body: UserSettingsChange, asked_by: AskedBy, hub: AskedHub) -> Shape:
    """Change one's profile.  The e-mail address wants the password: it is changed on the page of the profile."""
    return shapes.settings(hub.accounts.change_profile(asked_by, full_name=body.full_name))


@router.get("/users/{name}", response_model=answers.User)
def one_account(name: str, asked_by: AskedBy, hub: AskedHub, site: AskedSite) -> Shape:
    """Tell of an account."""
    found = hub.accounts.named(name)
    return shapes.account(found, site, own=asked_by.account == found.id)


@router.post("/admin/users", response_model=answers.User, status_code=201)
def add_account(body: NewUser, asked_by: AskedBy, hub: AskedHub, site: AskedSite) -> Shape:
    """Make an account, as an administrator."""
    made = hub.accounts.add_by_administrator(asked_by, body.username, body.email, body.password)
    return shapes.account(made, site, own=True)


# --- tokens: whoever asks for one by name must be that one, with the password -------------------


def _self(hub: Hub, asked_by: Actor, name: str, scope: Scope) -> None:
    if hub.accounts.own(asked_by, scope).name.lower() != name.lower():
        raise Forbidden("tokens are one's own business")


@router.get("/users/{name}/tokens", response_model=list[answers.Token])
def tokens(name: str, asked_by: AskedBy, hub: AskedHub, page: AskedPage) -> list[Shape]:
    """Tell of one's tokens, without their secrets."""
    _self(hub, asked_by, name, Scope.READ_USER)
    return [shapes.token(token) for token in page.of(hub.accounts.tokens(asked_by))]


@router.post("/users/{name}/tokens", response_model=answers.Token, status_code=201)
def add_token(name: str, body: NewToken, asked_by: AskedBy, hub: AskedHub) -> Shape:
    """Make a token; its secret is in this answer (`sha1`) and nowhere else."""
    _self(hub, asked_by, name, Scope.WRITE_USER)
    only = None
    if body.repositories is not None:
        only = frozenset(hub.repositories.get(asked_by, parse_path(path)).id for path in body.repositories)
    expires = None if body.expires_in_days is None else hub.clock() + body.expires_in_days * DAY
    made, secret = hub.accounts.add_token(
        asked_by,
        body.name,
        scopes=parse_scopes(body.scopes),
        repositories=only,
        append_only=body.append_only,
        expires=expires,
    )
    return shapes.token(made, secret)


@router.delete("/users/{name}/tokens/{token}", status_code=204)
def remove_token(name: str, token: str, asked_by: AskedBy, hub: AskedHub) -> None:
    """Take a token back, by its number or its name."""
    _self(hub, asked_by, name, Scope.WRITE_USER)
    named = [one.id for one in hub.accounts.tokens(asked_by) if token in (str(one.id), one.name)]
    if len(named) != 1:
        raise NotFound("there is no such token, or there are several of that name")
    hub.accounts.remove_token(asked_by, named[0])


# --- SSH keys ------------------------------------------------------------------------------------


@router.get("/user/keys", response_model=list[answers.PublicKey])
def keys(asked_by: AskedBy, hub: AskedHub, site: AskedSite, page: AskedPage) -> list[Shape]:
    """Tell of one's SSH keys."""
    return [shapes.public_key(key, site) for key in page.of(hub.accounts.keys(asked_by))]


@router.post("/user/keys", response_model=answers.PublicKey, status_code=201)
def add_key(body: NewKey, asked_by: AskedBy, hub: AskedHub, site: AskedSite) -> Shape:
    """Keep an SSH key."""
    return shapes.public_key(hub.accounts.add_key(asked_by, body.title, body.key), site)


@router.get("/user/keys/{key}", response_model=answers.PublicKey)
def one_key(key: int, asked_by: AskedBy, hub: AskedHub, site: AskedSite) -> Shape:
    """Tell of one of one's SSH keys."""
    found = next((one for one in hub.accounts.keys(asked_by) if one.id == key), None)
    if found is None:
        raise NotFound("there is no such key")
    return shapes.public_key(found, site)


@router.delete("/user/keys/{key}", status_code=204)
def remove_key(key: int, asked_by: AskedBy, hub: AskedHub) -> None:
    """Forget one of one's SSH keys."""
    hub.accounts.remove_key(asked_by, key)
