"""Signing in and out, one thing after the other; each is told of as soon as it is done."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from rookery.core.context import Context
from rookery.core.errors import AccessFailedError, InsufficientArgumentsError, RookeryError
from rookery.credentials import githelpers
from rookery.credentials.credential import CredentialError
from rookery.forges.client import Forge, ForgeError, Unauthorized
from rookery.forges.login import annex, certificates, keeping, keys
from rookery.forges.login.done import Done
from rookery.forges.login.person import LEDGER, Person
from rookery.forges.login.wish import Wish
from rookery.forges.platform import HUB
from rookery.forges.tokens import known_token

# What a signed-in person does: repositories, their own and their organisations', and keys.
SCOPES = ["write:repository", "write:user", "read:organization"]


class Signed(NamedTuple):
    """Who one is, with what; `number` is the token's, if it was made now, `password` is "" if it was not needed."""

    user: str
    token: str
    number: str = ""
    new: bool = True
    password: str = ""


def sign_in(ctx: Context, wish: Wish) -> Iterator[Done]:
    """Do all that is needed, and try it out.  Raises RookeryError before anything was written."""
    ca = str((ctx.cwd / Path(wish.ca).expanduser()).resolve()) if wish.ca else None
    forge = Forge(ctx, HUB, wish.url, ca=ca)
    told = _hub_at(forge, wish)
    person = Person(ctx)
    if wish.dry_run:
        yield from _foretold(ctx, wish, forge, told)
        return
    signed = _signed(ctx, wish, forge)
    forge = forge.with_token(signed.token)
    if signed.number:
        person.note(wish.url, "token", signed.number)
        person.unset(f"{LEDGER}{wish.url}.making")
    if ca:
        yield from certificates.believe(ctx, wish.url, ca)
    kept = keeping.keep_for_datalad(ctx, wish.url, signed.user, signed.token)
    yield kept if signed.new else kept._replace(status="notneeded")
    git = keeping.keep_for_git(ctx, wish.url, signed.user, signed.token)
    yield git if git.status == "error" else _pushes(ctx, forge, git)
    yield annex.allow_address(ctx, wish.url, dry_run=False)
    asking = forge.with_password(signed.user, signed.password) if signed.password else forge
    yield from keys.share_key(ctx, asking, told, file=wish.ssh_key, dry_run=False)
    person.set("rookery.hub", wish.url)
    yield Done("hub", f"signed in as {signed.user}; create-sibling-hub makes repositories there from now on")


def _hub_at(forge: Forge, wish: Wish) -> Any:
    """See that there is a hub.  Raises AccessFailedError."""
    try:
        _, told = forge.call("GET", "version")
    except AccessFailedError as e:
        if "CERTIFICATE" in e.message.upper() and not wish.ca:
            e.hints.append("a certificate of your own authority: --ca FILE")
        raise
    except ForgeError as e:
        raise _no_hub(wish.url) from e
    if not isinstance(told, dict) or "ssh_host_keys" not in told:
        raise _no_hub(wish.url)
    return told


def _no_hub(url: str) -> AccessFailedError:
    hints = ["for GIN, Gogs and Gitea, make a token on the server and use create-sibling-gin and its kin"]
    return AccessFailedError(f"{url} is not a Rookery hub", hints=hints, again=False)


def _signed(ctx: Context, wish: Wish, forge: Forge) -> Signed:
    """Find who one is: by the token that is given, the one that is kept, or a new one for a password."""
    if wish.is_token:
        user = forge.with_token(wish.secret).who()
        _require_same(wish, user)
        return Signed(user, wish.secret)
    former, user = _former(ctx, wish, forge)
    if user and wish.user in (None, user):
        return Signed(user, former, new=False, password=wish.secret)
    name = wish.user or (ctx.ask(f"user at {wish.url}", False) if ctx.interactive else None)
    secret = wish.secret or (ctx.ask("password", True) if ctx.interactive and name else None)
    if not name or not secret:
        raise InsufficientArgumentsError(
            f"to sign in at {wish.url} a name and a password are needed, or a token",
            hints=["--user NAME --password-stdin", "--token-stdin"],
        )
    made = _made(Person(ctx), wish.url, forge.with_password(name, secret))
    token = str(made["sha1"])
    signed = Signed(forge.with_token(token).who(), token, str(made["id"]), password=secret)
    if user and (number := Person(ctx).noted(wish.url, "token")):
        _revoked(forge.with_token(former), number)  # somebody else's, of whom nothing will be known here
    return signed


