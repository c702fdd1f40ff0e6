"""Putting an object into an annex of ours, from where git-annex carries it away."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from rookery.annex import store
from rookery.core import files
from rookery.deposit.transport import annexfolder
from rookery.git.repo import Repo

LONG_AGO = 1  # a time of change that nothing at the far side has


def put(repo: Repo, key: str, content: bytes | Path, *, aged: bool = False) -> None:
    """Put a content where git-annex looks for it.

    `aged` is for rsync, which takes files of one size and one second for the same.
    """
    here = Path(store.candidates(repo, key)[0])
    if here.parent.is_dir():
        annexfolder.remove(here.parent)
    if isinstance(content, bytes):
        files.write(here, content)
    else:
        here.parent.mkdir(parents=True)
        try:
            os.link(content, here)
        except OSError:
            shutil.copyfile(content, here)
    if aged:
        os.utime(here, (LONG_AGO, LONG_AGO))
