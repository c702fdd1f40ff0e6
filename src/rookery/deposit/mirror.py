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
from rookery.deposit import bare, refsfile
from rookery.deposit.refsfile import Malformed, State
from rookery.git.objects import stat_many
from rookery.git.repo import Repo

SESSION = "session-"


class Lender(NamedTuple):
    """The user's repository, as far as objects go."""

    repo: Repo
    objects: Path

    @property
    def whole(self) -> bool:
        """Whether what a tip leads to is there when Git says so: not in a shallow clone, nor in a partial one."""
        if (self.repo.commondir / "shallow").exists():
            return False
        return not any((self.objects / "pack").glob("*.promisor"))

    def has_all(self, state: State) -> bool:
        """Say whether everything that a state needs is there, as `git fetch` looks before it asks for it."""
        if not state.refs or not self.whole:
            return not state.refs
        tips = "".join(f"{sha}\n" for sha in set(state.refs.values())).encode()
        options = ("--objects", "--stdin", "--not", "--all", "--quiet")
        return self.repo.run("rev-list", *options, stdin=tips, ok=None).code == 0


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

    def state(self) -> State | None:
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

    def adopt(self, state: State) -> None:
        """Show a state whose objects are all the lender's."""
        draft = self.draft()
        bare.make(draft, self._runner, object_format=state.object_format or "sha1")
        self.replace(draft, state)

    def replace(self, draft: Path, state: State) -> None:
        """Put a finished repository in the place of the mirror; the folder is gone afterwards."""
        shutil.rmtree(draft / "refs")  # loose refs would win over the packed ones
        for name in ("heads", "tags"):
            (draft / "refs" / name).mkdir(parents=True)
        bare.set_state(draft, state)
        self._install(draft, state)

    def _install(self, draft: Path, state: State | None) -> None:
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

    @contextmanager
    def session(self, state: State, object_format: str) -> Iterator[Repo]:
        """Give a twin for one conversation; it is gone afterwards, unless it has become the mirror."""
        folder = self.draft()
        try:
            with files.locked(folder / "in-use"):
                repo = bare.make(folder, self._runner, object_format=object_format)
                bare.set_state(folder, state)
                self._share_objects(folder)
                bare.borrow(folder, self.lender.objects if self.lender else None)
                yield repo
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _share_objects(self, folder: Path) -> None:
        for top, _, names in os.walk(self.repo.gitdir / "objects"):
            inside = os.path.relpath(top, self.folder)
            if inside == os.path.join("objects", "info"):
                continue
            os.makedirs(folder / inside, exist_ok=True)
            for name in names:
                _link(os.path.join(top, name), folder / inside / name)

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


def _link(source: str, target: Path) -> None:
    try:
        os.link(source, target)
    except FileExistsError:
        pass  # the name of an object says its content
    except OSError:
        shutil.copyfile(source, target)
