"""The remote helper for `datalad-annex::` URLs: the parts put together.

A fetch reads `refs`, brings the archive if that says something new, and lets Git's
upload-pack talk.  A push does the same first, lets receive-pack decide, stores the
outcome, and only then lets Git hear what became of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from rookery.annex import identity
from rookery.annex.keys import hashdirlower
from rookery.core import files
from rookery.core.errors import RemoteNotAvailableError, RookeryError
from rookery.core.process import Runner
from rookery.deposit import annexfolder, bare, layout, logins, markers, refsfile, service, url
from rookery.deposit.annexstore import AnnexStore
from rookery.deposit.conversation import Conversation, Say, Stop
from rookery.deposit.legacy import LegacyDeposit, Update
from rookery.deposit.logins import Logins
from rookery.deposit.mirror import Mirror, lender_of
from rookery.deposit.refsfile import State
from rookery.deposit.report import HeldReport
from rookery.deposit.store import Unreadable
from rookery.git import refs
from rookery.git.repo import Repo

FOLDER = "dl-repoannex"
PASSING = ("passing-*", "export-*", "setup-*")  # folders that live no longer than the lock is held
NOTHING_THERE = "couldn't find remote refs (repository deposit does not exist, or is inaccessible"


class PushFailed(RookeryError):
    """A push did not get into the deposit; Git has been told for each ref."""


class RepoAnnexGitRemote:
    """One call of the helper by Git; `communicate` does it all.

    `gitdir` is the repository that fetches or pushes; where there is none (`git
    ls-remote` elsewhere) it is an empty folder that somebody will remove.
    """

    refs_key = layout.REFS
    repo_export_key = layout.ARCHIVE
    internal_parameters = ("dladotgit=uncompressed", *(f"{name}=" for name in url.OURS[1:]))
    safe_content = ("objects", "refs", "packed-refs", "HEAD")
    support_githelper_options: Mapping[str, type] = {"verbosity": int}
    xdlra_key_locations: Mapping[str, Mapping[str, str]] = {
        name: {"prefix": hashdirlower(name), "loc": place} for name, place in layout.PLACES.items()
    }

    def __init__(
        self,
        gitdir: str,
        remote: str,
        url_text: str,
        instream: IO[Any],
        outstream: IO[Any],
        errstream: IO[Any],
        *,
        runner: Runner,
        find_login: Logins = logins.nobody,
    ) -> None:
        self.address = url.parse(url_text)
        self.url = url_text
        self.remote = remote
        self.instream, self.outstream, self.errstream = instream, outstream, errstream
        self._conversation = Conversation()
        place = Path(gitdir).absolute()
        self.user = Repo(place, place, runner, bare=True) if (place / "HEAD").exists() else None
        self._folder = (self.user.commondir if self.user else place) / FOLDER / self.address.name
        self._folder.mkdir(parents=True, exist_ok=True)
        more = logins.environment(self.address, runner.env, find_login)
        runner = runner.with_env({**more, "GIT_NO_LAZY_FETCH": "1"})
        self._mirror = Mirror(self._folder / "mirror", lender_of(self.user) if self.user else None, runner)
        self._store = AnnexStore(self.address, self._folder / "annex", runner)
        self.deposit = LegacyDeposit(self._store, self._folder, runner, compressed=self.address.compressed)

    # --- the conversation ------------------------------------------------------------------------

    def communicate(self) -> None:
        """Answer Git until it has no more to ask.  Raises RookeryError."""
        while line := self.instream.readline():
            todo = self._conversation.hear(line if isinstance(line, str) else line.decode())
            if isinstance(todo, Stop):
                return
            if isinstance(todo, Say):
                self.send(todo.text)
                continue
            if todo.service == "git-receive-pack":
                self._push()
            else:
                self._serve(todo.service)
            return

    def send(self, msg: str) -> None:
        """Say something to Git."""
        self.outstream.write(msg)
        self.outstream.flush()

    def log(self, *args: object, level: int = 2) -> None:
        """Say something to the person, if Git was asked to be that talkative."""
        if self._conversation.verbosity >= level:
            self._complain((" ".join(str(a) for a in args) + "\n").encode())

    def _write(self, data: bytes) -> None:
        out = getattr(self.outstream, "buffer", self.outstream)  # what Git is told from here on is bytes
        out.write(data)
        out.flush()

    def _complain(self, data: bytes) -> None:
        self.errstream.write(data.decode("utf-8", "replace"))
        self.errstream.flush()

    # --- reading ---------------------------------------------------------------------------------

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with files.locked(self._folder / "lock"):
            yield

    def _synchronise(self) -> State | None:
        """Make the mirror show what the deposit is now, and give that; to be called under the lock."""
        self._sweep()
        state = self.deposit.state()
        if state is None or self._mirror.state() == state:
            return state
        lender = self._mirror.lender
        if lender is not None and state.refs and lender.has_all(state):
            self._mirror.adopt(state)
            return state
        self.log("bringing the deposit's repository", level=2)
        draft = self._mirror.draft()
        try:
            state = self.deposit.bring_objects(state, draft)
            self._mirror.replace(draft, state)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return state

    def _sweep(self) -> None:
        """Remove what killed processes have left: who holds the lock has nothing of this yet."""
        self._mirror.sweep()
        for pattern in PASSING:
            for folder in self._folder.glob(pattern):
                annexfolder.remove(folder)

    def _serve(self, name: str) -> None:
        with ExitStack() as stack:
            with self._locked():
                state = self._synchronise()
                if state is None:
                    raise self._nothing_there()
                session = stack.enter_context(self._mirror.session(state, state.object_format or "sha1"))
            self.send("\n")
            stdin = self.instream.fileno()
            service.serve(session, name, stdin=stdin, write=self._write, complain=self._complain)
            service.wait_for_end(stdin)
        with self._locked():
            self._mirror.slim()

    def _nothing_there(self) -> RookeryError:
        return RemoteNotAvailableError(
            f"{NOTHING_THERE}: {self.url})",
            hints=["look at the URL; a new deposit comes to be by a push"],
        )

    # --- writing ---------------------------------------------------------------------------------

    def _push(self) -> None:
        with ExitStack() as stack:
            with self._locked():
                before = self._synchronise()
                kind = self._object_format(before)
                if before is None:
                    self._mirror.clear(kind)
                session = stack.enter_context(self._mirror.session(before or self._first_state(), kind))
            self.send("\n")
            stdin = self.instream.fileno()
            report, broken = service.receive(session, stdin=stdin, write=self._write, complain=self._complain)
            if broken is not None:
                self._write(report.refuse("git receive-pack failed"))
                raise broken
            after = self._outcome(session, before)
            if after is not None:
                self._store_outcome(Update(after, before or refsfile.EMPTY, session), before, report)
            elif self.user is not None:
                markers.clear(self.user, self._markers)
            self._write(report.release())
        with self._locked():
            self._mirror.slim()

    def _first_state(self) -> State:
        head = refsfile.choose_head({}, wanted=self._wanted_head, before=None, user=self._user_branch())
        return State({}, head)

    def _outcome(self, session: Repo, before: State | None) -> State | None:
        """Give what the deposit is to be now; None if it is that already."""
        now = bare.read_refs(session)
        if now == (before.refs if before else {}) and not (before and self._wanted_head):
            return None
        head = refsfile.choose_head(
            now, wanted=self._wanted_head, before=before.head if before else None, user=self._user_branch()
        )
        after = State(now, head)
        return None if after == before else after

    def _store_outcome(self, update: Update, before: State | None, report: HeldReport) -> None:
        """Store it, verified, or tell Git for each ref that it is not.  Raises PushFailed."""
        try:
            with self._locked():
                if self.deposit.state() != before:
                    self._write(report.refuse("fetch first"))
                    raise PushFailed(
                        "somebody else has pushed to the deposit in the meantime",
                        hints=["git fetch, then push again"],
                    )
                self.deposit.upload(update)
                self._mirror.replace(update.repo.gitdir, update.state)
        except PushFailed:
            raise
        except (RookeryError, OSError) as e:
            self._write(report.refuse(str(e.args[0] if isinstance(e, RookeryError) else e)))
            if self.user is not None:
                markers.put(self.user, self._markers, update.state)
            raise PushFailed(f"the deposit was not updated: {e}", hints=getattr(e, "hints", ())) from e
        if self.user is not None:
            markers.clear(self.user, self._markers)

    @property
    def _markers(self) -> str:
        return markers.folder_for(self.remote, self.url, self.address.name)

    @property
    def _wanted_head(self) -> str | None:
        wanted = self.address.ours.get(url.HEAD)
        return wanted if wanted is None or wanted.startswith("refs/") else refsfile.HEADS + wanted

    def _user_branch(self) -> str | None:
        """Give the branch that the user is on, the original if it is an adjusted one; None if on none."""
        if self.user is None:
            return None
        if refs.head(self.user).branch is None:
            return None
        branch = identity.corresponding_branch(self.user)
        return None if branch is None else refsfile.HEADS + branch

    def _object_format(self, state: State | None) -> str:
        known = state.object_format if state else None
        if known is not None or self.user is None:
            return known or "sha1"
        return self.user.text("rev-parse", "--show-object-format")

    # --- for programs that work with the parts ---------------------------------------------------

    @property
    def repoannex(self) -> Repo:
        """The annex through which the deposit is reached, made if it is not there."""
        return self._store.repo

    @property
    def mirrorrepo(self) -> Repo:
        """The mirror, made from the deposit (or empty) if it is not there."""
        if self._mirror.state() is None:
            with self._locked():
                if self._synchronise() is None:
                    self._mirror.clear(self._object_format(None))
        return self._mirror.repo

    def get_remote_refs(self, raise_on_error: bool = False) -> str | None:
        """Give the text of the deposit's `refs`; None if there is none, or if it could not be read.

        Where the two are to be told apart, `raise_on_error` raises Unreadable.
        """
        try:
            with self._locked():
                state = self.deposit.state()
        except Unreadable:
            if raise_on_error:
                raise
            return None
        return None if state is None else refsfile.build(state)

    def get_mirror_refs(self) -> str:
        """Give the mirror's refs in the same form."""
        repo = self.mirrorrepo
        return refsfile.build(State(bare.read_refs(repo), refs.head(repo).ref))

    def replace_mirrorrepo_from_remote_deposit(self) -> None:
        """Make the mirror anew from the deposit.  Raises RemoteNotAvailableError if there is none."""
        with self._locked():
            self._mirror.clear()
            if self._synchronise() is None:
                raise self._nothing_there()

    def replace_mirrorrepo_from_remote_deposit_if_needed(self) -> tuple[str | None, str]:
        """Make the mirror show the deposit; give the refs of both."""
        with self._locked():
            state = self._synchronise()
        return (None if state is None else refsfile.build(state)), self.get_mirror_refs()

    def replace_remote_deposit_from_mirrorrepo(self) -> None:
        """Store what the mirror shows.  Raises Unwritable."""
        repo = self.mirrorrepo
        with self._locked():
            state = State(bare.read_refs(repo), refs.head(repo).ref)
            self.deposit.upload(Update(state, state, repo))
