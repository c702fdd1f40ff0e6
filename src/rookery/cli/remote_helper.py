"""The program `git-remote-datalad-annex`, which Git starts for `datalad-annex::` URLs.

git-remote-datalad-annex REMOTE URL
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from rookery.cli.asking import ask
from rookery.core.context import make_context
from rookery.core.errors import RookeryError
from rookery.credentials.credential import CredentialError
from rookery.credentials.special import find_for_special_remote
from rookery.deposit import remote
from rookery.deposit.transport.logins import Way


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
        place = Path(gitdir or ".").absolute()
        # Git has set GIT_DIR for us: settings are read where the repository is, or nowhere.
        self._context = make_context(
            cwd=place if place.is_dir() else Path("/"),
            env=os.environ,
            # Standard input is Git's; the terminal itself is asked.
            interactive=sys.stderr.isatty() and os.environ.get("GIT_TERMINAL_PROMPT") != "0",
        )._replace(ask=ask)
        super().__init__(
            gitdir,
            remote,
            url,
            instream,
            outstream,
            errstream,
            runner=self._context.runner,
            clock=time.time,
            pause=time.sleep,
            machine=platform.node(),
            find_login=self._find_login,
        )

    def _find_login(self, parameters: Mapping[str, str], name: str | None) -> Way:
        """Find a login by name or realm; for stores that may be public, none is no obstacle."""
        ctx = self._context
        try:
            found = find_for_special_remote(ctx, ctx.settings.at(ctx.cwd), parameters, name=name)
        except CredentialError:
            if name is None and parameters["type"].lower() in ("s3", "glacier"):
                return Way()
            raise
        return Way(found.env, found.keep)


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
