"""Repositories: made, found, changed, shared, removed."""

from __future__ import annotations

import uuid as uuids
from collections.abc import Callable

from rookery.git import refs
from rookery.hub.domain.access import Action, Actor, Level, Scope, Visibility, in_scope
from rookery.hub.domain.errors import BadName, NotFound
from rookery.hub.domain.names import OwnerName, default_branch_name, one_line, owner_name, repository_name
from rookery.hub.domain.ports.database import Database, Work
from rookery.hub.domain.ports.histories import Histories
from rookery.hub.domain.records import Account, PublicKey, Repository
from rookery.hub.domain.sshkeys import public_key
from rookery.hub.services.auditing import note
from rookery.hub.services.gate import Gate, Where

FIRST_BRANCH = "main"
MOST_DESCRIPTION = 2000


class RepositoryService:
    """What is done with repositories as a whole.  Nothing here answers before the gate was asked."""

    def __init__(
        self, database: Database, histories: Histories, gate: Gate, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._histories = histories
        self._gate = gate
        self._clock = clock

    def create(
        self,
        actor: Actor,
        owner: OwnerName,
        name: str,
        *,
        visibility: Visibility = Visibility.PRIVATE,
        description: str = "",
        default_branch: str = FIRST_BRANCH,
    ) -> Repository:
        """Make an empty repository, annex-ready.  Raises BadName, Conflict, Forbidden."""
        named, now = repository_name(name), self._clock()
        description = one_line(" ".join(description.split()), most=MOST_DESCRIPTION, what="a description")
        branch = default_branch_name(default_branch)
        with self._database.writing() as work:
            account = work.accounts.by_name(owner)
            if account is None:
                raise NotFound(f"there is no account {owner}")
            self._gate.owner(work, actor, account, Scope.WRITE_REPOSITORY)
            made = work.repositories.add(
                account.id,
                named,
                uuid=str(uuids.uuid4()),
                visibility=visibility,
                description=description,
                default_branch=branch,
                now=now,
            )
            self._histories.create(made.id, uuid=made.uuid, default_branch=branch)
            note(work, actor, "create", str(made.path), visibility.value, now)
        return made

    def get(self, actor: Actor, where: Where) -> Repository:
        """Give one that may be read.  Raises NotFound."""
        return self._gate.enter(actor, where, Action.READ).repository

    def of_owner(self, actor: Actor, owner: Account) -> list[Repository]:
        """Give an account's repositories, as far as they are listed to whoever asks."""
        return self._found(actor, "", owner=owner.id)

    def search(
        self, actor: Actor, text: str = "", *, before: tuple[float, int] | None = None, limit: int = 50
    ) -> list[Repository]:
        """Give repositories that are listed to whoever asks, changed last first."""
        words = "".join(letter for letter in text[:100] if letter.isprintable())
        return self._found(actor, words, before=before, limit=limit)

    def _found(
        self,
        actor: Actor,
        text: str,
        *,
        owner: int | None = None,
        before: tuple[float, int] | None = None,
        limit: int = 10_000,
    ) -> list[Repository]:
        limited = actor.means.repositories
        person = actor.account if in_scope(actor, Scope.READ_REPOSITORY) else None
        with self._database.reading() as work:
            found = work.repositories.found(
                person,
                everything=actor.admin and person is not None,
                text=text,
                owner=owner,
                before=before,
                limit=limit,
            )
        return [
            one
            for one in found
            if limited is None or one.id in limited or one.visibility is Visibility.PUBLIC
        ]

    def change(
        self,
        actor: Actor,
        where: Where,
        *,
        name: str | None = None,
        visibility: Visibility | None = None,
        description: str | None = None,
        default_branch: str | None = None,
        drop_level: Level | None = None,
        archived: bool | None = None,
        keep_last: bool | None = None,
    ) -> Repository:
        """Change settings.  A new name wants the owner.  Raises NotFound, Forbidden, BadName, Conflict."""
        action = Action.MANAGE if name is None else Action.OWN
        if description is not None:
            description = one_line(description, most=MOST_DESCRIPTION, what="a description")
        now = self._clock()
        with self._database.writing() as work:
            repository = self._gate.within(work, actor, where, action).repository
            work.repositories.change(
                repository.id,
                name=None if name is None else repository_name(name),
                visibility=visibility,
                description=description,
                default_branch=default_branch,
                drop_level=drop_level,
                archived=archived,
                keep_last=keep_last,
                updated=now,
            )
            if default_branch is not None and default_branch != repository.default_branch:
                self._set_head(repository, default_branch)
            changed = work.repositories.by_id(repository.id)
            assert changed is not None
            told = [
                f"{field}={getattr(changed, field)}"
                for field in ("name", "visibility", "default_branch", "drop_level", "archived", "keep_last")
                if getattr(changed, field) != getattr(repository, field)
            ]
            note(work, actor, "change", str(repository.path), " ".join(told), now)
        return changed

    def _set_head(self, repository: Repository, branch: str) -> None:
        refs.set_symbolic(
            self._histories.open(repository.id), "HEAD", refs.HEADS + default_branch_name(branch)
        )

    def transfer(self, actor: Actor, where: Where, owner: OwnerName) -> Repository:
        """Give a repository to another owner, for whom the actor may make repositories.

        Raises NotFound, Forbidden, BadName, Conflict.
        """
        with self._database.writing() as work:
            repository = self._gate.within(work, actor, where, Action.OWN).repository
            heir = work.accounts.by_name(owner)
            if heir is None or not heir.active:
                raise NotFound(f"there is no account {owner}")
            if heir.id == repository.owner_id:
                raise BadName(f"{owner} owns it already")
            self._gate.owner(work, actor, heir, Scope.WRITE_REPOSITORY)
            work.repositories.transfer(repository.id, heir.id)
            given = work.repositories.by_id(repository.id)
            assert given is not None
            note(work, actor, "transfer", str(repository.path), f"to {given.path}", self._clock())
        return given

    def remove(self, actor: Actor, where: Where) -> None:
        """Remove a repository, its history and its content.  Raises NotFound, Forbidden."""
        with self._database.writing() as work:
            repository = self._gate.within(work, actor, where, Action.OWN).repository
            work.repositories.remove(repository.id)
            note(work, actor, "remove", str(repository.path), "ok", self._clock())
        self._histories.remove(repository.id)  # after it is nobody's: a crash here leaves a folder, no lie

    def pushed(self, where: int) -> None:
        """Note that history came in."""
        with self._database.writing() as work:
            work.repositories.change(where, updated=self._clock())

    # --- who shares in it ------------------------------------------------------------------------

    def collaborators(self, actor: Actor, where: Where) -> list[tuple[Account, Level]]:
        """Give those who were invited.  Raises NotFound, Forbidden."""
        with self._database.reading() as work:
            repository = self._gate.within(work, actor, where, Action.WRITE).repository
            return work.repositories.collaborators(repository.id)

    def set_collaborator(self, actor: Actor, where: Where, name: str, level: Level) -> None:
        """Invite somebody, change their level, or (NONE) take it back.  Raises NotFound, Forbidden, BadName."""
        if level is Level.OWNER:
            raise BadName("a collaborator is not an owner", hints=["levels: read, write, admin"])
        with self._database.writing() as work:
            repository = self._gate.within(work, actor, where, Action.MANAGE).repository
            person = _person(work, name)
            if person.id == repository.owner_id:
                raise BadName(f"{name} owns the repository")
            work.repositories.set_collaborator(repository.id, person.id, level)
            note(work, actor, "share", str(repository.path), f"{person.name} {level.name}", self._clock())

    def deploy_keys(self, actor: Actor, where: Where) -> list[PublicKey]:
        """Give the deploy keys.  Raises NotFound, Forbidden."""
        with self._database.reading() as work:
            repository = self._gate.within(work, actor, where, Action.MANAGE).repository
            return work.public_keys.of_repository(repository.id)

    def add_deploy_key(
        self, actor: Actor, where: Where, title: str, text: str, *, level: Level, append_only: bool
    ) -> PublicKey:
        """Keep a key for one repository, at most at level WRITE.  Raises NotFound, Forbidden, BadName, Conflict."""
        key, now = public_key(text), self._clock()
        if level not in (Level.READ, Level.WRITE):
            raise BadName("a deploy key reads or writes")
        with self._database.writing() as work:
            repository = self._gate.within(work, actor, where, Action.MANAGE).repository
            made = work.public_keys.add(
                account=None,
                repository=repository.id,
                title=one_line(title or key.comment or key.fingerprint, most=255, what="the title of a key"),
                line=key.line,
                fingerprint=key.fingerprint,
                level=level,
                append_only=append_only,
                now=now,
            )
            note(work, actor, "add deploy key", str(repository.path), made.fingerprint, now)
        return made

    def remove_deploy_key(self, actor: Actor, where: Where, key: int) -> None:
        """Forget a deploy key.  Raises NotFound, Forbidden."""
        with self._database.writing() as work:
            repository = self._gate.within(work, actor, where, Action.MANAGE).repository
            found = work.public_keys.by_id(key)
            if found is None or found.repository != repository.id:
                raise NotFound("there is no such key")
            work.public_keys.remove(key)
            note(work, actor, "remove deploy key", str(repository.path), found.fingerprint, self._clock())


def _person(work: Work, name: str) -> Account:
    found = work.accounts.by_name(owner_name(name))
    if found is None or not found.active:
        raise NotFound(f"there is no account {name}")
    return found
