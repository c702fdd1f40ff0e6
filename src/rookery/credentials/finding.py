"""Finding a credential that works: the environment, the store, Git's helpers, a person; in this order.

A credential counts when whoever needs it says that it works; only then it is
kept, with the time.  One that was named, or given in the environment, is not
replaced by another behind its owner's back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from rookery.core.config import Config
from rookery.core.context import Context
from rookery.core.errors import CommandError
from rookery.core.log import get_log
from rookery.credentials import githelpers
from rookery.credentials.credential import Credential, CredentialError
from rookery.credentials.probing import moment
from rookery.credentials.store import Store
from rookery.credentials.vault import NoVault

log = get_log("rookery.credentials")

# A server may lock out who knocks too often with a wrong password.
QUESTIONS = 3
STORED = 3


class Wanted(NamedTuple):
    """What a credential is wanted for.

    `kind` is the type of the service (webdav, s3 ...), `purpose` the words for a
    person ("WebDAV access at https://..."), `realms` gives the names under which
    a fitting credential may be kept (the best first; asked for only if it comes
    to that), `variables` are the service's own, for name and secret.
    """

    kind: str
    purpose: str
    name: str | None = None
    url: str | None = None
    realms: Callable[[], list[str]] = list
    variables: tuple[str, str] | None = None


def find(ctx: Context, config: Config, wanted: Wanted, works: Callable[[Credential], bool]) -> Credential:
    """Find a credential that works, asking a person if there is one.  Raises CredentialError.

    Nothing is kept yet: see `remember`.
    """
    refused: list[Credential] = []
    for candidate in _candidates(ctx, config, wanted, refused):
        if works(candidate):
            return candidate
        refused.append(candidate)
        if candidate.source == "git" and wanted.url:
            githelpers.reject(ctx, wanted.url, candidate)
        log.info("%s: the credential of user %s was refused", wanted.purpose, candidate.user)
    raise _failure(ctx, wanted, refused)


def _candidates(
    ctx: Context, config: Config, wanted: Wanted, refused: Sequence[Credential]
) -> Iterator[Credential]:
    """Give one after the other; `refused` grows meanwhile."""
    if (given := from_environment(ctx, wanted)) is not None:
        yield given
        return
    store = Store(ctx, config)
    if wanted.name is not None:
        if (named := store.get(wanted.name, "user_password")) is not None and named.user:
            yield named
    else:
        yield from _by_realm(store, wanted)
        if wanted.url and githelpers.configured(config) and (helped := githelpers.fill(ctx, wanted.url)):
            yield helped
    if ctx.interactive:
        for _ in range(QUESTIONS):
            asked = _asked(ctx, wanted, refused)
            if asked is None:
                return
            yield asked


def _by_realm(store: Store, wanted: Wanted) -> Iterator[Credential]:
    found: dict[str, Credential] = {}
    for realm in wanted.realms():
        found.update((str(one.name), one) for one in store.query(realm=realm) if one.user)
    newest = sorted(found.values(), key=lambda one: one.last_used, reverse=True)
    yield from newest[:STORED]


def from_environment(ctx: Context, wanted: Wanted) -> Credential | None:
    """Give what the service's own variables hold, if both are set."""
    user, secret = (ctx.env.get(name, "") for name in wanted.variables or ("", ""))
    if not user or not secret:
        return None
    return Credential(secret, {"user": user}, source="environment")


def _asked(ctx: Context, wanted: Wanted, refused: Sequence[Credential]) -> Credential | None:
    """Ask a person for name and secret; None if there is no answer."""
    what = f"{wanted.purpose} " + (f"is refused to {refused[-1].user}" if refused else "needs a login")
    user = ctx.ask(f"{what}{f' (credential {wanted.name!r})' if wanted.name else ''}\nuser", False)
    if not user:
        return None
    secret = ctx.ask("secret", True)
    if not secret:
        return None
    return Credential(secret, {"user": user, "type": "user_password"}, wanted.name, "person")


def _failure(ctx: Context, wanted: Wanted, refused: list[Credential]) -> CredentialError:
    if refused:
        tried = ", ".join(dict.fromkeys(f"{one.user} ({_whence(one, wanted)})" for one in refused))
        why = f"{wanted.purpose} is refused to every login that is known: {tried}"
    elif wanted.name:
        why = (
            f"{wanted.purpose} needs the credential {wanted.name!r}, which is not known (a user and a secret)"
        )
    else:
        why = f"{wanted.purpose} needs a login, and none is known"
    name = wanted.name or "NAME"
    hints = [] if ctx.interactive else ["nobody could be asked: standard input is not a terminal"]
    if wanted.variables:
        hints.append(f"set {wanted.variables[0]} and {wanted.variables[1]} in the environment")
    realm = "" if wanted.name else f" realm={next(iter(wanted.realms()), 'REALM')}"
    hints.append(f"or keep a login: rookery credentials set {name} type=user_password user=USER{realm}")
    return CredentialError(why, hints=hints)


def _whence(one: Credential, wanted: Wanted) -> str:
    if one.source == "environment" and wanted.variables:
        return f"from {wanted.variables[0]}"
    names = {"environment": "from the environment", "git": "from Git's helpers", "person": "just typed"}
    return names.get(one.source, f"kept as {one.name}")


def remember(ctx: Context, config: Config, wanted: Wanted, credential: Credential) -> None:
    """Keep a credential that has worked, or note that it did; what cannot be kept is told and no error.

    One without a name is kept as TYPE-USER-REALM, unless there is one of that
    name already: that one is not ours to replace.
    """
    if credential.source == "environment":
        return
    if credential.source == "git":
        if wanted.url:
            githelpers.approve(ctx, wanted.url, credential)
        return
    store = Store(ctx, config)
    name = credential.name
    noted = {**credential.properties, "last-used": moment(ctx.clock())}
    if name is None:
        realm = next(iter(wanted.realms()), None)
        name = "-".join(part for part in (wanted.kind, credential.user, realm) if part)
        noted |= {"realm": realm} if realm else {}
        if store.properties(name) or store.secret(name, "user_password"):
            log.warning("the login is not kept: there is a credential %r already", name)
            return
    _keep(ctx, config, store, wanted, credential._replace(name=name, properties=noted))


def _keep(ctx: Context, config: Config, store: Store, wanted: Wanted, credential: Credential) -> None:
    typed = credential.source == "person"
    try:
        store.set(str(credential.name), credential.properties, credential.secret if typed else None)
    except NoVault as e:
        if wanted.url and githelpers.configured(config):
            githelpers.approve(ctx, wanted.url, credential)
            return
        log.warning("%s", e.message)
        for hint in e.hints:
            log.warning("  hint: %s", hint)
    except (CredentialError, CommandError) as e:
        log.warning("%s", e.message)
