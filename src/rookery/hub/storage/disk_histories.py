"""Git repositories on disk, one folder each: `repositories/12.git`.

Written by hand, without `git init`: no templates, no hooks, no settings of whoever
runs the hub.  `annex.uuid` and `annex.version` in the configuration are all
that stock clients need to take a repository for an annex (seen with git-annex
10.20261026).  There is no branch git-annex in it until somebody pushes one: if there were,
the first plain `git push` of everybody would be refused as not a fast-forward.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from rookery.core import files
from rookery.core.process import Runner
from rookery.git.repo import NotARepository, Repo
from rookery.hub.domain.errors import Conflict
from rookery.hub.storage.disk_links import link_objects

_FOLDER = re.compile(r"([0-9]+)\.git")

# From a folder of ours; what clients ask for by such an address is never followed.
_FETCH = ("-c", "protocol.file.allow=always", "fetch", "--quiet", "--no-auto-gc", "--no-write-fetch-head")

CONFIG = """[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
[annex]
\tuuid = {uuid}
\tversion = 10
"""


class DiskHistories:
    """What `domain.ports.histories` says, in one folder; `runner` starts Git with nobody's settings."""

    def __init__(self, folder: Path, runner: Runner) -> None:
        self._folder = folder
        self.runner = runner

    def place(self, repository: int) -> Path:
        """Give the folder of a repository, there or not."""
        return self._folder / f"{repository:d}.git"

    def create(self, repository: int, *, uuid: str, default_branch: str) -> Repo:
        """Make an empty one: HEAD is written last, and with it Git takes it for a repository."""
        place = self.place(repository)
        if (place / "HEAD").exists():
            raise Conflict(f"there is a repository in {place} already")
        for name in ("objects/info", "objects/pack", "refs/heads", "refs/tags", "annex/objects"):
            (place / name).mkdir(parents=True, exist_ok=True)
        files.write(place / "config", CONFIG.format(uuid=uuid), durable=True)
        files.write(place / "HEAD", f"ref: refs/heads/{default_branch}\n", durable=True)
        return Repo(place, place, self.runner, bare=True)

    def fork(self, source: int, target: int) -> None:
        """Link what is packed and loose, then fetch: Git finds all or nearly all there, and checks that it is whole."""
        theirs, mine = self.open(source), self.open(target)
        link_objects(theirs.gitdir / "objects", mine.gitdir / "objects")
        mine.run(*_FETCH, str(theirs.gitdir), "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")

    def open(self, repository: int) -> Repo:
        """Give the handle of one."""
        place = self.place(repository)
        if not (place / "HEAD").is_file():
            raise NotARepository(
                f"{place} is not a Git repository", hints=["rookery hub doctor says what is missing"]
            )
        return Repo(place, place, self.runner, bare=True)

    def remove(self, repository: int) -> None:
        """Remove one; moved aside first, so that no half of it is ever served."""
        place = self.place(repository)
        aside = place.with_name(f".removed-{repository:d}")
        try:
            os.rename(place, aside)
        except FileNotFoundError:
            pass  # a former try came so far
        if aside.exists():
            for top, names, _ in os.walk(aside):
                for name in names:
                    os.chmod(
                        os.path.join(top, name), 0o700
                    )  # objects are kept in folders without write permission
            shutil.rmtree(aside)

    def numbers(self) -> list[int]:
        """Give the numbers of all that are on disk."""
        if not self._folder.is_dir():
            return []
        found = (_FOLDER.fullmatch(name) for name in os.listdir(self._folder))
        return sorted(int(match[1]) for match in found if match)
