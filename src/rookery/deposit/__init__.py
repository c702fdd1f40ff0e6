"""Deposits: a Git remote inside any special remote of git-annex.

`RepoAnnexGitRemote` is the remote helper as a class, at the address and with the
constructor that programs know it by.  Its streams and environment are the process's
own, so it is a face, and lives with the faces: this is the one door that leads up there.
"""

from __future__ import annotations

TYPE_CHECKING = False  # what the type checker takes for true, without loading `typing`
if TYPE_CHECKING:
    from rookery.cli.remote_helper import RepoAnnexGitRemote as RepoAnnexGitRemote


def __getattr__(name: str) -> object:
    """Load the remote helper when somebody wants it: git-annex starts our backends by the dozen."""
    if name == "RepoAnnexGitRemote":
        from rookery.cli.remote_helper import RepoAnnexGitRemote  # start-up: as above

        return RepoAnnexGitRemote
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
