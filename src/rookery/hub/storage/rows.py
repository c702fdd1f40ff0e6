"""What statements have in common: inserting what may be there already, and naming what was taken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from rookery.hub.domain.errors import Conflict


@contextmanager
def unique(connection: Connection, message: str) -> Iterator[None]:
    """Turn a value that must be unique and is not into Conflict; the transaction goes on without the statement."""
    try:
        with connection.begin_nested():
            yield
    except IntegrityError as e:
        raise Conflict(message) from e


def put(connection: Connection, table: Table, values: Mapping[str, Any], *, keep: bool = False) -> None:
    """Insert a row, or change the one with its primary key to these values (`keep`: leave that one as it is)."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    names = [column.name for column in table.primary_key]
    rest = {name: value for name, value in values.items() if name not in names}
    statement = insert(table).values(**values)
    if keep or not rest:
        connection.execute(statement.on_conflict_do_nothing(index_elements=names))
    else:
        connection.execute(statement.on_conflict_do_update(index_elements=names, set_=rest))


def given(**values: Any) -> dict[str, Any]:
    """Give what is not None: what a change names."""
    return {name: value for name, value in values.items() if value is not None}
