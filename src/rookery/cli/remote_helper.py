"""The program `git-remote-datalad-annex`, which Git starts for `datalad-annex::` URLs.

git-remote-datalad-annex REMOTE URL
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from typing import IO, Any

from rookery.core.config import from_environment
from rookery.core.environment import program_environment
from rookery.core.errors import RookeryError
from rookery.core.process import Runner
from rookery.deposit import remote
from rookery.deposit.logins import Login, Need


class RepoAnnexGitRemote(remote.RepoAnnexGitRemote):
    """The remote helper with this process's streams and environment."""

    def __init__(
        self,
        gitdir: str,
        remote: str,
        url: str,
        instream: IO[Any] = sys.stdin,
        outstream: IO[Any] = sys.stdout,
        errstream: IO[Any] = sys.stderr,
    ) -> None:
        env = os.environ
        super().__init__(
            gitdir,
            remote,
            url,
            instream,
            outstream,
            errstream,
            runner=Runner(program_environment(env)),
            find_login=lambda need: login_from_environment(need, env),
        )


def login_from_environment(need: Need, env: Mapping[str, str]) -> Login | None:
    """Find a login in DataLad's variables (`DATALAD_CREDENTIAL_NAME_USER`, `..._SECRET`)."""
    if need.name is None:
        return None
    settings = from_environment(env)
    top = f"datalad.credential.{need.name.lower()}."

    def value(*names: str) -> str | None:
        return next((settings[top + name][-1] for name in names if top + name in settings), None)

    user, secret = value("user", "key", "key_id"), value("secret", "password", "secret_id")
    return Login(user, secret) if user and secret else None


def main() -> None:
    """Serve Git, and exit with 1 if something went wrong: Git says the rest."""
    if len(sys.argv) != 3:
        sys.exit("usage: git-remote-datalad-annex REMOTE URL\n(Git starts this for datalad-annex:: URLs)")
    gitdir = os.environ.get("GIT_DIR")
    folder = None if gitdir else tempfile.mkdtemp(prefix="rookery-deposit-")
    try:
        RepoAnnexGitRemote(gitdir or folder or "", sys.argv[1], sys.argv[2]).communicate()
    except RookeryError as e:
        sys.stderr.write(f"{getattr(e, 'message', None) or e}\n")
        for hint in e.hints:
            sys.stderr.write(f"  hint: {hint}\n")
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)  # Git has gone away
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
