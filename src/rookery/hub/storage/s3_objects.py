"""Contents in an object store (S3): objects that are written once, and rows that say whose they are.

The store is never asked inside of a transaction that changes something: an object
is complete before a row names it, and is removed some time after no row does (`sweep`).
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rookery.annex import checksum
from rookery.annex.keys import parse_key
from rookery.core.process import encode
from rookery.hub.domain.errors import BadName, BadOffset, InUse, Unavailable
from rookery.hub.storage.database import SqlDatabase
from rookery.hub.storage.object_names import below, object_name, parse_name, tail_name
from rookery.hub.storage.object_rows import BAD, GONE, Coming, ObjectRows, Other, Stored
from rookery.hub.storage.s3 import S3, Missing
from rookery.hub.storage.s3_upload import S3Upload, Stock

# Parts that are sent at the same time, of all uploads.
SENDERS = 32

# How often, and how long, an upload waits for the one before: somewhat longer than a dead one is taken for alive.
_LOOKS, _LOOK_SECONDS = 14, 0.5


class S3Reader:
    """An object that is read; a connection that breaks is made again, behind what came, as long as more comes."""

    TRIES = 3

    def __init__(self, s3: S3, name: str, offset: int) -> None:
        self._s3 = s3
        self._name = name
        self._at = offset
        self._left = self.TRIES
        self._body: Any = None
        if offset == 0:
            self._body, self.size = s3.get(name, 0)
            return
        self.size = s3.size(name)
        if offset < self.size:
            self._body, self.size = s3.get(name, offset)

    def read(self, size: int, /) -> bytes:
        """Give the next bytes; fewer than there are only at the end.  Raises Unavailable."""
        while self._at < self.size:
            try:
                with self._s3.reading():
                    piece: bytes = self._body.read(size)
            except Unavailable:
                self._again()
                continue
            if not piece:
                raise Unavailable("the store of contents ended before the content did")
            self._at += len(piece)
            self._left = self.TRIES
            return piece
        return b""

    def _again(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Unavailable("the store of contents breaks off again and again", hints=["try again later"])
        self._body.close()
        try:
            self._body, _ = self._s3.get(self._name, self._at)
        except Missing as e:
            raise Unavailable("the content was removed while it was read") from e

    def close(self) -> None:
        """Let it go."""
        if self._body is not None:
            self._body.close()


class S3Objects:
    """What `domain.ports.objects` says, in a bucket; `links` is how many seconds an address of a content is good."""

    def __init__(self, s3: S3, database: SqlDatabase, clock: Callable[[], float], *, links: int) -> None:
        self.s3 = s3
        self._database = database
        self._clock = clock
        self._links = links
        sending = ThreadPoolExecutor(SENDERS, thread_name_prefix="s3")
        self._stock = Stock(s3, self._noted, sending, clock)

    @contextmanager
    def _noted(self) -> Iterator[ObjectRows]:
        with self._database.joined() as connection:
            yield ObjectRows(connection, self._clock)

    def check(self) -> None:
        """See that the bucket is there."""
        self.s3.try_out()

    def _stored(self, repository: int, key: str) -> Stored | None:
        with self._noted() as rows:
            return rows.stored(repository, key)

    # --- reading ---------------------------------------------------------------------------------

    def size(self, repository: int, key: str) -> int | None:
        """Give the size of what is there now, as the store says it."""
        stored = self._stored(repository, key)
        try:
            return None if stored is None else self.s3.size(_name(stored))
        except Missing:
            return None

    def sizes(self, repository: int, keys: Iterable[str]) -> dict[str, int]:
        """Give the sizes of those of many that the rows know of; the store is not asked for each."""
        with self._noted() as rows:
            return rows.sizes(repository, keys)

    def open(self, repository: int, key: str, offset: int = 0) -> S3Reader | None:
        """Open content for reading."""
        stored = self._stored(repository, key)
        try:
            return None if stored is None else S3Reader(self.s3, _name(stored), offset)
        except Missing:
            return None

    def path(self, repository: int, key: str) -> Path | None:  # noqa: ARG002 - the port's
        """Give none: there is no file."""
        return None

    def address(self, repository: int, key: str, *, name: str, media_type: str) -> str | None:
        """Give an address at the store, if the site wants that."""
        stored = self._stored(repository, key) if self._links else None
        if stored is None:
            return None
        file = quote(encode(name), safe="")
        return self.s3.address(_name(stored), seconds=self._links, file=file, media_type=media_type)

    def verified(self, repository: int, key: str) -> bool | None:
        """Read all of it and compare."""
        stored = self._stored(repository, key)
        return False if stored is None else self._is_right(stored)

    def _is_right(self, stored: Stored) -> bool | None:
        parsed = parse_key(stored.key)
        if parsed is None:
            return None
        hasher, size = checksum.hasher_of(parsed.backend), 0
        try:
            if hasher is None:
                return None if parsed.size in (None, self.s3.size(_name(stored))) else False
            reader = S3Reader(self.s3, _name(stored), 0)
        except Missing:
            return False
        try:
            while piece := reader.read(checksum.CHUNK):
                hasher.update(piece)
                size += len(piece)
        finally:
            reader.close()
        return parsed.size in (None, size) and checksum.is_of(parsed, hasher)

    # --- taking in -------------------------------------------------------------------------------

    def held(self, repository: int, key: str) -> int:
        """Say how much of an upload that stopped is in the store."""
        with self._noted() as rows:
            found = rows.coming(repository, key)
        return found.held if found else 0

    def receive(self, repository: int, key: str, offset: int = 0) -> S3Upload:
        """Begin an upload, or go on: behind a part, or anywhere behind the last one."""
        parsed = parse_key(key)
        if parsed is None:
            raise BadName(f"{key!r} is not a key")
        holder, fresh = secrets.token_hex(16), secrets.token_hex(16)
        found = self._taken(repository, key, fresh, holder)
        with self._noted() as rows:
            if found.held < offset:
                rows.change(found.suffix, holder, self._clock(), until=0.0)
            elif offset == 0 and found.parts:
                # parts cannot be taken back, so that this is another upload, with a name of its own
                rows.change(found.suffix, holder, self._clock(), until=0.0)
                rows.give_away(found.suffix)
                found = rows.take(repository, key, fresh, holder, self._clock())
            elif 0 <= offset - found.whole < found.tail:
                rows.change(found.suffix, holder, self._clock(), tail=offset - found.whole)
        if found.held < offset:
            raise BadOffset(f"{key} cannot go on at {offset}: {found.held} bytes are here", held=found.held)
        upload = S3Upload(self._stock, repository, parsed, key, found, holder)
        try:
            upload.go_on(offset, found.tail)
        except BaseException:
            with self._noted() as rows:
                rows.change(found.suffix, holder, self._clock(), until=0.0)
            raise
        return upload

    def link(self, key: str, source: int, target: int) -> int | None:
        """Let another repository have the same object; it goes when both have let it go."""
        with self._noted() as rows:
            return rows.share(key, source, target, self._clock())

    def settle(self, keys: Iterable[str], repository: int) -> None:
        """Have nothing to do: rows count when their transaction does."""

    def _taken(self, repository: int, key: str, fresh: str, holder: str) -> Coming:
        """Take an upload; who had it may be dead, or about to let go: a client that is started again comes at once."""
        for _ in range(_LOOKS):
            try:
                with self._noted() as rows:
                    return rows.take(repository, key, fresh, holder, self._clock())
            except InUse:
                time.sleep(_LOOK_SECONDS)
        with self._noted() as rows:
            return rows.take(repository, key, fresh, holder, self._clock())

    # --- taking away -----------------------------------------------------------------------------

    def remove(self, repository: int, key: str) -> bool:
        """Take the row away; the object goes at the next sweep."""
        with self._noted() as rows:
            return rows.displace(repository, key, GONE, self._clock())

    def set_aside(self, repository: int, key: str) -> None:
        """Take the row of corrupt content away; the object stays, under its name."""
        with self._noted() as rows:
            rows.displace(repository, key, BAD, self._clock())

    def keys(self, repository: int) -> Iterator[str]:
        """Yield every key whose bytes are there; objects without a row get one if they are what their names say."""
        after = None
        while True:
            with self._noted() as rows:
                found = rows.keys(repository, after)
            if not found:
                break
            after = found[-1]
            yield from found
        for name in self.s3.names(below(repository)):
            parsed = parse_name(repository, name)
            if parsed is not None and self._adopted(repository, *parsed):
                yield parsed[0]

    def _adopted(self, repository: int, key: str, suffix: str) -> bool:
        with self._noted() as rows:
            if rows.known(suffix) or rows.stored(repository, key) is not None:
                return False
        try:
            stored = Stored(repository, key, suffix, self.s3.size(object_name(repository, key, suffix)))
        except Missing:
            return False
        if not self._is_right(stored):
            return False  # it cannot be told for a key without a checksum: parts of it may be what is there
        with self._noted() as rows:
            if rows.known(suffix) or rows.stored(repository, key) is not None:
                return False
            rows.place(repository, stored, self._clock())
        return True

    # --- upkeep ----------------------------------------------------------------------------------

    def sweep(self, repository: int, *, older_than: float) -> int:
        """Remove what was dropped, and uploads that nobody has gone on with; the rows go last."""
        swept = 0
        while True:
            with self._noted() as rows:
                found = [one for one in rows.to_sweep(repository, older_than) if rows.give_away(one.suffix)]
            if not found:
                return swept
            for one in found:
                self._swept(one)
                with self._noted() as rows:
                    rows.forget(one.suffix)
                swept += 1

    def _swept(self, one: Other) -> None:
        name = object_name(one.repository, one.key, one.suffix)
        if one.multipart is not None:
            self.s3.give_up(name, one.multipart)
        self.s3.remove(name)
        self.s3.remove(tail_name(one.suffix))

    def sweep_removed(self) -> int:
        """Remove what repositories had that are no more."""
        swept = 0
        while True:
            with self._noted() as rows:
                numbers = rows.displace_removed(self._clock())
            found = sum(self.sweep(number, older_than=0.0) for number in numbers)
            if not found:
                return swept
            swept += found

    def free(self) -> int | None:
        """Nobody knows."""
        return None


def _name(stored: Stored) -> str:
    return object_name(stored.origin, stored.key, stored.suffix)
