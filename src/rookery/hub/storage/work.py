"""One transaction, and the tables seen through it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from sqlalchemy import Connection

from rookery.hub.storage.accounts import SqlAccounts
from rookery.hub.storage.audit import SqlAudit
from rookery.hub.storage.contents import SqlContents
from rookery.hub.storage.hooks import SqlHooks
from rookery.hub.storage.issues import SqlIssues
from rookery.hub.storage.locks import SqlLocks
from rookery.hub.storage.notices import SqlNotices
from rookery.hub.storage.organisations import SqlOrganisations
from rookery.hub.storage.public_keys import SqlPublicKeys
from rookery.hub.storage.pulls import SqlForks, SqlPulls
from rookery.hub.storage.repositories import SqlRepositories
from rookery.hub.storage.search import SqlSearch
from rookery.hub.storage.secrets import SqlAttempts, SqlSessions
from rookery.hub.storage.tokens import SqlTokens


class Work:
    """What `domain.ports.database.Work` says, on a connection."""

    def __init__(self, connection: Connection, clock: Callable[[], float]) -> None:
        self._connection = connection
        self._clock = clock

    @cached_property
    def accounts(self) -> SqlAccounts:
        """Accounts."""
        return SqlAccounts(self._connection)

    @cached_property
    def organisations(self) -> SqlOrganisations:
        """Teams."""
        return SqlOrganisations(self._connection)

    @cached_property
    def repositories(self) -> SqlRepositories:
        """Repositories and collaborators."""
        return SqlRepositories(self._connection)

    @cached_property
    def tokens(self) -> SqlTokens:
        """Tokens."""
        return SqlTokens(self._connection)

    @cached_property
    def public_keys(self) -> SqlPublicKeys:
        """SSH keys."""
        return SqlPublicKeys(self._connection)

    @cached_property
    def sessions(self) -> SqlSessions:
        """Signed-in browsers."""
        return SqlSessions(self._connection)

    @cached_property
    def attempts(self) -> SqlAttempts:
        """Failed tries."""
        return SqlAttempts(self._connection)

    @cached_property
    def contents(self) -> SqlContents:
        """Keys that repositories have."""
        return SqlContents(self._connection)

    @cached_property
    def locks(self) -> SqlLocks:
        """Locks on content, and the clock."""
        return SqlLocks(self._connection, self._clock)

    @cached_property
    def search(self) -> SqlSearch:
        """What repositories are found by."""
        return SqlSearch(self._connection)

    @cached_property
    def audit(self) -> SqlAudit:
        """The audit log."""
        return SqlAudit(self._connection)

    @cached_property
    def issues(self) -> SqlIssues:
        """Issues and what is said in them."""
        return SqlIssues(self._connection)

    @cached_property
    def pulls(self) -> SqlPulls:
        """Pull requests."""
        return SqlPulls(self._connection)

    @cached_property
    def forks(self) -> SqlForks:
        """Forks."""
        return SqlForks(self._connection)

    @cached_property
    def notices(self) -> SqlNotices:
        """Who is told of what, and what happened."""
        return SqlNotices(self._connection)

    @cached_property
    def hooks(self) -> SqlHooks:
        """Webhooks and their messages."""
        return SqlHooks(self._connection)
