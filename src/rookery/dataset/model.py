"""A dataset as operations see it: a place, and what can be read there."""

from __future__ import annotations

from pathlib import Path

from rookery.core.config import Config
from rookery.core.context import Context
from rookery.dataset import layout
from rookery.git.repo import Repo, find_root, open_repo


class Dataset:
    """One dataset at one path.  What is read is kept until `forget`."""

    __slots__ = ("_repo", "ctx", "path")

    def __init__(self, path: Path, ctx: Context) -> None:
        self.path = path
        self.ctx = ctx
        self._repo: Repo | None = None

    def __repr__(self) -> str:
        return f"Dataset({str(self.path)!r})"

    @property
    def repo(self) -> Repo:
        """The Git repository.  Raises NotARepository when there is none (see `is_installed`)."""
        if self._repo is None:
            self._repo = open_repo(self.path, self.ctx.runner)
        return self._repo

    @property
    def config(self) -> Config:
        """The settings that hold here."""
        folder = self.path if self.path.is_dir() else self.ctx.cwd
        return self.ctx.settings.at(folder, dataset=self.path)

    def forget(self) -> None:
        """Read everything anew at the next question (after a program may have changed it)."""
        self.ctx.settings.forget(self.path)
        self._repo = None

    @property
    def id(self) -> str | None:
        """The dataset's identity, `datalad.dataset.id` of its committed configuration; None if it has none."""
        value = self.config.layers["branch"].get(layout.ID_KEY)
        return value[-1] if value else None

    @property
    def annex_uuid(self) -> str | None:
        """The identity of the annex here; None in a repository without one."""
        value: str | None = self.config.get("annex.uuid")
        return value

    def is_installed(self) -> bool:
        """Say whether a repository is here (a subdataset's empty folder is not one)."""
        return find_root(self.path) == self.path

    def annex_jobs(self, jobs: int | str | None) -> int | str | None:
        """Give the number of files that git-annex moves at once: as said, else as configured."""
        if jobs in (None, "auto"):
            return self.config.getint("datalad.runtime.max-annex-jobs", 1)
        return jobs

    def relative(self, path: Path) -> Path:
        """Give a path below the dataset relative to its root."""
        return path.relative_to(self.path)
