"""Credentials that are kept: properties in the user's settings, secrets in the vault (DataLad's layout).

    datalad.credential.NAME.PROPERTY = VALUE      git config --global
    service datalad-NAME, user "secret"           keyring

Secrets of DataLad's older kinds, under `password`, `token` or `secret_id`, are
found too.  A committed configuration is not heard: a stranger could name a
server of his own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rookery.core.config import Config
from rookery.core.context import Context
from rookery.core.errors import CommandError
from rookery.credentials.credential import Credential, CredentialError, checked_name, checked_property
from rookery.credentials.vault import NoVault, Vault

PREFIX = "datalad.credential."
SECRET = "secret"

# The fields of DataLad's older credentials, by type: those that are shown, and the one that is not.
OLDER: Mapping[str, tuple[tuple[str, ...], str]] = {
    "user_password": (("user",), "password"),
    "git": (("user",), "password"),
    "token": ((), "token"),
    "aws-s3": (("key_id", "session", "expiration"), "secret_id"),
    "s3": (("key",), "secret"),
}


class Store:
    """The credentials of one person, as seen from one folder (`config` holds the settings there)."""

    def __init__(self, ctx: Context, config: Config) -> None:
        self._ctx = ctx
        self._config = config
        self._vault = Vault(ctx.env)

    def names(self) -> list[str]:
        """Give the names of the credentials that have properties, sorted."""
        keys = (key.removeprefix(PREFIX) for key in self._config.keys(PREFIX))
        return sorted({name for key in keys if (name := key.rpartition(".")[0])})

    def properties(self, name: str) -> dict[str, str]:
        """Give what is noted about a credential; a secret in the settings is among it."""
        found: dict[str, str] = {}
        # a variable of the environment cannot spell capitals: DATALAD_CREDENTIAL_MINE_USER serves "Mine" too
        for prefix in dict.fromkeys((f"{PREFIX}{name.lower()}.", f"{PREFIX}{name}.")):
            for key in self._config.keys(prefix):
                if "." not in (rest := key.removeprefix(prefix)):
                    found[rest] = str(self._config.get(key))
        return found

    def secret(self, name: str, kind: str | None = None) -> str | None:
        """Give the secret of a credential; None if it is not known."""
        given = self.properties(name).get(SECRET)
        older = OLDER[kind][1] if kind and kind in OLDER else None
        return given or self._vault.get(name, SECRET) or (self._vault.get(name, older) if older else None)

    def get(self, name: str, kind: str | None = None) -> Credential | None:
        """Give a credential whole; None without its secret.  `kind` is its type, if nothing else says."""
        found = self.properties(name)
        kind = found.get("type", kind)
        for field in OLDER[kind][0] if kind and kind in OLDER else ():
            if field.replace("_", "-") not in found and (value := self._vault.get(name, field)):
                found[field.replace("_", "-")] = value
        found.pop(SECRET, None)
        secret = self.secret(name, kind)
        if kind and secret:
            found["type"] = kind
        return Credential(secret, found, name) if secret else None

    def query(self, **wanted: str) -> list[Credential]:
        """Give the credentials that have all these properties, the one that worked last first."""
        fitting = [
            name
            for name in self.names()
            if all(self.properties(name).get(key) == value for key, value in wanted.items())
        ]
        found = [one for name in fitting if (one := self.get(name)) is not None]
        return sorted(found, key=lambda one: one.last_used, reverse=True)

    def set(
        self, name: str, properties: Mapping[str, str | None], secret: str | None = None
    ) -> dict[str, Any]:
        """Write what differs, and give it; None takes a property away.

        The secret goes first: a credential without one would only mislead.
        Raises NoVault and CredentialError.
        """
        checked_name(name)
        before = self.properties(name)
        updated: dict[str, Any] = {}
        if secret is not None and secret != self._vault.get(name, SECRET):
            self._vault.set(name, SECRET, secret)
            updated[SECRET] = secret
        for key, value in properties.items():
            key = checked_property(key)
            if value is None and key in before:
                self._unset(f"{PREFIX}{name}.{key}")
                updated[key] = None
            elif value is not None and before.get(key) != value:
                self._git("--global", "--replace-all", f"{PREFIX}{name}.{key}", value)
                updated[key] = value
        self._reread()
        return updated

    def remove(self, name: str, kind: str | None = None) -> bool:
        """Forget a credential; say whether there was one.  Raises NoVault and CredentialError."""
        known = self.properties(name)
        kind = known.get("type", kind)
        shown, older = OLDER.get(kind or "", ((), SECRET))
        removed = False
        try:
            for field in dict.fromkeys((SECRET, older, *(shown if kind in OLDER else ()))):
                removed = self._vault.delete(name, field) or removed
        except NoVault:
            if not known:
                raise
        for key in known:
            self._unset(f"{PREFIX}{name}.{key}")
            removed = True
        self._reread()
        return removed

    def _unset(self, key: str) -> None:
        for scope in ("--global", "--local"):
            answer = self._ctx.runner.run(
                ["git", "config", scope, "--unset-all", key], cwd=self._ctx.cwd, ok=None
            )
            if answer.code == 0:
                return
        raise CredentialError(
            f"{key} cannot be taken away: it is set by {self._config.source_of(key) or 'another place'}",
            hints=[f"find it: git config --show-origin --get-all {key}"],
        )

    def _git(self, *arguments: str) -> None:
        try:
            self._ctx.runner.run(["git", "config", *arguments], cwd=self._ctx.cwd)
        except CommandError as e:
            raise CredentialError(f"the credential could not be noted: {e.stderr.strip() or e}") from e

    def _reread(self) -> None:
        self._ctx.settings.forget()
        self._config = self._ctx.settings.at(self._ctx.cwd)
