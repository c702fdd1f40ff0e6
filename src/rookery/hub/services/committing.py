"""Commits that the hub makes for somebody: whose names they bear."""

from __future__ import annotations

from rookery.git.repo import Repo


def named(name: str, full_name: str = "") -> tuple[str, str]:
    """Give the name and the address that commits bear; an e-mail address is not told to everybody."""
    shown = "".join(letter for letter in full_name if letter.isprintable() and letter not in "<>").strip()
    return shown or name, f"{name.replace(' ', '-')}@hub"


def committing(repo: Repo, name: str, full_name: str = "") -> Repo:
    """Give a repository in which what is committed is somebody's."""
    shown, address = named(name, full_name)
    return repo.with_env(
        GIT_AUTHOR_NAME=shown,
        GIT_AUTHOR_EMAIL=address,
        GIT_COMMITTER_NAME=shown,
        GIT_COMMITTER_EMAIL=address,
    )
