"""The tables of the database.  Migrations bring a database here; a test holds them to this.

Times are seconds since 1970, as floating-point numbers: SQLite has no other
kind, and no time zone can be mistaken.  Names are kept as they were typed, with
a twin in lower case that must be unique.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from rookery.core.process import decode, encode


class KeyName(TypeDecorator[str]):
    """A key: bytes for the database, since some hold file names that are not UTF-8."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: object) -> bytes | None:
        """Write."""
        return None if value is None else encode(value)

    def process_result_value(self, value: bytes | None, _dialect: object) -> str | None:
        """Read."""
        return None if value is None else decode(bytes(value))


# Constraints have names, so that a migration can change them on every database.
metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[int]:
    return Column("id", Integer, primary_key=True)


def _of(name: str, *, null: bool = False, key: bool = False) -> Column[int]:
    """Give a column that leads to another table's id, and goes with it."""
    table = name.removesuffix("_id")
    target = {"owner": "account", "organisation": "account"}.get(table, table)
    return Column(
        name, Integer, ForeignKey(f"{target}.id", ondelete="CASCADE"), nullable=null, primary_key=key
    )


account = Table(
    "account",
    metadata,
    _id(),
    Column("name", String(40), nullable=False),
    Column("name_lower", String(40), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("email", String(254)),
    Column("email_lower", String(254), unique=True),
    Column("full_name", String(100), nullable=False),
    Column("password", String(200)),
    Column("admin", Boolean, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("quota", BigInteger),
    Column("created", Float, nullable=False),
)

team = Table(
    "team",
    metadata,
    _id(),
    _of("organisation_id"),
    Column("name", String(40), nullable=False),
    Column("name_lower", String(40), nullable=False),
    Column("level", Integer, nullable=False),
    Column("all_repositories", Boolean, nullable=False),
    UniqueConstraint("organisation_id", "name_lower"),
)

team_member = Table(
    "team_member",
    metadata,
    _of("team_id", key=True),
    _of("account_id", key=True),
    Index(None, "account_id"),
)

team_repository = Table(
    "team_repository",
    metadata,
    _of("team_id", key=True),
    _of("repository_id", key=True),
    Index(None, "repository_id"),
)

repository = Table(
    "repository",
    metadata,
    _id(),
    _of("owner_id"),
    Column("name", String(100), nullable=False),
    Column("name_lower", String(100), nullable=False),
    Column("uuid", String(36), nullable=False, unique=True),
    Column("visibility", String(16), nullable=False),
    Column("description", String(2000), nullable=False),
    Column("default_branch", String(255), nullable=False),
    Column("drop_level", Integer, nullable=False),
    Column("archived", Boolean, nullable=False),
    Column("keep_last", Boolean, nullable=False),
    Column("quota", BigInteger),
    Column("created", Float, nullable=False),
    Column("updated", Float, nullable=False),
    UniqueConstraint("owner_id", "name_lower"),
    Index(None, "updated"),
    # A number names a folder on disk: it must never come again, whatever is deleted.
    sqlite_autoincrement=True,
)

former_name = Table(
    "former_name",
    metadata,
    _of("owner_id", key=True),
    Column("name_lower", String(100), primary_key=True),
    _of("repository_id"),
    Index(None, "repository_id"),
)

collaborator = Table(
    "collaborator",
    metadata,
    _of("repository_id", key=True),
    _of("account_id", key=True),
    Column("level", Integer, nullable=False),
    Index(None, "account_id"),
)

token = Table(
    "token",
    metadata,
    _id(),
    _of("account_id"),
    Column("name", String(255), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("hint", String(16), nullable=False),
    Column("scopes", String(255), nullable=False),
    Column("repositories", Text),
    Column("append_only", Boolean, nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float),
    Column("used", Float),
    Index(None, "account_id"),
)

public_key = Table(
    "public_key",
    metadata,
    _id(),
    _of("account_id", null=True),
    _of("repository_id", null=True),
    Column("title", String(255), nullable=False),
    Column("line", Text, nullable=False),
    Column("fingerprint", String(64), nullable=False, unique=True),
    Column("level", Integer, nullable=False),
    Column("append_only", Boolean, nullable=False),
    Column("created", Float, nullable=False),
    Column("used", Float),
    Index(None, "account_id"),
    Index(None, "repository_id"),
)

session = Table(
    "session",
    metadata,
    Column("digest", String(64), primary_key=True),
    _of("account_id"),
    Column("csrf", String(64), nullable=False),
    Column("expires", Float, nullable=False),
    Index(None, "account_id"),
)

attempt = Table(
    "attempt",
    metadata,
    _id(),
    Column("subject", String(255), nullable=False),
    Column("at", Float, nullable=False),
    Index(None, "subject", "at"),
)

content = Table(
    "content",
    metadata,
    _of("repository_id", key=True),
    Column("key", KeyName, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("stored", Float, nullable=False),
)

content_lock = Table(
    "content_lock",
    metadata,
    Column("id", String(64), primary_key=True),
    _of("repository_id"),
    Column("key", KeyName, nullable=False),
    Column("expires", Float, nullable=False),
    Column("holder", String(64), nullable=False, server_default=""),  # an account, a key, an address
    Index(None, "repository_id", "key"),
)

clock = Table(
    "clock",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("seconds", Float, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    _id(),
    Column("at", Float, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("via", String(64), nullable=False),
    Column("address", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("subject", String(255), nullable=False),
    Column("outcome", String(255), nullable=False),
    Index(None, "subject", "at"),
)
