"""What the database says of contents in an object store: which object is whose, which are on their way in or out.

The caller is in a transaction; see `object_tables` for the states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update

from rookery.hub.domain.errors import InUse
from rookery.hub.storage.contents import exclusively
from rookery.hub.storage.locks import moment
from rookery.hub.storage.object_tables import object_content, object_other, object_part
from rookery.hub.storage.rows import put
from rookery.hub.storage.tables import repository

COMING, GONE, BAD = "coming", "gone", "bad"

# Who has shown no sign of life for so long no longer keeps others from going on with an upload.
LEASE_SECONDS = 6.0

_AT_ONCE = 500


class Stored(NamedTuple):
    """Where a content is."""

    origin: int
    key: str
    suffix: str
    size: int


class Part(NamedTuple):
    """A part that the store has."""

    size: int
    etag: str


class Coming(NamedTuple):
    """An upload: what came, and the parts that it came in."""

    suffix: str
    multipart: str | None
    parts: list[Part]
    tail: int

    @property
    def whole(self) -> int:
        """How many bytes are there in parts."""
        return sum(part.size for part in self.parts)

    @property
    def held(self) -> int:
        """How many bytes are there."""
        return self.whole + self.tail


class Other(NamedTuple):
    """An object that is not content."""

    repository: int
    key: str
    suffix: str
    multipart: str | None


class ObjectRows:
    """The rows, on a connection; `wall` gives seconds since 1970, where the database has no clock."""

    def __init__(self, connection: Connection, wall: Callable[[], float]) -> None:
        self._connection = connection
        self._wall = wall

    # --- contents --------------------------------------------------------------------------------

    def stored(self, repository: int, key: str) -> Stored | None:
        """Say where a content is."""
        c = object_content.c
        row = self._connection.execute(
            select(c.origin, c.key, c.suffix, c.size).where(c.repository_id == repository, c.key == key)
        ).one_or_none()
        return None if row is None else Stored(*row)

    def sizes(self, repository: int, keys: Iterable[str]) -> dict[str, int]:
        """Give the sizes of those of many that there are."""
        c, wanted = object_content.c, list(keys)
        found: dict[str, int] = {}
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            query = select(c.key, c.size).where(c.repository_id == repository, c.key.in_(some))
            found |= {row.key: row.size for row in self._connection.execute(query)}
        return found

    def keys(self, repository: int, after: str | None) -> list[str]:
        """Give some keys, in their order, those behind one."""
        c = object_content.c
        query = select(c.key).where(c.repository_id == repository).order_by(c.key).limit(_AT_ONCE)
        return list(self._connection.scalars(query if after is None else query.where(c.key > after)))

    def known(self, suffix: str) -> bool:
        """Say whether there is any row of an object."""
        return any(
            self._connection.scalar(select(func.count()).where(table.c.suffix == suffix))
            for table in (object_content, object_other)
        )

    def place(self, repository: int, stored: Stored, now: float) -> None:
        """Let this object be the content; the one before is to be removed."""
        self.displace(repository, stored.key, GONE, now)
        row = {"repository_id": repository, "key": stored.key}
        put(
            self._connection,
            object_content,
            row | {"origin": stored.origin, "suffix": stored.suffix, "size": stored.size},
        )

    def share(self, key: str, source: int, target: int, now: float) -> int | None:
        """Let the content of one repository be that of another too; give its size."""
        found = self.stored(source, key)
        if found is None:
            return None
        exclusively(self._connection, 0, found.suffix)
        if self.stored(source, key) != found:
            return None  # taken away meanwhile, and with it perhaps the object
        self.place(target, found, now)
        return found.size

    def displace(self, repository: int, key: str, state: str, now: float) -> bool:
        """Take a content's row away; its object is then gone or bad, unless other repositories have it too."""
        exclusively(self._connection, repository, key)
        stored = self.stored(repository, key)
        if stored is None:
            return False
        exclusively(self._connection, 0, stored.suffix)  # others who take or leave the same object
        c = object_content.c
        self._connection.execute(delete(object_content).where(c.repository_id == repository, c.key == key))
        if not self._connection.scalar(select(func.count()).where(c.suffix == stored.suffix)):
            self._add(stored.origin, key, stored.suffix, state, now)
        return True

    # --- what is not content ---------------------------------------------------------------------

    def _add(self, repository: int, key: str, suffix: str, state: str, now: float, holder: str = "") -> None:
        row = {"suffix": suffix, "repository_id": repository, "key": key, "state": state, "multipart": None}
        until = self._until() if holder else 0.0
        row |= {"tail": 0, "holder": holder, "until": until, "touched": now}
        self._connection.execute(insert(object_other).values(row))

    def _until(self) -> float:
        return moment(self._connection, self._wall) + LEASE_SECONDS

    def coming(self, repository: int, key: str) -> Coming | None:
        """Give the upload of a content that stopped, or goes on."""
        c = object_other.c
        mine = c.repository_id == repository, c.key == key, c.state == COMING
        row = self._connection.execute(
            select(c.suffix, c.multipart, c.tail).where(*mine).limit(1)
        ).one_or_none()
        if row is None:
            return None
        p = object_part.c
        parts = self._connection.execute(
            select(p.size, p.etag).where(p.suffix == row.suffix).order_by(p.number)
        )
        return Coming(row.suffix, row.multipart, [Part(*part) for part in parts], row.tail)

    def take(self, repository: int, key: str, suffix: str, holder: str, now: float) -> Coming:
        """Begin an upload under a name, or take over the one that there is.  Raises InUse while somebody writes it."""
        exclusively(self._connection, repository, key)
        found = self.coming(repository, key)
        if found is None:
            self._add(repository, key, suffix, COMING, now, holder)
            return Coming(suffix, None, [], 0)
        c = object_other.c
        free = c.suffix == found.suffix, c.until <= moment(self._connection, self._wall)
        taken = update(object_other).where(*free).values(holder=holder, until=self._until(), touched=now)
        if not self._connection.execute(taken).rowcount:
            raise InUse(f"{key} is being uploaded by somebody else")
        return found

    def change(self, suffix: str, holder: str, now: float, **values: object) -> None:
        """Change an upload that is still one's own, and keep it for a while.  Raises InUse if it is not."""
        mine = object_other.c.suffix == suffix, object_other.c.holder == holder
        changed = update(object_other).where(*mine, object_other.c.state == COMING)
        changed = changed.values(**{"until": self._until(), "touched": now, **values})
        if not self._connection.execute(changed).rowcount:
            raise InUse("somebody else goes on with this upload")

    def add_part(self, suffix: str, number: int, part: Part) -> None:
        """Note a part that the store has."""
        self._connection.execute(insert(object_part).values(suffix=suffix, number=number, **part._asdict()))

    def cut(self, suffix: str, parts: int) -> None:
        """Forget the parts behind so many."""
        p = object_part.c
        self._connection.execute(delete(object_part).where(p.suffix == suffix, p.number > parts))

    def forget(self, suffix: str) -> None:
        """Forget an object that is none any more, or is content now, and its parts."""
        self.cut(suffix, 0)
        self._connection.execute(delete(object_other).where(object_other.c.suffix == suffix))

    def to_sweep(self, repository: int, older_than: float) -> list[Other]:
        """Give some objects that nobody wants: gone, or uploads that nobody went on with since that time."""
        c = object_other.c
        idle = (
            (c.state == COMING) & (c.touched < older_than) & (c.until <= moment(self._connection, self._wall))
        )
        query = select(c.repository_id, c.key, c.suffix, c.multipart)
        query = query.where(c.repository_id == repository, (c.state == GONE) | idle).limit(_AT_ONCE)
        return [Other(*row) for row in self._connection.execute(query)]

    def give_away(self, suffix: str) -> bool:
        """Let nobody go on with an upload that is to be removed; False if it is content by now, or goes on."""
        o = object_other.c
        idle = (o.state == GONE) | (o.until <= moment(self._connection, self._wall))
        given = update(object_other).where(o.suffix == suffix, idle).values(state=GONE, holder="")
        return self._connection.execute(given).rowcount > 0

    # --- repositories that are no more -----------------------------------------------------------

    def displace_removed(self, now: float) -> list[int]:
        """Take the rows of repositories away that are no more; give the numbers under which there is something."""
        here = select(repository.c.id)
        c, o = object_content.c, object_other.c
        for row in self._connection.execute(
            select(c.repository_id, c.key)
            .where(c.repository_id.not_in(here))
            .order_by(c.key)  # as all who lock several do, so that they wait in one direction
            .limit(_AT_ONCE)
        ).all():
            self.displace(row.repository_id, row.key, GONE, now)
        left = update(object_other).where(o.repository_id.not_in(here), o.state == COMING)
        self._connection.execute(
            left.where(o.until <= moment(self._connection, self._wall)).values(state=GONE)
        )
        gone = select(o.repository_id).distinct()
        return list(self._connection.scalars(gone.where(o.repository_id.not_in(here), o.state == GONE)))
