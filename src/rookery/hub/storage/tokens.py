"""Tokens in the database: digests of their secrets, never the secrets."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from rookery.hub.domain.access import Scope
from rookery.hub.domain.records import Token
from rookery.hub.storage.tables import token as table


def _token_of(row: Row[Any]) -> Token:
    return Token(
        row.id,
        row.account_id,
        row.name,
        row.hint,
        frozenset(map(Scope, row.scopes.split())),
        None if row.repositories is None else frozenset(json.loads(row.repositories)),
        row.append_only,
        row.created,
        row.expires,
        row.used,
    )


class SqlTokens:
    """What `domain.ports.secrets.Tokens` says."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def by_digest(self, digest: str) -> Token | None:
        """Give the token with this secret."""
        row = self._connection.execute(select(table).where(table.c.digest == digest)).one_or_none()
        return None if row is None else _token_of(row)

    def of_account(self, account: int) -> list[Token]:
        """Give an account's, oldest first."""
        query = select(table).where(table.c.account_id == account).order_by(table.c.id)
        return [_token_of(row) for row in self._connection.execute(query)]

    def add(
        self,
        account: int,
        *,
        name: str,
        digest: str,
        hint: str,
        scopes: frozenset[Scope],
        repositories: frozenset[int] | None,
        append_only: bool,
        expires: float | None,
        now: float,
    ) -> Token:
        """Keep a new one."""
        values = {
            "account_id": account,
            "name": name,
            "digest": digest,
            "hint": hint,
            "scopes": " ".join(sorted(scopes)),
            "repositories": None if repositories is None else json.dumps(sorted(repositories)),
            "append_only": append_only,
            "created": now,
            "expires": expires,
        }
        return _token_of(self._connection.execute(insert(table).values(values).returning(table)).one())

    def remove(self, account: int, token: int) -> bool:
        """Forget one of an account's."""
        mine = table.c.id == token, table.c.account_id == account
        return self._connection.execute(delete(table).where(*mine)).rowcount > 0

    def used(self, token: int, now: float) -> None:
        """Note that it was used."""
        self._connection.execute(update(table).where(table.c.id == token).values(used=now))
