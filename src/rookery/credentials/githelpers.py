"""Git's credential helpers (git-credential(1)): asked for web servers, and told what became of it."""

from __future__ import annotations

from urllib.parse import urlsplit

from rookery.core.config import Config
from rookery.core.context import Context
from rookery.credentials.credential import Credential

# Helpers may not ask a person in our place: whether somebody is asked, and how often, is decided once.
QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": None, "SSH_ASKPASS": None, "GCM_INTERACTIVE": "never"}


def configured(config: Config) -> bool:
    """Say whether there is any helper to ask."""
    return any(key.endswith(".helper") and config.get(key) for key in config.keys("credential."))


def fill(ctx: Context, url: str) -> Credential | None:
    """Ask the helpers for the name and password of a web server."""
    answer = _call(ctx, "fill", _described(url))
    found = dict(line.partition("=")[::2] for line in answer.splitlines()) if answer else {}
    if not found.get("username") or not found.get("password"):
        return None
    return Credential(found["password"], {"user": found["username"], "type": "user_password"}, source="git")


def approve(ctx: Context, url: str, credential: Credential) -> None:
    """Tell the helpers that a credential works; they keep it if they keep anything."""
    _call(ctx, "approve", _described(url, credential))


def reject(ctx: Context, url: str, credential: Credential) -> None:
    """Tell the helpers that a credential is refused, so that they forget it."""
    _call(ctx, "reject", _described(url, credential))


def _described(url: str, credential: Credential | None = None) -> dict[str, str]:
    parts = urlsplit(url)
    about = {
        "protocol": parts.scheme,
        "host": parts.netloc.rpartition("@")[2],
        "path": parts.path.lstrip("/"),
    }
    if credential is not None:
        about |= {"username": credential.user or "", "password": credential.secret}
    return about


def _call(ctx: Context, verb: str, about: dict[str, str]) -> str | None:
    if any("\n" in value or "\0" in value for value in about.values()):
        return None  # a line of its own would say something else to the helper
    text = "".join(f"{key}={value}\n" for key, value in about.items()) + "\n"
    runner = ctx.runner.with_env(QUIET)
    argv = ["git", "-c", "core.askPass=", "credential", verb]
    answer = runner.run(argv, cwd=ctx.cwd, stdin=text.encode(), ok=None)
    return answer.stdout.decode("utf-8", "replace") if answer.code == 0 else None
