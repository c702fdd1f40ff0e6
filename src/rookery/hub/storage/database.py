"""The database: its connections, its transactions, and bringing it to the present tables.

SQLite in WAL mode, with one writer at a time (BEGIN IMMEDIATE: a transaction
that begins to write never finds out at its end that it may not), or PostgreSQL
by a URL, where what must not overlap takes advisory locks.  What was committed
is on the disk: the hub has told somebody that it holds their data.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import alembic.command
import alembic.config
import alembic.script
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError

from rookery.core.errors import RookeryError
from rookery.hub.domain.errors import Unavailable
from rookery.hub.storage.work import Work

MIGRATIONS = Path(__file__).parent / "migrations"

# How long a writer waits for those before it in this process, and then for another process.
PATIENCE_SECONDS = 60


class WrongVersion(RookeryError):
    """The database was made by a later version."""


def _alembic() -> alembic.config.Config:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def require_known(version: str, what: str) -> None:
    """See that this Rookery can read tables of a version, those of `what`.  Raises WrongVersion."""
    script = alembic.script.ScriptDirectory.from_config(_alembic())
    if version not in {revision.revision for revision in script.walk_revisions()}:
        raise WrongVersion(
            f"{what} is at version {version}, which this Rookery does not know",
            hints=["it was used by a newer one: install that, or restore an older backup"],
        )


class SqlDatabase:
    """A database by its SQLAlchemy URL; `clock` gives seconds since 1970."""

    def __init__(self, url: str, clock: Callable[[], float], *, patience: float = PATIENCE_SECONDS) -> None:
        self._clock = clock
        self._here = threading.local()
        self._patience = patience
        self.engine = _engine(url, patience)
        # Who waits for SQLite looks again and again, and may be unlucky for a minute where many do: here they queue.
        self._turn = threading.Lock() if self.engine.dialect.name == "sqlite" else None

    def migrate(self) -> None:
        """Make the tables, or bring them to this version.  Raises WrongVersion if they are of a later one."""
        config = _alembic()
        with self._transaction() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7261)")  # two that start at once
            now = MigrationContext.configure(connection).get_current_revision()
            if now is not None:
                require_known(now, "the database")
            config.attributes["connection"] = connection
            alembic.command.upgrade(config, "head")

    def version(self) -> str:
        """Tell the version of the tables; they were made."""
        with self.engine.connect() as connection:
            return str(MigrationContext.configure(connection).get_current_revision())

    @contextmanager
    def reading(self) -> Iterator[Work]:
        """Look at one state of all tables."""
        with self.engine.connect() as connection:
            with self._known(connection):
                yield Work(connection, self._clock)
            connection.rollback()

    @contextmanager
    def writing(self) -> Iterator[Work]:
        """Change; all of it or nothing."""
        with self._transaction() as connection, self._known(connection):
            yield Work(connection, self._clock)

    @contextmanager
    def joined(self) -> Iterator[Connection]:
        """Give the connection of the transaction that this thread is in; of one of its own if there is none.

        For stores of contents that have rows too: what they write counts together with what the
        services write around it, as the port promises (`Upload.place`), and waits for no lock of theirs.
        """
        around: Connection | None = getattr(self._here, "connection", None)
        if around is not None:
            yield around
            return
        with self._transaction() as connection, self._known(connection):
            yield connection

    @contextmanager
    def _known(self, connection: Connection) -> Iterator[None]:
        outer = getattr(self._here, "connection", None)
        self._here.connection = connection
        try:
            yield
        finally:
            self._here.connection = outer

    @contextmanager
    def _queued(self) -> Iterator[None]:
        """Wait for the others of this process that write.  Raises Unavailable where that takes too long.

        An end of the patience, since one of them may hang, and others would wait for it for ever.
        """
        if self._turn is None:
            yield
            return
        if not self._turn.acquire(timeout=self._patience):
            raise _busy()
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with (
            self._queued(),
            self.engine.connect().execution_options(begin="IMMEDIATE") as connection,
            connection.begin(),
        ):
            yield connection

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()


def _busy() -> Unavailable:
    return Unavailable("others are writing to the database for too long", hints=["try again later"])


def _engine(url: str, patience: float) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_size=20, max_overflow=20, pool_pre_ping=True)
    engine = create_engine(
        url,
        connect_args={"timeout": patience, "isolation_level": None},
        pool_size=20,
        max_overflow=40,
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: object, _: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]  # a connection of whatever driver
    for setting in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-16000"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _begin(connection: Connection) -> None:
    kind = connection.get_execution_options().get("begin", "DEFERRED")
    try:
        connection.exec_driver_sql(f"BEGIN {kind}")
    except OperationalError as e:
        if getattr(e.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
            raise _busy() from e  # another process holds it
        raise
