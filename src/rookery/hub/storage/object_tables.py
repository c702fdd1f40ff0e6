"""The tables of an object store's contents: where each is, and what is on its way in or out.

None of them leads to `repository` by a foreign key: when a repository is removed
its rows here stay, and say what is to be removed from the store.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, String, Table, Text

from rookery.hub.storage.tables import KeyName, metadata

# The object of a content is content/ORIGIN/KEY/SUFFIX.  Several repositories may have the same one.
object_content = Table(
    "object_content",
    metadata,
    Column("repository_id", Integer, primary_key=True, autoincrement=False),
    Column("key", KeyName, primary_key=True),
    Column("origin", Integer, nullable=False),
    Column("suffix", String(32), nullable=False),
    Column("size", BigInteger, nullable=False),
    Index(None, "suffix"),
)

# Objects that are not content: on their way in ("coming"), to be removed ("gone"), corrupt ("bad").
object_other = Table(
    "object_other",
    metadata,
    Column("suffix", String(32), primary_key=True),
    Column("repository_id", Integer, nullable=False),
    Column("key", KeyName, nullable=False),
    Column("state", String(8), nullable=False),
    Column("multipart", Text),  # what the store calls an upload in parts
    Column("tail", BigInteger, nullable=False),  # bytes behind the last part, in an object of their own
    Column("holder", String(32), nullable=False),  # who writes, and how long that is taken for granted
    Column("until", Float, nullable=False),
    Column("touched", Float, nullable=False),
    Index(None, "repository_id", "key"),
)

object_part = Table(
    "object_part",
    metadata,
    Column("suffix", String(32), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("etag", String(255), nullable=False),
)
