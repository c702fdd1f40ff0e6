"""The tables as text, one file of JSON lines each: the same from SQLite and PostgreSQL, and into either."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, LargeBinary, Table, insert, select, text

from rookery.core.errors import RookeryError
from rookery.core.process import decode, encode
from rookery.hub.storage.tables import KeyName, metadata

# What ends with the process that knows it, is of no use to a hub that comes back (in another store perhaps), or is made
# anew from the rest.
LEFT_OUT = (
    *("session", "attempt", "content_lock", "clock", "removed_account"),
    *("search_document", "search_facet", "search_missing"),
    *("object_content", "object_other", "object_part"),
)

_AT_ONCE = 1000


def tables() -> list[Table]:
    """Give the tables that are kept, those first that others lead to."""
    return [table for table in metadata.sorted_tables if table.name not in LEFT_OUT]


def write(connection: Connection, folder: Path) -> dict[str, int]:
    """Write all tables, as one moment shows them; give the number of rows of each."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    folder.mkdir(parents=True, exist_ok=True)
    counts = {}
    for table in tables():
        rows = connection.execution_options(yield_per=_AT_ONCE).execute(select(table))
        with open(folder / f"{table.name}.jsonl", "w", encoding="utf-8") as out:
            counts[table.name] = 0
            for row in rows.mappings():
                out.write(json.dumps(_told(table, dict(row)), ensure_ascii=False) + "\n")
                counts[table.name] += 1
    return counts


def _told(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """Make JSON of a row: keys may hold bytes that are no text."""
    for column in table.columns:
        if isinstance(column.type, KeyName | LargeBinary) and row[column.name] is not None:
            row[column.name] = base64.b64encode(encode(row[column.name])).decode()
    return row


def read(folder: Path, table: Table) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table as they were.  Raises RookeryError for a file that is damaged."""
    file = folder / f"{table.name}.jsonl"
    with open(file, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
                for column in table.columns:
                    if isinstance(column.type, KeyName | LargeBinary) and row[column.name] is not None:
                        row[column.name] = decode(base64.b64decode(row[column.name], validate=True))
            except (ValueError, KeyError, TypeError) as e:
                raise RookeryError(f"{file}, line {number} is damaged: {e}") from e
            yield row


def load(connection: Connection, folder: Path, written: Mapping[str, int]) -> dict[str, int]:
    """Fill empty tables; give the number of rows of each.  Raises RookeryError if it is not what was `written`.

    What an older version wrote has fewer tables; those that came later stay empty, as a migration leaves them.
    """
    counts = {}
    for table in tables():
        counts[table.name] = 0
        if table.name not in written:
            continue
        batch: list[dict[str, Any]] = []
        for row in read(folder, table):
            batch.append(row)
            counts[table.name] += 1
            if len(batch) == _AT_ONCE:
                connection.execute(insert(table), batch)
                batch = []
        if batch:
            connection.execute(insert(table), batch)
        if (
            connection.dialect.name == "postgresql"
            and "id" in table.columns
            and table.columns["id"].autoincrement
        ):
            # numbers go on behind those that were given
            after = f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), coalesce(max(id), 0) + 1, false)"
            connection.execute(text(f"{after} FROM {table.name}"))
    if wrong := {name: count for name, count in written.items() if counts.get(name) != count}:
        raise RookeryError(f"{folder} is not whole: {counts} rows, and {wrong} were written")
    return counts
