"""Git's own services on a repository: fetch, push, archive; the same for HTTP and SSH.

Git itself does the work.  What it is told for every repository is in its
environment (see `app.git_environment`); what depends on who asks is added here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import NamedTuple

from rookery.core.process import Stream
from rookery.git import refs
from rookery.git.repo import Repo
from rookery.hub.domain.access import Action, Actor
from rookery.hub.domain.limits import Limits
from rookery.hub.domain.names import kept_for
from rookery.hub.domain.ports.database import Database
from rookery.hub.domain.ports.histories import Histories
from rookery.hub.domain.records import Repository
from rookery.hub.services.auditing import note
from rookery.hub.services.gate import Gate, Where
from rookery.hub.services.pushes import Moves, Pushes, moves, snapshot

_PROTOCOL = re.compile(r"version=[0-2]")

_RATHER = ("main", "master")


class Service(StrEnum):
    """What Git can be asked for."""

    UPLOAD = "upload-pack"
    RECEIVE = "receive-pack"
    ARCHIVE = "upload-archive"


class Conversation(NamedTuple):
    """One service on one repository, for somebody who may."""

    repository: Repository
    repo: Repo
    service: Service
    options: tuple[str, ...]
    stateless: bool
    before: Mapping[str, str]  # of a push: where branches and tags were

    @property
    def argv(self) -> list[str]:
        """The arguments for Git."""
        mode = ["--stateless-rpc"] if self.stateless else []
        return [*self.options, self.service.value, *mode, str(self.repo.gitdir)]

    def advertisement(self) -> bytes:
        """Give what the service says first: refs and abilities."""
        command = [*self.options, self.service.value, "--stateless-rpc", "--advertise-refs"]
        return self.repo.runner.run(["git", *command, self.repo.gitdir], cwd=self.repo.gitdir).stdout

    @contextmanager
    def run(self, stdin: Iterable[bytes]) -> Iterator[Stream]:
        """Let Git talk; its exit code means nothing here, since it has told the client what went wrong."""
        with self.repo.runner.stream(
            ["git", *self.argv], cwd=self.repo.gitdir, stdin=stdin, ok=None
        ) as stream:
            yield stream


class HistoryService:
    """Prepares Git's services, and sees to what a push leaves behind."""

    def __init__(
        self,
        database: Database,
        histories: Histories,
        gate: Gate,
        pushes: Pushes,
        limits: Limits,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._histories = histories
        self._gate = gate
        self._pushes = pushes
        self._limits = limits
        self._clock = clock

    def prepare(
        self, actor: Actor, where: Where, service: Service, *, protocol: str = "", stateless: bool
    ) -> Conversation:
        """Ask the gate, and get ready.  `protocol` is what the client said of it.  Raises NotFound, Forbidden."""
        pushing = service is Service.RECEIVE
        passed = self._gate.enter(actor, where, Action.WRITE if pushing else Action.READ)
        env: dict[str, str | None] = {}
        if _PROTOCOL.fullmatch(protocol):
            env["GIT_PROTOCOL"] = protocol
        options: list[str] = []
        if pushing:
            who = actor.name or "somebody"
            env |= {"GIT_COMMITTER_NAME": who, "GIT_COMMITTER_EMAIL": f"{who.replace(' ', '-')}@hub"}
            options += ["-c", f"receive.maxInputSize={self._limits.largest_push}"]
            if passed.append_only:
                options += ["-c", "receive.denyNonFastForwards=true", "-c", "receive.denyDeletes=true"]
        repo = self._histories.open(passed.repository.id).with_env(**env)
        before = snapshot(repo) if pushing else {}
        return Conversation(passed.repository, repo, service, tuple(options), stateless, before)

    def settle(self, actor: Actor, talked: Conversation) -> None:
        """See to what a push leaves behind: HEAD leads to a branch that is there, the page says when it was."""
        if talked.service is not Service.RECEIVE:
            return
        branch = self._first_branch(talked.repo, talked.repository.default_branch)
        if branch is not None:
            refs.set_symbolic(talked.repo, "HEAD", refs.HEADS + branch)
        now, moved = self._clock(), moves(talked.before, snapshot(talked.repo))
        with self._database.writing() as work:
            if work.repositories.by_id(talked.repository.id) is None:
                return
            if moved:  # Git refuses a push, or a part of it, and has told the client alone
                work.repositories.change(talked.repository.id, updated=now, default_branch=branch)
            note(work, actor, "push", str(talked.repository.path), _in_short(moved), now)
        self._pushes.moved(actor, talked.repository, moved)

    def _first_branch(self, repo: Repo, wanted: str) -> str | None:
        """Give the branch to show first if the one that is wanted is not there; None to leave it so."""
        names = [ref.name.removeprefix(refs.HEADS) for ref in refs.for_each_ref(repo, "refs/heads")]
        fit = [name for name in names if not kept_for(name)]
        if wanted in names or not fit:
            return None
        return next((name for name in _RATHER if name in fit), fit[0])


def _in_short(moved: Moves) -> str:
    """Say for the audit log which refs were moved where to."""
    told = [f"{name.removeprefix(refs.HEADS)} {new[:10] or 'removed'}" for name, (_, new) in moved.items()]
    return ", ".join(told) or "nothing changed"
