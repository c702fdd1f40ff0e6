"""The user's hooks: finding one, and running it as `git commit` would."""

from __future__ import annotations

import os
from pathlib import Path

from rookery.core.errors import RookeryError
from rookery.git.repo import Repo


class HookRefused(RookeryError):
    """A hook ended with an exit code that forbids what was to be done."""


def find_hook(repo: Repo, name: str, hooks_path: str | None = None) -> Path | None:
    """Give the hook's file if there is one that can be run; `hooks_path` is the setting `core.hooksPath`."""
    folder = repo.commondir / "hooks"
    if hooks_path:
        folder = repo.root / os.path.expanduser(hooks_path)
    hook = folder / name
    return hook if os.access(hook, os.X_OK) and hook.is_file() else None


def run_hook(repo: Repo, hook: Path, *arguments: str, stdin: bytes = b"") -> None:
    """Run a hook in the repository's environment (so: with its private index).  Raises HookRefused."""
    view = repo.with_env(GIT_EDITOR=":")
    answer = view.runner.run([hook, *arguments], cwd=repo.root, stdin=stdin, ok=None)
    if answer.code:
        said = (answer.stdout + answer.stderr).decode("utf-8", "replace").strip()
        raise HookRefused(
            f"the hook {hook.name} refused with exit code {answer.code}" + (f": {said}" if said else ""),
            hints=[f"do what the hook asks for, or look at {hook}"],
        )
