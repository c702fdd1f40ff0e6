"""Accounts, their tokens and their SSH keys."""

from __future__ import annotations

from collections.abc import Callable

from rookery.hub.domain.access import ALL_SCOPES, Actor, Level, Scope
from rookery.hub.domain.addresses import network_of
from rookery.hub.domain.errors import BadName, Forbidden, NotFound, TooOften
from rookery.hub.domain.limits import Limits
from rookery.hub.domain.names import email_address, new_owner_name, one_line, owner_name
from rookery.hub.domain.ports.database import Database
from rookery.hub.domain.records import Account, Kind, PublicKey, Token
from rookery.hub.domain.sshkeys import public_key
from rookery.hub.services.auditing import note
from rookery.hub.services.gate import Gate
from rookery.hub.services.identity import HINT_LETTERS, digest_of, new_secret
from rookery.hub.services.passwords import Passwords


class AccountService:
    """What people do with their own accounts, and administrators with others'."""

    def __init__(
        self,
        database: Database,
        gate: Gate,
        passwords: Passwords,
        limits: Limits,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._gate = gate
        self._passwords = passwords
        self._limits = limits
        self._clock = clock

    # --- accounts --------------------------------------------------------------------------------

    def sign_up(self, actor: Actor, name: str, email: str, password: str, full_name: str = "") -> Account:
        """Make an account for whoever asks, if the site allows that.  Raises Forbidden, BadName, Conflict, TooOften."""
        if not self._limits.sign_up:
            raise Forbidden("people cannot sign up here by themselves", hints=["ask those who run the hub"])
        subject, now = f"sign up {network_of(actor.address)}", self._clock()
        with self._database.writing() as work:
            within = self._limits.failures_within
            if work.attempts.count(subject, since=now - within) >= self._limits.sign_ups_of_address:
                raise TooOften("too many accounts were made from this address", after=int(within))
            work.attempts.add(subject, now)
        return self.add(actor, name, email, password, full_name=full_name)

    def add(
        self,
        actor: Actor,
        name: str,
        email: str,
        password: str | None,
        *,
        full_name: str = "",
        admin: bool = False,
    ) -> Account:
        """Make an account; whether `actor` may is the caller's to know.  Raises BadName, Conflict."""
        hashed = None if password is None else self._passwords.hash(password)
        named, now = new_owner_name(name), self._clock()
        with self._database.writing() as work:
            made = work.accounts.add(
                named,
                kind=Kind.PERSON,
                email=email_address(email),
                full_name=one_line(full_name, most=100, what="a full name"),
                admin=admin,
                now=now,
            )
            if hashed is not None:
                work.accounts.set_password(made.id, hashed)
            note(work, actor, "add account", made.name, "administrator" if admin else "ok", now)
        return made

    def add_by_administrator(self, actor: Actor, name: str, email: str, password: str) -> Account:
        """Make an account for somebody else.  Raises Forbidden unless an administrator asks."""
        with self._database.reading() as work:
            self._gate.administrator(work, actor, Scope.WRITE_ADMIN)
        return self.add(actor, name, email, password)

    def set_password(self, actor: Actor, account: int, password: str) -> None:
        """Change a password, and end all sessions; whether `actor` may is the caller's to know."""
        hashed = self._passwords.hash(password)
        with self._database.writing() as work:
            work.accounts.set_password(account, hashed)
            work.sessions.remove_all(account)
            found = work.accounts.by_id(account)
            note(work, actor, "set password", found.name if found else str(account), "ok", self._clock())

    def change_profile(
        self, actor: Actor, *, full_name: str | None = None, email: str | None = None
    ) -> Account:
        """Change one's full name or e-mail address.  Raises NeedsSignIn, Forbidden, BadName, Conflict.

        People sign in with the address too: that a new one wants the password is for the caller to see to.
        """
        name = None if full_name is None else one_line(full_name, most=100, what="a full name")
        address = None if email is None else email_address(email)
        with self._database.writing() as work:
            account = self._gate.account(work, actor, Scope.WRITE_USER)
            work.accounts.change(account.id, full_name=name, email=address)
            changed = work.accounts.by_id(account.id)
            assert changed is not None
            told = [
                word
                for word, before, after in (
                    ("full name", account.full_name, changed.full_name),
                    ("e-mail address", account.email, changed.email),
                )
                if before != after
            ]
            if told:
                note(work, actor, "change account", account.name, ", ".join(told), self._clock())
        return changed

    def own(self, actor: Actor, scope: Scope = Scope.READ_USER) -> Account:
        """Give the account that asks.  Raises NeedsSignIn, Forbidden."""
        with self._database.reading() as work:
            return self._gate.account(work, actor, scope)

    def named(self, name: str) -> Account:
        """Give an account by its name; names are no secret.  Raises NotFound."""
        try:
            known = owner_name(name)
        except BadName as e:
            raise NotFound(e.message) from e
        with self._database.reading() as work:
            found = work.accounts.by_name(known)
        if found is None or not found.active:
            raise NotFound(f"there is no account {name[:40]}")
        return found

    # --- tokens ----------------------------------------------------------------------------------

    def tokens(self, actor: Actor) -> list[Token]:
        """Give one's tokens."""
        with self._database.reading() as work:
            return work.tokens.of_account(self._gate.account(work, actor, Scope.READ_USER).id)

    def add_token(
        self,
        actor: Actor,
        name: str,
        *,
        scopes: frozenset[Scope] = ALL_SCOPES,
        repositories: frozenset[int] | None = None,
        append_only: bool = False,
        expires: float | None = None,
    ) -> tuple[Token, str]:
        """Make a token, and give its secret, which is never seen again.

        It is never good for more than what `actor` came with.
        """
        secret, now = new_secret(), self._clock()
        with self._database.writing() as work:
            account = self._gate.account(work, actor, Scope.WRITE_USER)
            made = work.tokens.add(
                account.id,
                name=one_line(name, most=255, what="the name of a token"),
                digest=digest_of(secret),
                hint=secret[:HINT_LETTERS],
                scopes=scopes & actor.means.scopes,
                repositories=repositories,
                append_only=append_only,
                expires=expires,
                now=now,
            )
            note(work, actor, "add token", account.name, f"{made.hint} {made.name}", now)
        return made, secret

    def remove_token(self, actor: Actor, token: int) -> None:
        """Take a token back.  Raises NotFound."""
        with self._database.writing() as work:
            account = self._gate.account(work, actor, Scope.WRITE_USER)
            if not work.tokens.remove(account.id, token):
                raise NotFound("there is no such token")
            note(work, actor, "remove token", account.name, str(token), self._clock())

    # --- SSH keys --------------------------------------------------------------------------------

    def keys(self, actor: Actor) -> list[PublicKey]:
        """Give one's SSH keys."""
        with self._database.reading() as work:
            return work.public_keys.of_account(self._gate.account(work, actor, Scope.READ_USER).id)

    def add_key(self, actor: Actor, title: str, text: str) -> PublicKey:
        """Keep an SSH key, which may do all that the account may.  Raises BadName, Forbidden, Conflict."""
        key, now = public_key(text), self._clock()
        with self._database.writing() as work:
            account = self._gate.account(work, actor, Scope.WRITE_USER)
            if actor.means.scopes != ALL_SCOPES:
                raise Forbidden("this token may do less than an SSH key could", hints=["use a token for all"])
            made = work.public_keys.add(
                account=account.id,
                repository=None,
                title=one_line(title or key.comment or key.fingerprint, most=255, what="the title of a key"),
                line=key.line,
                fingerprint=key.fingerprint,
                level=Level.NONE,
                append_only=False,
                now=now,
            )
            note(work, actor, "add key", account.name, made.fingerprint, now)
        return made

    def remove_key(self, actor: Actor, key: int) -> None:
        """Forget one of one's SSH keys.  Raises NotFound."""
        with self._database.writing() as work:
            account = self._gate.account(work, actor, Scope.WRITE_USER)
            found = work.public_keys.by_id(key)
            if found is None or found.account != account.id:
                raise NotFound("there is no such key")
            work.public_keys.remove(key)
            note(work, actor, "remove key", account.name, found.fingerprint, self._clock())
