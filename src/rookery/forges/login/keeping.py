"""Where a hub's token is kept: for DataLad and for us, and for Git.

    keyring, service datalad-HOST:PORT, users "token" (DataLad) and "secret" (datalad-next, and `credentials`)
    a credential helper of Git's: one that keeps, if the person has one, else a file for this hub

Where there is no keyring, DataLad's place is a file that the person's settings
include, readable for the person alone, as Git's own file of credentials is.
"""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from rookery.core import files
from rookery.core.context import Context
from rookery.credentials import githelpers
from rookery.credentials.credential import Credential
from rookery.credentials.store import PREFIX, Store
from rookery.credentials.vault import NoVault, Vault
from rookery.forges.login.done import Done
from rookery.forges.login.person import Person
from rookery.forges.tokens import FIELD, place_of
from rookery.git import configfile

PRIVATE = 0o600


def folder(ctx: Context) -> Path:
    """Give the folder of our own files among the person's settings."""
    home = Path(ctx.env.get("HOME", os.sep))
    return Path(ctx.env.get("XDG_CONFIG_HOME") or home / ".config") / "rookery"


def _tokens_file(ctx: Context) -> Path:
    return folder(ctx) / "tokens.gitconfig"


def _git_file(ctx: Context) -> Path:
    return folder(ctx) / "git-credentials"


def keep_for_datalad(ctx: Context, url: str, user: str, token: str) -> Done:
    """Keep it where create-sibling commands look, DataLad's and ours.  Raises CredentialError."""
    name = place_of(url)
    store = Store(ctx, ctx.settings.at(ctx.cwd))
    properties: dict[str, str | None] = {"type": "token", "realm": url, "user": user}
    try:
        Vault(ctx.env).set(name, FIELD, token)
        store.set(name, properties, token)
        return Done("token", f"kept in the keyring as datalad-{name}, for user {user}")
    except NoVault:
        file = _tokens_file(ctx)
        _make_private(file)
        key = f"datalad.credential.{name}.{FIELD}"
        # not by `git config`: others can read command lines
        files.write(file, _with_token(file.read_text(), name, token), mode=PRIVATE)
        person = Person(ctx)
        if str(file) not in person.values("include.path"):
            ctx.runner.run(["git", "config", "--global", "--add", "include.path", str(file)], cwd=ctx.cwd)
        store.set(name, properties)
        return Done("token", f"kept as {key} in {file}, which only you can read: there is no keyring")


def _make_private(file: Path) -> None:
    """Make an empty file for the person alone, or see that it is."""
    if not file.exists():
        files.write(file, "", mode=PRIVATE)
    file.chmod(PRIVATE)


def _tokens(text: str) -> dict[str, str]:
    """Read our file of tokens: name to token."""
    begin, end = PREFIX, f".{FIELD}"
    pairs = configfile.parse(text)
    return {key[len(begin) : -len(end)]: value for key, value in pairs if key.endswith(end)}


def _with_token(text: str, name: str, token: str | None) -> str:
    """Give the file with the token of a server, or without it."""
    found = _tokens(text)
    found.pop(name, None)
    if token is not None:
        found[name] = token
    return "".join(
        configfile.section("datalad", f"credential.{one}", {FIELD: value}) for one, value in found.items()
    )


def forget_for_datalad(ctx: Context, url: str) -> Done:
    """Forget it again.  Raises CredentialError."""
    name = place_of(url)
    file = _tokens_file(ctx)
    known = file.exists() and name in _tokens(file.read_text())
    if known:
        files.write(file, _with_token(file.read_text(), name, None), mode=PRIVATE)
        ctx.settings.forget()
    removed = Store(ctx, ctx.settings.at(ctx.cwd)).remove(name, FIELD)
    return Done("token", f"forgotten: {name}", "ok" if known or removed else "notneeded")


def keep_for_git(ctx: Context, url: str, user: str, token: str) -> Done:
    """Have Git's helpers know it, so that a push over HTTP does not ask; look that they do."""
    credential = Credential(token, {"user": user})
    person = Person(ctx)
    person.set(f"credential.{url}.username", user)
    person.note(url, "username", user)
    if not person.noted(url, "helper") and _keepers(ctx, url):
        githelpers.approve(ctx, url, credential)
        if _knows(ctx, url, user, token):
            return Done("git", "kept by your own credential helper: Git does not ask")
    file = _git_file(ctx)
    _make_private(file)
    helper = f"store --file={shlex.quote(str(file))}"
    key = f"credential.{url}.helper"
    if helper not in person.values(key):
        # the empty value first takes those out that have another login of this server
        person.set(key, "")
        ctx.runner.run(["git", "config", "--global", "--add", key, helper], cwd=ctx.cwd)
        ctx.settings.forget()
        person.note(url, "helper", helper)
    githelpers.approve(ctx, url, credential)
    if _knows(ctx, url, user, token):
        return Done("git", f"kept in {file}, which only you can read: Git does not ask")
    return Done(
        "git", f"Git does not find the token, though it is in {file}", "error", (f"see: git config {key}",)
    )


def _keepers(ctx: Context, url: str) -> bool:
    """Say whether the person has a helper for this address that keeps for longer than a quarter of an hour."""
    said = ctx.runner.run(
        ["git", "config", "--get-urlmatch", "credential.helper", url], cwd=ctx.cwd, ok=(0, 1)
    )
    helper = said.stdout.decode().strip()
    return bool(helper) and not helper.startswith("cache")


def _knows(ctx: Context, url: str, user: str, token: str) -> bool:
    found = githelpers.fill(ctx, url)
    return found is not None and (found.user, found.secret) == (user, token)


def forget_for_git(ctx: Context, url: str) -> Done:
    """Have Git's helpers forget it, and take back what was set for them."""
    person = Person(ctx)
    found = githelpers.fill(ctx, url)
    user = person.noted(url, "username")
    if found is not None and found.user == user:
        githelpers.reject(ctx, url, found)
    if person.noted(url, "helper"):
        person.unset(f"credential.{url}.helper")
    if user:
        person.unset(f"credential.{url}.username")
    return Done("git", "forgotten by Git's credential helpers", "ok" if user else "notneeded")
