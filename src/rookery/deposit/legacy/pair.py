"""The deposit that datalad-next knows too: `refs`, and the whole repository in one archive."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from rookery.core.errors import CommandError
from rookery.core.process import Runner, decode, encode
from rookery.deposit.legacy import archive
from rookery.deposit.terms import bare, layout, refsfile
from rookery.deposit.terms.refsfile import Malformed, RefList
from rookery.deposit.terms.store import Damaged, Store, Unreadable, Unwritable
from rookery.git.repo import Repo

TRIES = 3  # to read refs and archive that belong together, while somebody replaces them


class LegacyDeposit:
    """A deposit in a store; `folder` is for files that pass through."""

    def __init__(self, store: Store, folder: Path, runner: Runner, *, compressed: bool = True) -> None:
        self._store = store
        self._folder = folder
        self._runner = runner
        self._compressed = compressed

    def state(self) -> RefList | None:
        """Say what the deposit is now; None: there is certainly none.  Raises Unreadable, Damaged.

        Where only the archive is left (somebody was killed between the two), it says it.
        """
        text = self._store.read([layout.REFS])[layout.REFS]
        if text is None:
            return self.archived()
        try:
            return refsfile.parse(decode(text))
        except Malformed as e:
            raise Unreadable(
                f"what lies at the place of the deposit's list of refs is none: {e.message}",
                hints=["look whether the place wants a login, or shows a page of its own"],
            ) from e

    def archived(self) -> RefList | None:
        """Say what the archive holds; None: there is none.  Raises Unreadable, Damaged."""
        with self._passing() as folder:
            file = folder / "repo.zip"
            return archive.read_state(file) if self._store.fetch(layout.ARCHIVE, file) else None

    def bring_objects(self, state: RefList, into: Path) -> RefList:
        """Take the deposit's repository in as `into`; give its state, which may be newer than the one known.

        Raises Unreadable, Damaged.
        """
        for left in reversed(range(TRIES)):
            with self._passing() as folder:
                file = folder / "repo.zip"
                if not self._store.fetch(layout.ARCHIVE, file):
                    raise Damaged(
                        "the deposit says which refs it has, but the archive with the repository is missing",
                        hints=["push again from a clone that has all branches: that makes the deposit whole"],
                    )
                held = archive.take(file, into, self._runner)
            repo = bare.open_bare(into, self._runner)
            if held.refs == state.refs or archive.has_all(repo, state):
                return state  # an archive may be newer than the refs: then its push was not finished
            again = self.state()
            if again is None or not left:
                break
            state = again
            shutil.rmtree(into)
        raise Unreadable(
            "the deposit's list of refs and its archive do not belong together",
            hints=["somebody may be pushing to it: try again; if it stays so, push from a whole clone"],
        )

    def upload(
        self, state: RefList, before: RefList, repo: Repo, *, stamp: bytes = b"", header: str = ""
    ) -> None:
        """Replace archive and refs, in this order and without taking the old ones away first.

        `repo` has or borrows all objects of the new state and of the one `before`: the
        new archive serves the old refs too, so that the deposit is whole at every moment.
        Returns when both are verified.  Raises Unwritable, CommandError.
        """
        with self._passing() as folder:
            file = folder / "repo.zip"
            try:
                archive.make(repo, state, file, compressed=self._compressed, keeping=before, stamp=stamp)
            except CommandError as e:
                raise Unwritable(
                    f"the repository could not be packed: {' '.join(e.stderr.split())}",
                    hints=["look at it with: git fsck"],
                ) from e
            self._store.write(layout.ARCHIVE, file)
        self._store.write(layout.REFS, encode(refsfile.build(state, header=header)))

    def stamp(self) -> bytes | None:
        """Give the stamp in the archive, nothing if it has none; None: there is no archive."""
        with self._passing() as folder:
            file = folder / "repo.zip"
            return archive.read_stamp(file) if self._store.fetch(layout.ARCHIVE, file) else None

    @contextmanager
    def _passing(self) -> Iterator[Path]:
        folder = Path(mkdtemp(prefix="passing-", dir=self._folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
