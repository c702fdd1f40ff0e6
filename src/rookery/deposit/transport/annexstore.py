"""The store over a special remote: objects are keys, and git-annex carries them, all of them by one process.

Only what that process did not do is asked about by another one, which says why.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp

from rookery.annex import program, store
from rookery.annex.keys import key_file
from rookery.annex.store import annex_dir
from rookery.core.errors import CommandError, RookeryError
from rookery.core.process import Runner
from rookery.deposit.terms import layout
from rookery.deposit.terms.store import Overwritten, Unreadable, Unwritable
from rookery.deposit.terms.url import Address
from rookery.deposit.transport import absence, annexfolder, backend, complaints, export, transit
from rookery.deposit.transport.annexfolder import REMOTE
from rookery.deposit.transport.carrier import Carrier
from rookery.deposit.transport.complaints import readable
from rookery.deposit.transport.webread import Reader
from rookery.git.repo import Repo

SMALL = 1 << 20  # read back whole after writing
UNSAID = "git-annex does not say why"
# checkpresentkey's exit codes; any other means that it cannot be told.
PRESENT, ABSENT = 0, 1


class AnnexStore:
    """A Store (see the port) over the special remote of an address; `folder` is where our annex for it lives."""

    def __init__(
        self, address: Address, folder: Path, runner: Runner, *, reader: Reader | None = None
    ) -> None:
        self._address = address
        self._reader = reader
        self._folder = folder
        self._runner = runner
        self._repo: Repo | None = None
        self._carrying: Carrier | None = None
        self._registered: set[str] = set()

    @property
    def repo(self) -> Repo:
        """The annex, made at its first use."""
        if self._repo is None:
            self._repo = annexfolder.folder_for(self._address, self._folder, self._runner)
        return self._repo

    def rest(self) -> None:
        """End the processes of git-annex that wait for more: nobody else can tell what they do in the annex."""
        if self._carrying is not None:
            self._carrying.rest()

    @property
    def _carrier(self) -> Carrier:
        if self._carrying is None:
            self._carrying = Carrier(self.repo, self._remote)
        return self._carrying

    @property
    def _remote(self) -> str:
        return "web" if self._address.type == "web" else REMOTE

    def read(self, names: Sequence[str]) -> Mapping[str, bytes | None]:
        """Give the content of small objects; None: certainly absent.  Raises Unreadable."""
        found = dict(self._reader(names)) if self._reader else {}
        for name in names:
            # One after another: two git-annex at once in one annex want the same lock of its index.
            if name not in found:
                here = self._bring(name)
                found[name] = None if here is None else here.read_bytes()
                self._forget(name)
        return found

    def fetch(self, name: str, into: Path) -> bool:
        """Bring a large object into a file; False: certainly absent.  Raises Unreadable."""
        here = self._bring(name)
        if here is None:
            return False
        os.chmod(here.parent, 0o755)
        shutil.move(here, into)
        os.chmod(into, 0o644)
        self._forget(name)
        return True

    def present(self, names: Sequence[str]) -> Mapping[str, bool]:
        """Say which objects are there.  Raises Unreadable."""
        return {name: self._present(name) for name in names}

    def write(self, name: str, content: bytes | Path) -> None:
        """Create an object or replace it, and see that it is there.  Raises Unwritable."""
        if self._address.read_only:
            raise Unwritable(
                f"a special remote of type {self._address.type} can only be read",
                hints=["push to the place itself, by a URL with the type of its storage"],
            )
        try:
            self._send(name, content)
        except CommandError as first:
            self._prepare(first)
            try:
                self._send(name, content)
            except CommandError as e:
                raise _unwritable(name, e) from e
        self._verify(name, content)

    def remove(self, names: Sequence[str]) -> None:
        """Remove objects.  Raises Unwritable, Unreadable."""
        for name in names:
            if not self._present(name):
                continue
            try:
                # Nobody else ever counts on copies in this annex, so there is nothing to prove.
                program.run(self.repo, "drop", "--force", "--from", self._remote, "--key", name)
            except CommandError as e:
                raise _unwritable(name, e) from e

    def _bring(self, name: str) -> Path | None:
        """Bring an object into the annex and give its path there; None: certainly absent."""
        self._forget(name)
        if self._address.type == "web":
            self._register(name)
        if self._carrier.bring(name) and (here := self._here(name)):
            return here
        if not self._looked_for(name):
            return None
        self._forget(name)
        runner = self.repo.runner
        if layout.mutable(name):
            # What is torn is for those to judge who know what it should be: they may do without it, or wait.
            runner = runner.with_env({backend.UNJUDGED: "1"})
        asked = program.argv("transferkey", [name, "--from", self._remote])
        answer = runner.run(asked, cwd=self.repo.root, ok=None)
        if answer.code == 0 and (here := self._here(name)):
            return here
        raise _unreadable(name, answer.stderr)

    def _here(self, name: str) -> Path | None:
        path = Path(store.object_path(self.repo, name))
        return path if path.is_file() else None

    def _present(self, name: str) -> bool:
        if self._address.type == "web":
            self._register(name)
        return self._carrier.finds(name) or self._looked_for(name)

    def _looked_for(self, name: str) -> bool:
        """Say whether an object is there, by a process of its own: its exit code tells absence from trouble."""
        if absence.is_asked_first(self._address):
            return not absence.is_certain(self._address, name, self.repo.runner)
        asked = program.argv("checkpresentkey", [name, self._remote])
        answer = self.repo.runner.run(asked, cwd=self.repo.root, ok=None)
        if answer.code == PRESENT:
            return True
        if answer.code != ABSENT:
            raise _unreadable(name, answer.stderr)
        if not absence.is_certain(self._address, name, self.repo.runner):
            raise Unreadable(
                f"{name} seems to be there, but git-annex does not find it",
                hints=["try again; if it stays so, look at the parameters in the URL"],
            )
        return False

    def _register(self, name: str) -> None:
        """Tell git-annex at which URL an object is: its own web remote knows nothing else."""
        if name in self._registered:
            return
        url = layout.url_of(self._address.settings["url"], name, exported=self._address.exported)
        self._carrier.register(name, url)
        self._registered.add(name)

    def _send(self, name: str, content: bytes | Path) -> None:
        """Carry an object over.  Raises CommandError."""
        if self._address.exported and name in layout.PLACES:
            export.replace(self.repo, name, content, there=self._present(name))
            return
        transit.put(self.repo, name, content, aged=self._address.type == "rsync")
        try:
            if not self._carrier.send(name):
                program.run(self.repo, "transferkey", name, "--to", REMOTE)
        finally:
            self._forget(name)

    def _prepare(self, failed: CommandError) -> None:
        """Let git-annex make the place (a bucket, a folder), since writing there did not work."""
        if not annexfolder.is_direct(self._address):
            return
        self.rest()  # what waits there has seen a place that was not there
        try:
            self._set_up()
        except RookeryError:
            # One bad answer is passed over by git-annex here, and shows as a folder that is missing.
            try:
                self._set_up()
            except RookeryError as e:
                raise Unwritable(
                    f"the deposit cannot be written: {readable(failed.stderr)}; {e.message}", hints=e.hints
                ) from failed

    def _set_up(self) -> None:
        folder = Path(mkdtemp(prefix="setup-", dir=self._folder.parent))
        try:
            annexfolder.set_up(self._address, folder, self.repo.runner)
        finally:
            annexfolder.remove(folder)

    def _verify(self, name: str, content: bytes | Path) -> None:
        """Read small objects back, and look whether large ones are there.  Raises Unwritable."""
        try:
            if isinstance(content, bytes) and len(content) <= SMALL:
                right = self.read([name])[name] == content
            else:
                right = self._present(name)
        except Unreadable as e:
            raise Unwritable(
                f"{name} was stored, but could not be verified: {e.message}", hints=e.hints
            ) from e
        if not right:
            raise Overwritten(
                f"{name} was stored, but the place does not give it back as it was",
                hints=["push again; if that stays so, another program may be writing to the same place"],
            )

    def _forget(self, name: str) -> None:
        """Remove what is here of an object: the far side's is wanted, and no half of a former one."""
        for path in store.candidates(self.repo, name):
            folder = os.path.dirname(path)
            if os.path.isdir(folder):
                annexfolder.remove(Path(folder))
        if layout.mutable(name):
            (annex_dir(self.repo) / "tmp" / key_file(name)).unlink(missing_ok=True)


def _unreadable(name: str, said: bytes) -> Unreadable:
    return Unreadable(
        f"{name} could not be read from the deposit: {readable(said) or UNSAID}",
        hints=[*complaints.hints(said), "try again when the place can be reached; nothing was changed"],
    )


def _unwritable(name: str, error: CommandError) -> Unwritable:
    return Unwritable(
        f"{name} could not be written to the deposit: {readable(error.stderr) or UNSAID}",
        hints=[
            *complaints.hints(error.stderr),
            "look whether the place can be reached, is yours to write, and has room; then push again",
        ],
    )
