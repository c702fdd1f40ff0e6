"""Deposits: a Git remote inside any special remote of git-annex."""

from __future__ import annotations


def __getattr__(name: str) -> object:
    """Load the remote helper when somebody wants it: git-annex starts our backends by the dozen."""
    if name == "RepoAnnexGitRemote":
        from rookery.deposit.remote import RepoAnnexGitRemote  # start-up: as above

        return RepoAnnexGitRemote
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
