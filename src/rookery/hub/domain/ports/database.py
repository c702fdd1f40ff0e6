"""The database as a whole: transactions, and all that is in it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from rookery.hub.domain.ports.accounts import Accounts
from rookery.hub.domain.ports.audit import Audit
from rookery.hub.domain.ports.contents import Contents, Locks
from rookery.hub.domain.ports.discussions import Forks, Issues, Notices, Pulls
from rookery.hub.domain.ports.hooks import Hooks
from rookery.hub.domain.ports.organisations import Organisations
from rookery.hub.domain.ports.repositories import Repositories
from rookery.hub.domain.ports.search import Search
from rookery.hub.domain.ports.secrets import Attempts, PublicKeys, Sessions, Tokens


class Work(Protocol):
    """One transaction; everything in it holds together, or nothing of it does."""

    @property
    def accounts(self) -> Accounts:
        """Accounts."""

    @property
    def organisations(self) -> Organisations:
        """Teams."""

    @property
    def repositories(self) -> Repositories:
        """Repositories and collaborators."""

    @property
    def tokens(self) -> Tokens:
        """Tokens."""

    @property
    def public_keys(self) -> PublicKeys:
        """SSH keys."""

    @property
    def sessions(self) -> Sessions:
        """Signed-in browsers."""

    @property
    def attempts(self) -> Attempts:
        """Failed tries."""

    @property
    def contents(self) -> Contents:
        """Keys that repositories have."""

    @property
    def locks(self) -> Locks:
        """Locks on content, and the clock."""

    @property
    def search(self) -> Search:
        """What repositories are found by."""

    @property
    def audit(self) -> Audit:
        """The audit log."""

    @property
    def issues(self) -> Issues:
        """Issues and what is said in them."""

    @property
    def pulls(self) -> Pulls:
        """Pull requests."""

    @property
    def forks(self) -> Forks:
        """Forks."""

    @property
    def notices(self) -> Notices:
        """Who is told of what, and what happened."""

    @property
    def hooks(self) -> Hooks:
        """Webhooks and their messages."""


class Database(Protocol):
    """Where everything but bytes and history is kept.  Calls wait: use them from threads, not on an event loop."""

    def reading(self) -> AbstractContextManager[Work]:
        """Look; what is written in the block does not count."""

    def writing(self) -> AbstractContextManager[Work]:
        """Change; kept when the block ends well, on the disk by then, and taken back when it raises."""

    def close(self) -> None:
        """Let go of all connections."""
