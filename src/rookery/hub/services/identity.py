"""Who asks: from a password, a token, an SSH key or a session to an actor.

What is wrong, expired or of an account that was shut gives one answer, after
the same time.  Too many wrong passwords from one address are not even looked at.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

from rookery.hub.domain.access import ALL_SCOPES, STRANGER, Actor, Level, Means
from rookery.hub.domain.addresses import network_of
from rookery.hub.domain.errors import NeedsSignIn, TooOften
from rookery.hub.domain.limits import Limits
from rookery.hub.domain.ports.database import Database, Work
from rookery.hub.domain.records import Account, Kind, Session, Token
from rookery.hub.services.auditing import note
from rookery.hub.services.passwords import Passwords

PREFIX = "rkh_"  # so that scanners of leaked secrets know one when they see it
HINT_LETTERS = len(PREFIX) + 4

# That a token or key was used is written down no more often than this.
USED_SECONDS = 600.0


def digest_of(secret: str) -> str:
    """Give what is kept of a secret that is random enough not to be guessed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def new_secret() -> str:
    """Make the secret of a token."""
    return PREFIX + secrets.token_hex(20)


class Identity:
    """Finds out who asks.  `address` is where a request came from, for limits and the audit log."""

    def __init__(
        self, database: Database, passwords: Passwords, limits: Limits, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._limits = limits
        self._clock = clock

    def stranger(self, address: str) -> Actor:
        """Give somebody who has not said who they are."""
        return STRANGER._replace(address=address)

    def by_token(self, secret: str, address: str) -> Actor:
        """Give who has a token.  Raises NeedsSignIn."""
        now = self._clock()
        with self._database.reading() as work:
            token = work.tokens.by_digest(digest_of(secret))
            account = None if token is None else work.accounts.by_id(token.account)
        if token is None or account is None or not _is_open(account, token, now):
            self._note_wrong_token(address, now)
            raise NeedsSignIn("this token is not known here, or not good any more")
        if token.used is None or token.used < now - USED_SECONDS:
            with self._database.writing() as work:
                work.tokens.used(token.id, now)
        means = Means(token.scopes, token.repositories, token.append_only)
        return _actor(account, means, f"token {token.id}", address)

    def _note_wrong_token(self, address: str, now: float) -> None:
        """Count it, so that a flood of them is answered without writing.  Raises TooOften.

        Good tokens from there are heard all the same: guessing one of 160 random bits is hopeless, and a forgotten
        job with an old token must not shut out a whole laboratory behind its address.
        """
        subject = f"{network_of(address)} token"
        since = now - self._limits.failures_within
        with self._database.reading() as work:
            tried = work.attempts.count(subject, since=since)
        if tried >= self._limits.wrong_tokens_of_address:
            raise TooOften("too many tokens that are not good", after=int(self._limits.failures_within))
        with self._database.writing() as work:
            work.attempts.add(subject, now)
            note(work, self.stranger(address), "sign in", "by token", "refused", now)

    def by_basic(self, name: str, password: str, address: str) -> Actor:
        """Give who is meant by the two words of Basic authentication, one of which may be a token.

        Raises NeedsSignIn, TooOften.
        """
        for word in (password, name):
            if word.startswith(PREFIX):
                actor = self.by_token(word, address)
                if word is password and name and name.lower() != actor.name.lower() and name != "git":
                    raise NeedsSignIn(f"this token is not one of {name}'s")
                return actor
        return self.by_password(name, password, address)

    def by_password(self, name: str, password: str, address: str) -> Actor:
        """Give who has a password; `name` may be their e-mail address.  Raises NeedsSignIn, TooOften."""
        now = self._clock()
        name = name if name.isprintable() else ""  # nobody's, and nothing that a database or a log should see
        place = network_of(address)
        subjects = f"{place} {name.lower()}"[:200], f"{place} "
        with self._database.reading() as work:
            self._require_patience(work, subjects, now)
            account = work.accounts.by_email(name) if "@" in name else work.accounts.by_name(name)
            hashed = None if account is None else work.accounts.password(account.id)
        if not self._passwords.right(password, hashed) or account is None or not _is_open(account, None, now):
            with self._database.writing() as work:
                for subject in subjects:
                    work.attempts.add(subject, now)
                note(work, self.stranger(address), "sign in", name[:64], "refused", now)
            raise NeedsSignIn("the name or the password is wrong")
        return _actor(account, Means(), "password", address)

    def _require_patience(self, work: Work, subjects: tuple[str, str], now: float) -> None:
        since = now - self._limits.failures_within
        for subject, most in zip(
            subjects, (self._limits.failures, self._limits.failures_of_address), strict=True
        ):
            if work.attempts.count(subject, since=since) >= most:
                raise TooOften("too many wrong passwords", after=int(self._limits.failures_within))

    def by_key(self, fingerprint: str, address: str) -> Actor:
        """Give whose SSH key this is: an account, or a repository (a deploy key).  Raises NeedsSignIn."""
        now = self._clock()
        with self._database.reading() as work:
            key = work.public_keys.by_fingerprint(fingerprint)
            account = None if key is None or key.account is None else work.accounts.by_id(key.account)
        if key is None or (key.account is not None and (account is None or not account.active)):
            raise NeedsSignIn("this key is not known here")
        if key.used is None or key.used < now - USED_SECONDS:
            with self._database.writing() as work:
                work.public_keys.used(key.id, now)
        via = f"key {key.id}"
        if account is not None:
            return _actor(account, Means(ALL_SCOPES, None, key.append_only), via, address)
        assert key.repository is not None
        only = Means(ALL_SCOPES, frozenset({key.repository}), key.append_only)
        return Actor(None, f"deploy key {key.title}", False, only, via, key.level, address)

    # --- browsers --------------------------------------------------------------------------------

    def sign_in(self, name: str, password: str, address: str) -> tuple[Actor, str]:
        """Begin a session; give who it is, and what the cookie holds.  Raises NeedsSignIn, TooOften."""
        actor = self.by_password(name, password, address)
        assert actor.account is not None
        return actor, self.begin(actor)

    def begin(self, actor: Actor) -> str:
        """Begin a session for somebody who has just said who they are; give what the cookie holds."""
        assert actor.account is not None
        secret, now = secrets.token_urlsafe(32), self._clock()
        with self._database.writing() as work:
            expires = now + self._limits.session
            work.sessions.add(digest_of(secret), actor.account, secrets.token_urlsafe(24), expires=expires)
            note(work, actor, "sign in", actor.name, "ok", now)
        return secret

    def by_session(self, secret: str, address: str) -> tuple[Actor, Session] | None:
        """Give whose browser it is, and the session; None if it is nobody's any more."""
        with self._database.reading() as work:
            session = work.sessions.by_digest(digest_of(secret), self._clock())
            account = None if session is None else work.accounts.by_id(session.account)
        if session is None or account is None or not account.active:
            return None
        return _actor(account, Means(), "session", address), session

    def sign_out(self, secret: str) -> None:
        """End a session."""
        with self._database.writing() as work:
            work.sessions.remove(digest_of(secret))


def _actor(account: Account, means: Means, via: str, address: str) -> Actor:
    return Actor(account.id, account.name, account.admin, means, via, Level.NONE, address)


def _is_open(account: Account, token: Token | None, now: float) -> bool:
    lasts = token is None or token.expires is None or token.expires > now
    return account.active and account.kind is Kind.PERSON and lasts
