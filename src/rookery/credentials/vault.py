"""Where secrets are kept: the machine's keyring, by DataLad's layout (service `datalad-NAME`, user FIELD)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rookery.credentials.credential import CredentialError


class NoVault(CredentialError):
    """There is no place to keep a secret on this machine."""


class Vault:
    """The keyring of whoever runs this; loaded at the first question.

    `env` may hold a field too, as DATALAD_NAME_FIELD, which then wins: an older
    habit of DataLad's users.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env
        self._library: Any = None

    def get(self, name: str, field: str) -> str | None:
        """Give a field of a credential; None if there is none, or nothing to look in."""
        variable = f"DATALAD_{name}_{field}".replace("-", "_")
        if given := self._env.get(variable):
            return given
        try:
            keyring = self._loaded()
        except NoVault:
            return None
        try:
            found: str | None = keyring.get_password(f"datalad-{name}", field)
        except keyring.errors.KeyringError:
            return None  # locked, or its service does not run: other sources are asked then
        return found

    def set(self, name: str, field: str, value: str) -> None:
        """Keep a field, and look that it is kept.  Raises NoVault."""
        keyring = self._loaded()
        service = f"datalad-{name}"
        try:
            keyring.set_password(service, field, value)
            kept = keyring.get_password(service, field)
        except keyring.errors.KeyringError as e:
            raise _unusable(f"the keyring refused: {type(e).__name__}") from None
        if kept != value:
            raise _unusable("the keyring that is configured keeps nothing")

    def delete(self, name: str, field: str) -> bool:
        """Forget a field; say whether there was one.  Raises NoVault where it cannot be forgotten."""
        keyring = self._loaded()
        service = f"datalad-{name}"
        try:
            if keyring.get_password(service, field) is None:
                return False
            keyring.delete_password(service, field)
        except keyring.errors.KeyringError as e:
            raise _unusable(f"the keyring refused: {type(e).__name__}") from None
        return True

    def _loaded(self) -> Any:
        if self._library is None:
            try:
                import keyring  # start-up: takes longer than most commands
                import keyring.errors
            except ImportError:
                raise _unusable("the Python package keyring is not installed") from None
            self._library = keyring
        return self._library


def _unusable(why: str) -> NoVault:
    return NoVault(
        f"the secret cannot be kept: {why}",
        hints=[
            "install what is missing: pip install 'rookery[keyring]', and see `python -m keyring diagnose`",
            "or give it each time, in the environment: DATALAD_CREDENTIAL_NAME_USER and ..._SECRET",
        ],
    )
