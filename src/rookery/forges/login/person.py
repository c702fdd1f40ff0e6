"""The settings of a person, `git config --global`: what signing in writes there, and can take back."""

from __future__ import annotations

from rookery.core.context import Context
from rookery.core.process import decode

# What was written, by address: rookery.login.URL.KEY
LEDGER = "rookery.login."


class Person:
    """Reads and writes them, one value at a time.  Raises CommandError."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def get(self, key: str) -> str:
        """Give the last value; "" if there is none."""
        return self.values(key)[-1] if self.values(key) else ""

    def values(self, key: str) -> list[str]:
        """Give all values."""
        said = self._git("-z", "--get-all", key, ok=(0, 1))
        return said.split("\0")[:-1]

    def set(self, key: str, value: str) -> None:
        """Make a key have one value."""
        self._git("--replace-all", key, value)
        self._ctx.settings.forget()

    def unset(self, key: str) -> None:
        """Take a key away; no error if it is not there."""
        self._git("--unset-all", key, ok=(0, 5))
        self._ctx.settings.forget()

    def note(self, url: str, key: str, value: str) -> None:
        """Write down what was done for a hub."""
        self.set(f"{LEDGER}{url}.{key}", value)

    def noted(self, url: str, key: str) -> str:
        """Give what was written down."""
        return self.get(f"{LEDGER}{url}.{key}")

    def forget(self, url: str) -> None:
        """Forget all that was written down for a hub."""
        self._git("--remove-section", f"{LEDGER}{url}", ok=(0, 128))
        self._ctx.settings.forget()

    def _git(self, *arguments: str, ok: tuple[int, ...] = (0,)) -> str:
        argv = ["git", "config", "--global", *arguments]
        return decode(self._ctx.runner.run(argv, cwd=self._ctx.cwd, ok=ok).stdout)