def _made(person: Person, url: str, forge: Forge) -> Any:
    """Make a token.  Its name is written down before, so that the next login takes back what a killed one left."""
    user = forge.who()  # a wrong password leaves nothing written
    tokens = f"users/{quote(user)}/tokens"
    if left := person.noted(url, "making"):
        forge.call("DELETE", f"{tokens}/{quote(left)}", ok=(204, 404))
    name = f"rookery on {socket.gethostname()} {secrets.token_hex(3)}"
    person.note(url, "making", name)
    _, made = forge.call("POST", tokens, {"name": name, "scopes": SCOPES})
    return made


def _former(ctx: Context, wish: Wish, forge: Forge) -> tuple[str, str]:
    """Give the token that is kept, and whose it is; "" for one that is good no longer."""
    known = known_token(ctx, ctx.settings.at(ctx.cwd), wish.url)
    if known is None:
        return "", ""
    try:
        return known.secret, forge.with_token(known.secret).who()
    except Unauthorized:
        return known.secret, ""  # taken back, or of a hub that was here before


def _require_same(wish: Wish, user: str) -> None:
    if wish.user is not None and wish.user != user:
        raise RookeryError(f"the token is {user}'s, not {wish.user}'s", hints=["leave out --user"])


def _pushes(ctx: Context, forge: Forge, git: Done) -> Done:
    """Try what Git's helpers give, as Git would send it."""
    found = githelpers.fill(ctx, forge.api)
    if found is None:
        return Done("git", "Git's credential helpers have lost the token", "error")
    try:
        forge.with_password(found.user or "", found.secret).who()
    except RookeryError as e:
        return Done("git", f"the hub does not take what Git's helpers give: {e.message}", "error")
    return git


def _foretold(ctx: Context, wish: Wish, forge: Forge, told: Any) -> Iterator[Done]:
    """Say what would be done; nothing is asked or written."""
    if wish.ca:
        yield Done("certificate", f"would have Git and git-annex believe {wish.ca} for this hub")
    yield Done("token", "would be made on the hub (or taken), and kept in the keyring or a private file")
    yield Done("git", f"would find the token by its credential helpers for {wish.url}")
    yield annex.allow_address(ctx, wish.url, dry_run=True)
    yield from keys.share_key(ctx, forge, told, file=wish.ssh_key, dry_run=True)


def sign_out(ctx: Context, url: str, *, dry_run: bool) -> Iterator[Done]:
    """Take back all that signing in did, on the hub as far as it answers."""
    person = Person(ctx)
    if dry_run:
        yield Done("hub", "would take back the token, the SSH key and the settings of this hub")
        return
    token = known_token(ctx, ctx.settings.at(ctx.cwd), url)
    number = person.noted(url, "token")
    if token is not None:
        forge = Forge(ctx, HUB, url).with_token(token.secret)
        yield keys.take_back_key(ctx, forge)
        yield _revoked(forge, number)
    yield keeping.forget_for_git(ctx, url)
    try:
        yield keeping.forget_for_datalad(ctx, url)
    except CredentialError as e:
        yield Done("token", e.message, "error", tuple(e.hints))
    yield annex.forbid_address(ctx, url)
    yield from certificates.believe_no_more(ctx, url)
    if person.get("rookery.hub") == url:
        person.unset("rookery.hub")
    person.forget(url)
    yield Done("hub", f"signed out of {url}", "ok" if token else "notneeded")


def _revoked(forge: Forge, number: str) -> Done:
    if not number:
        hints = (f"take it back there: {forge.api}/user/settings/applications",)
        return Done("token", "it was not made here, so the hub still takes it", "notneeded", hints)
    try:
        forge.call("DELETE", f"users/{forge.who()}/tokens/{number}")
    except RookeryError as e:
        hints = (f"take it back there: {forge.api}/user/settings/applications",)
        return Done("token", f"the hub was not told: {e.message}", "error", hints)
    return Done("token", "the hub does not take it any more")
