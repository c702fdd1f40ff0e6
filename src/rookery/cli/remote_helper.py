"""The program `git-remote-datalad-annex`, which Git starts for `datalad-annex::` URLs.

git-remote-datalad-annex REMOTE URL
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import IO, Any

from rookery.cli.asking import ask
from rookery.core.context import make_context
from rookery.core.errors import RookeryError
from rookery.deposit import remote
from rookery.steps.depositing import surroundings


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
        around = surroundings(self._context, lambda _: None)  # the helper speaks on its own stream
        super().__init__(gitdir, remote, url, instream, outstream, errstream, around=around)


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
