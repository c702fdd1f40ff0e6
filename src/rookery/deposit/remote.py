"""The remote helper for `datalad-annex::` URLs: the parts put together.

A fetch reads `refs`, brings the archive if that says something new, and lets Git's
upload-pack talk.  A push does the same first, lets receive-pack decide, stores the
outcome, and only then lets Git hear what became of it.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from rookery.annex import identity
from rookery.annex.keys import hashdirlower
from rookery.core.errors import RemoteNotAvailableError, RookeryError
from rookery.deposit.opening import Surroundings, open_deposit
from rookery.deposit.protocol.exchange import FetchFirst, Outcome
from rookery.deposit.protocol.incremental import LegacyMoved
from rookery.deposit.protocol.state import CONFLICTS
from rookery.deposit.talk import markers, service
from rookery.deposit.talk.conversation import Conversation, Say, Stop
from rookery.deposit.talk.report import HeldReport
from rookery.deposit.terms import bare, layout, refsfile, url
from rookery.deposit.terms.refsfile import RefList
from rookery.deposit.terms.store import Unreadable
from rookery.deposit.whole import View
from rookery.git import refs
from rookery.git.repo import Repo

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
    internal_parameters = (
        "dladotgit=uncompressed",
        *(f"{name}=" for name in url.OURS if name != url.UNCOMPRESSED),
    )
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
        around: Surroundings,
    ) -> None:
        self.address = url.parse(url_text)
        self.url = url_text
        self.remote = remote
        self.instream, self.outstream, self.errstream = instream, outstream, errstream
        self._conversation = Conversation()
        place = Path(gitdir).absolute()
        runner = around.runner
        self.user = Repo(place, place, runner, bare=True) if (place / "HEAD").exists() else None
        self._opened = open_deposit(self.address, self.user, place, around._replace(say=self._tell))
        self.deposit, self._mirror = self._opened.deposit, self._opened.mirror

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

    def _tell(self, text: str) -> None:
        """Say something to the person, unless they want no words at all."""
        self.log(text, level=1)

    def _complain(self, data: bytes) -> None:
        self.errstream.write(data.decode("utf-8", "replace"))
        self.errstream.flush()

    # --- reading ---------------------------------------------------------------------------------

    def _synchronise(self) -> View | None:
        """Make the mirror show what the deposit is now, and give that; to be called under the lock."""
        view = self.deposit.synchronise()
        self._opened.way.keep()
        for writer, trouble in (view.seen.lost if view and view.seen else {}).items():
            there = shlex.quote(f"datalad-annex::{self.url.removeprefix('datalad-annex::')}")
            self._tell(
                f"{trouble.message}: what writer {writer} pushed last may be missing here, and others cannot push"
                f" (until {writer} has, or in a clone that has it: rookery deposit repair {there})"
            )
        for name in sorted(view.refs.refs) if view is not None else ():
            if name.startswith(CONFLICTS):
                self._tell(
                    f"two have pushed different things to one ref; what lost is kept as {name}"
                    f" (git fetch {self.remote} {name}, put it on top, then delete it there)"
                )
        return view

    def _serve(self, name: str) -> None:
        with ExitStack() as stack:
            with self._opened.working():
                view = self._synchronise()
                if view is None:
                    raise self._nothing_there()
                kind = self._object_format(view)
                session = stack.enter_context(self._mirror.session(view.refs, kind))
            self.send("\n")
            stdin = self.instream.fileno()
            service.serve(session, name, stdin=stdin, write=self._write, complain=self._complain)
            service.wait_for_end(stdin)
        with self._opened.working():
            self._mirror.slim()

    def _nothing_there(self) -> RookeryError:
        return RemoteNotAvailableError(
            f"{NOTHING_THERE}: {self.url})",
            hints=["look at the URL; a new deposit comes to be by a push"],
        )

    # --- writing ---------------------------------------------------------------------------------

    def _push(self) -> None:
        outcome: Outcome | None = None
        with ExitStack() as stack:
            with self._opened.working():
                view = self._synchronise()
                kind = self._object_format(view)
                if view is None:
                    self._mirror.clear(kind)
                shown = view.refs if view else self._first_state()
                session = stack.enter_context(self._mirror.session(shown, kind))
            self.send("\n")
            stdin = self.instream.fileno()
            report, broken = service.receive(session, stdin=stdin, write=self._write, complain=self._complain)
            if broken is not None:
                self._write(report.refuse("git receive-pack failed"))
                raise broken
            after = self._outcome(session, view.refs if view else None)
            if after is not None:
                outcome = self._store_outcome(view, after, session, report)
            elif view is not None:
                self._refresh(view, session)
            if self.user is not None:
                markers.clear(self.user, self._markers)
            self._write(report.release())
        with self._opened.working():
            if outcome is not None:
                self.deposit.tidy(outcome)
            self._mirror.slim()

    def _refresh(self, view: View, session: Repo) -> None:
        with self._opened.working():
            self.deposit.refresh(view, session)

    def _first_state(self) -> RefList:
        head = refsfile.choose_head({}, wanted=self._wanted_head, before=None, user=self._user_branch())
        return RefList({}, head)

    def _outcome(self, session: Repo, before: RefList | None) -> RefList | None:
        """Give what the deposit is to be now; None if it is that already."""
        now = bare.read_refs(session)
        if now == (before.refs if before else {}) and not (before and self._wanted_head):
            return None
        head = refsfile.choose_head(
            now, wanted=self._wanted_head, before=before.head if before else None, user=self._user_branch()
        )
        after = RefList(now, head)
        return None if after == before else after

    def _store_outcome(self, view: View | None, after: RefList, session: Repo, report: HeldReport) -> Outcome:
        """Store it, verified, or tell Git for each ref that it is not.  Raises PushFailed."""
        try:
            with self._opened.working():
                outcome = self.deposit.push(view, after, session)
                if not isinstance(outcome, FetchFirst):
                    self._mirror.replace(session.gitdir, after)
                    return outcome
        except LegacyMoved:
            pass
        except (RookeryError, OSError) as e:
            self._write(report.refuse(str(e.args[0] if isinstance(e, RookeryError) else e)))
            if self.user is not None:
                markers.put(self.user, self._markers, after)
            raise PushFailed(f"the deposit was not updated: {e}", hints=getattr(e, "hints", ())) from e
        self._write(report.refuse("fetch first"))
        raise PushFailed(
            "somebody else has pushed to the deposit in the meantime",
            hints=["git fetch, then push again"],
        )

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

    def _object_format(self, view: View | None) -> str:
        known = view.refs.object_format if view else None
        if known is not None or self.user is None:
            return known or "sha1"
        return self.user.text("rev-parse", "--show-object-format")

    # --- for programs that work with the parts ---------------------------------------------------

    @property
    def repoannex(self) -> Repo:
        """The annex through which the deposit is reached, made if it is not there."""
        return self._opened.annex.repo

    @property
    def mirrorrepo(self) -> Repo:
        """The mirror, made from the deposit (or empty) if it is not there."""
        if self._mirror.state() is None:
            with self._opened.working():
                if self._synchronise() is None:
                    self._mirror.clear(self._object_format(None))
        return self._mirror.repo

    def get_remote_refs(self, raise_on_error: bool = False) -> str | None:
        """Give the text of the deposit's `refs`; None if there is none, or if it could not be read.

        Where the two are to be told apart, `raise_on_error` raises Unreadable.
        """
        try:
            with self._opened.working():
                view = self.deposit.look()
        except Unreadable:
            if raise_on_error:
                raise
            return None
        return None if view is None else refsfile.build(view.refs)

    def get_mirror_refs(self) -> str:
        """Give the mirror's refs in the same form."""
        repo = self.mirrorrepo
        return refsfile.build(RefList(bare.read_refs(repo), refs.head(repo).ref))

    def replace_mirrorrepo_from_remote_deposit(self) -> None:
        """Make the mirror anew from the deposit.  Raises RemoteNotAvailableError if there is none."""
        with self._opened.working():
            self._mirror.clear()
            if self._synchronise() is None:
                raise self._nothing_there()

    def replace_mirrorrepo_from_remote_deposit_if_needed(self) -> tuple[str | None, str]:
        """Make the mirror show the deposit; give the refs of both."""
        with self._opened.working():
            view = self._synchronise()
        return (None if view is None else refsfile.build(view.refs)), self.get_mirror_refs()

    def replace_remote_deposit_from_mirrorrepo(self) -> None:
        """Store what the mirror shows.  Raises Unwritable."""
        repo = self.mirrorrepo
        with self._opened.working():
            after = RefList(bare.read_refs(repo), refs.head(repo).ref)
            if isinstance(self.deposit.push(self.deposit.look(), after, repo), FetchFirst):
                raise PushFailed(
                    "somebody else has pushed to the deposit in the meantime",
                    hints=["bring it, then try again"],
                )
