"""The bare repository that stands for the deposit here, and that Git talks to.

Objects that the user's repository has are borrowed from it and never stored a
second time.  The mirror can be thrown away at any moment: it is made anew from
the deposit.  The other direction, the user's repository borrowing, would not be safe.

Git never talks to the mirror itself but to a *session*, a twin with hard links
to its packs: so a push that fails is undone by removing a folder, two fetches
do not disturb each other, and nobody holds a lock while Git thinks.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

from rookery.core import files
from rookery.core.errors import CommandError, LockedError
from rookery.core.process import Runner
from rookery.deposit.terms import bare, refsfile
from rookery.deposit.terms.refsfile import Malformed, RefList
from rookery.git.objects import stat_many
from rookery.git.repo import Repo

SESSION = "session-"


class Lender(NamedTuple):
    """The user's repository, as far as objects go."""

    repo: Repo
    objects: Path


def lender_of(repo: Repo) -> Lender:
    """Give the user's repository as a lender of objects."""
    return Lender(repo, repo.commondir / "objects")


class Mirror:
    """The mirror in a folder; `lender` is None where there is no repository to borrow from."""

    def __init__(self, folder: Path, lender: Lender | None, runner: Runner) -> None:
        self.folder = folder
        self.lender = lender
        self._runner = runner
        self._state_file = folder / "deposit-state"
        self._fat = folder / "not-slimmed"

    @property
    def repo(self) -> Repo:
        """The mirror as a repository, made empty if it is not there."""
        if not (self.folder / "HEAD").is_file():
            self.clear()
        return bare.open_bare(self.folder, self._runner)

    def state(self) -> RefList | None:
        """Give the state of the deposit that the mirror shows, None if it shows none or lacks objects."""
        try:
            state = refsfile.parse(self._state_file.read_text("utf-8", "surrogateescape"))
        except (FileNotFoundError, Malformed):
            return None
        shas = list(dict.fromkeys(state.refs.values()))
        return None if any(found is None for found in stat_many(self.repo, shas)) else state

    def clear(self, object_format: str = "sha1") -> None:
        """Make it the mirror of nothing."""
        draft = self.draft()
        bare.make(draft, self._runner, object_format=object_format)
        self._install(draft, None)

    def draft(self) -> Path:
        """Give a new folder beside the mirror, for what may become it."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        return Path(mkdtemp(prefix=f"{SESSION}{os.getpid()}-", dir=self.folder.parent))

    def replace(self, draft: Path, state: RefList) -> None:
        """Put a finished repository in the place of the mirror; the folder is gone afterwards."""
        shutil.rmtree(draft / "refs")  # loose refs would win over the packed ones
        for name in ("heads", "tags"):
            (draft / "refs" / name).mkdir(parents=True)
        bare.set_state(draft, state)
        self._install(draft, state)

    def _install(self, draft: Path, state: RefList | None) -> None:
        bare.borrow(draft, self.lender.objects if self.lender else None)
        if self.lender is not None and _packs(draft):
            files.write(draft / self._fat.name, "")
        if state is not None:
            text = refsfile.build(state).encode("utf-8", "surrogateescape")
            files.write(draft / self._state_file.name, text)
        old = self.draft()
        if self.folder.exists():
            os.replace(self.folder, old / "mirror")
        os.replace(draft, self.folder)
        shutil.rmtree(old, ignore_errors=True)

    def show(self, state: RefList) -> None:
        """Show a state whose objects are here or the lender's."""
        self._state_file.unlink(missing_ok=True)
        bare.set_state(self.folder, state)
        bare.borrow(self.folder, self.lender.objects if self.lender else None)
        text = refsfile.build(state).encode("utf-8", "surrogateescape")
        files.write(self._state_file, text)

    def has_grown(self) -> None:
        """Note that objects have come that the lender may have one day."""
        if self.lender is not None:
            files.write(self._fat, "")

    def of_kind(self, object_format: str) -> Repo:
        """Give the mirror, made anew if its objects are named by another hash function."""
        if (
            bare.object_format(self.folder) not in (None, object_format)
            or not (self.folder / "HEAD").is_file()
        ):
            self.clear(object_format)
        return self.repo

    @contextmanager
    def session(self, state: RefList, object_format: str) -> Iterator[Repo]:
        """Give a twin for one conversation; it is gone afterwards, unless it has become the mirror."""
        folder = self.draft()
        try:
            with files.locked(folder / "in-use"):
                repo = bare.make(folder, self._runner, object_format=object_format)
                bare.set_state(folder, state)
                bare.take_objects(folder, self.folder)
                bare.borrow(folder, self.lender.objects if self.lender else None)
                yield repo
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def slim(self) -> None:
        """Let go of the objects that the lender has by now."""
        if not self._fat.exists():
            return
        settings = ("-c", "repack.writeBitmaps=false", "-c", "repack.updateServerInfo=false")
        try:
            self.repo.run(*settings, "repack", "-a", "-d", "-l", "-q")
        except CommandError:
            return  # as large as before, and as good
        self._fat.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what killed processes have left; to be called by the one who holds the lock."""
        for folder in self.folder.parent.glob(f"{SESSION}*"):
            if folder.name.startswith(f"{SESSION}{os.getpid()}-"):
                continue
            try:
                with files.locked(folder / "in-use", wait=0):
                    shutil.rmtree(folder, ignore_errors=True)
            except (LockedError, FileNotFoundError):
                continue


def _packs(folder: Path) -> bool:
    return any((folder / "objects" / "pack").glob("*.pack"))
