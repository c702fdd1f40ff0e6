"""The token for a server: found where DataLad keeps it, or asked for.

By the name that was given, or the server's `HOST[:PORT]`:

    DATALAD_CREDENTIAL_NAME_TOKEN                   environment
    datalad.credential.NAME.token                   settings
    service datalad-NAME, user "token" or "secret"  keyring

and then, as datalad-next does, any credential whose realm is the server's address.
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from rookery.core.config import Config
from rookery.core.context import Context
from rookery.core.log import get_log
from rookery.credentials.credential import CredentialError
from rookery.credentials.store import Store
from rookery.credentials.vault import NoVault, Vault

log = get_log("rookery.credentials")

FIELD = "token"


class Token(NamedTuple):
    """A token and the name that it is kept under; `typed` by a person just now, and not kept yet."""

    secret: str
    name: str
    typed: bool = False

    def __repr__(self) -> str:
        return f"Token(name={self.name!r}, secret=...)"


def place_of(api: str) -> str:
    """Give `HOST[:PORT]` of a server, under which DataLad keeps its token."""
    return urlsplit(api).netloc.rpartition("@")[2]


def find_token(ctx: Context, config: Config, api: str, *, title: str, name: str | None = None) -> Token:
    """Find the token for a server, asking a person if there is one.  Raises CredentialError."""
    where = name or place_of(api)
    found = known_token(ctx, config, api, name=name)
    if found is not None:
        return found
    page = f"{api.rstrip('/')}/user/settings/applications"
    if ctx.interactive:
        question = f"An access token is required for {api}. Visit {page} to create a token\ntoken"
        if typed := ctx.ask(question, True):
            return Token(typed, where, typed=True)
    raise CredentialError(
        f"Authorization required for {title}, cannot find token for a credential {where}.",
        hints=[
            f"make one at {page} and keep it: git config --global datalad.credential.{where}.token TOKEN",
            f"on a Rookery hub: rookery hub login {api}",
        ],
    )


def known_token(ctx: Context, config: Config, api: str, *, name: str | None = None) -> Token | None:
    """Find the token for a server among those that are kept."""
    where = name or place_of(api)
    store = Store(ctx, config)
    secret = store.properties(where).get(FIELD) or store.secret(where, FIELD)
    if secret:
        return Token(secret, where)
    if name is None:
        for realm in (api, api.rstrip("/"), f"{api.rstrip('/')}/"):
            for one in store.query(realm=realm):
                return Token(one.secret, str(one.name))
    return None


def keep_token(ctx: Context, token: Token) -> None:
    """Keep a token that has worked, where DataLad looks for it; one that cannot be kept is told of."""
    if not token.typed:
        return
    try:
        Vault(ctx.env).set(token.name, FIELD, token.secret)
    except NoVault as e:
        log.warning("%s", e.message)
        for hint in e.hints:
            log.warning("  hint: %s", hint)
