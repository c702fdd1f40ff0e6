"""People who share one deposit: each has a repository, a mirror that borrows from it, and a writer id."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rookery.core.context import Context
from rookery.deposit.protocol.exchange import Change, FetchFirst, Outcome, Pushed, Update
from rookery.deposit.protocol.incremental import Options, V2Deposit
from rookery.deposit.terms.store import Store
from rookery.git.repo import Repo, open_repo

MAIN = "refs/heads/main"


def no_pause(seconds: float) -> None:
    """Take no time."""


class Person:
    """Commits, pushes, fetches.  `now` is the time on their watch."""

    def __init__(
        self,
        name: str,
        folder: Path,
        context: Callable[..., Context],
        store: Store,
        *,
        object_format: str = "sha1",
        options: Options | None = None,
    ) -> None:
        folder.mkdir()
        runner = context(folder).runner
        kind = f"--object-format={object_format}"
        runner.run(["git", "init", "-q", "-b", "main", kind, folder / "work"], cwd=folder)
        runner.run(["git", "init", "-q", "--bare", kind, folder / "mirror"], cwd=folder)
        self.name = name
        self.work = open_repo(folder / "work", runner)
        self.mirror = Repo(folder / "mirror", folder / "mirror", runner, bare=True)
        (folder / "mirror/objects/info/alternates").write_text(f"{folder / 'work/.git/objects'}\n")
        self.folder = folder
        self.now = 1_000_000.0
        self.options = options or Options(pause=no_pause)
        self.at(store)

    def at(self, store: Store) -> Person:
        """Use another store from now on; the memory stays."""
        self.deposit = V2Deposit(
            store,
            self.mirror,
            self.name,
            folder=self.folder / "memory",
            clock=lambda: self.now,
            options=self.options,
            source=self.work,
        )
        return self

    def commit(self, text: str | bytes, file: str = "file", *, branch: str | None = None) -> str:
        """Write a file and commit it; give the commit."""
        if branch is not None:
            self.work.run("checkout", "-q", "-B", branch)
        (self.work.root / file).write_bytes(text if isinstance(text, bytes) else text.encode())
        self.work.run("add", "--", file)
        self.work.run("commit", "-q", "-m", f"{self.name}: {file}")
        return self.tip("HEAD")

    def tip(self, name: str) -> str:
        """Give the commit behind a name."""
        return self.work.text("rev-parse", name)

    def update(self, *names: str, to: str | None = "HEAD", head: str | None = None) -> Update:
        """Wish for some refs to be where a name leads here; `to` of None deletes them."""
        there = self.deposit.state().values
        new = None if to is None else self.tip(to)
        return Update(tuple(Change(name, there.get(name), new) for name in names or (MAIN,)), head)

    def push(self, *names: str, to: str | None = "HEAD", head: str | None = None) -> Outcome:
        """Push what is wished for."""
        return self.deposit.push(self.update(*names, to=to, head=head))

    def pushed(self, *names: str, to: str | None = "HEAD", head: str | None = None) -> Pushed:
        """Push, and insist that it goes through."""
        outcome = self.push(*names, to=to, head=head)
        assert isinstance(outcome, Pushed), outcome
        return outcome

    def fetch(self) -> dict[str, str]:
        """Bring all into the work repository, as `git fetch` from the mirror would; give the deposit's refs."""
        state = self.deposit.state()
        self.deposit.bring_objects(state)
        for ref, sha in state.values.items():
            self.mirror.run("update-ref", ref, sha)
        self.work.run("fetch", "-q", self.mirror.root, "+refs/*:refs/deposit/*")
        return state.values

    def catch_up(self, branch: str = "main") -> None:
        """Fetch, and put own commits on top of what is there."""
        values = self.fetch()
        if there := values.get(f"refs/heads/{branch}"):
            born = self.work.run("rev-parse", "-q", "--verify", "HEAD", ok=(0, 1)).code == 0
            self.work.run(*(("rebase", "-q", "-X", "theirs") if born else ("reset", "-q", "--hard")), there)

    def take_from(self, other: Person) -> None:
        """Get the history directly, past the deposit."""
        self.work.run("fetch", "-q", other.work.root, "main")
        self.work.run("reset", "-q", "--hard", "FETCH_HEAD")

    def push_until_through(self, *, tries: int = 60) -> int:
        """Push the own branch, catching up whenever told so; give how many tries it took."""
        for turn in range(1, tries + 1):
            there = self.deposit.state().values.get(MAIN)
            if there is not None and self.deposit.repo.run("cat-file", "-e", there, ok=None).code:
                self.catch_up()
                continue
            if (
                there is not None
                and self.work.run("merge-base", "--is-ancestor", there, "HEAD", ok=None).code
            ):
                self.catch_up()
                continue
            outcome = self.deposit.push(Update((Change(MAIN, there, self.tip("HEAD")),)))
            if not isinstance(outcome, FetchFirst):
                return turn
        raise AssertionError(f"{self.name} was refused {tries} times")
