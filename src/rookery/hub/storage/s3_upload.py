"""One content that comes in, to an object store: hashed while it is sent on in parts.

Its object has a name that no other upload ever had, so that nothing is written over,
and is nobody's content before a row says so.  What a process has in memory
when it is killed is lost; the parts that the store has are not, and any process goes on behind them.
What came from several processes was hashed by none: it is read back before anything is said of it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import AbstractContextManager
from typing import NamedTuple

from sqlalchemy.exc import SQLAlchemyError

from rookery.annex import checksum
from rookery.annex.keys import Key
from rookery.core.log import get_log
from rookery.hub.domain.errors import BadOffset, HubError, InUse, Unavailable
from rookery.hub.storage.object_names import object_name, tail_name
from rookery.hub.storage.object_rows import LEASE_SECONDS, Coming, ObjectRows, Part, Stored
from rookery.hub.storage.s3 import S3, Missing

log = get_log("rookery.hub")

# S3 takes 10,000 parts, of 5 MiB at least; an upload has two of them in memory.
PART = 8 << 20
_MOST_PARTS = 9_000


class Stock(NamedTuple):
    """What uploads are made with: the bucket, the rows, who sends parts, seconds since 1970."""

    s3: S3
    noted: Callable[[], AbstractContextManager[ObjectRows]]
    sending: Executor
    clock: Callable[[], float]


def part_size(size: int | None, number: int) -> int:
    """Say how large the next part is: such that 10,000 are enough, also where nobody knows how much is to come."""
    if size is None:
        return PART * (1 + number // 1000)
    return max(PART, -(-size // _MOST_PARTS))


class S3Upload:
    """What `domain.ports.objects.Upload` says."""

    def __init__(
        self, stock: Stock, repository: int, key: Key, name: str, coming: Coming, holder: str
    ) -> None:
        self._stock = stock
        self._repository = repository
        self._key = key
        self._name = name
        self._suffix = coming.suffix
        self._object = object_name(repository, name, coming.suffix)
        self._holder = holder
        self._multipart = coming.multipart
        self._parts = list(coming.parts)
        self._waiting = bytearray()  # for the next part
        self._flying: tuple[Future[str], int] | None = None
        self._hasher = checksum.hasher_of(key.backend)
        self._seen = not self._parts  # whether the hasher saw all of it
        self._had_tail = coming.tail > 0
        self._renewed = stock.clock()
        self._broken = False  # a part is lost: what is in memory is not what comes behind those that are kept
        self._over = False
        self.held = sum(part.size for part in self._parts)

    def go_on(self, offset: int, tail: int) -> None:
        """Go on at an offset, with what is behind the parts.  Raises BadOffset."""
        behind = offset - self.held
        if not 0 <= behind <= tail:
            raise BadOffset(f"{self._name} cannot go on at {offset}", held=self.held + tail)
        if behind:
            try:
                body, _ = self._stock.s3.get(tail_name(self._suffix), 0)
                with self._stock.s3.reading():
                    kept = body.read(behind)
            except Missing as e:
                raise BadOffset(f"{self._name} is shorter than it was", held=self.held) from e
            if len(kept) != behind:
                raise BadOffset(f"{self._name} is shorter than it was", held=self.held)
            self._take(kept)

    def _take(self, data: bytes) -> None:
        if self._hasher is not None and self._seen:
            self._hasher.update(data)
        self._waiting += data
        self.held += len(data)

    def write(self, data: bytes, /) -> None:
        """Take in what comes next."""
        self._take(data)
        most = part_size(self._key.size, len(self._parts))
        while len(self._waiting) > most:
            self._send(most)
        if abs(self._stock.clock() - self._renewed) > LEASE_SECONDS / 3:
            self._change()

    def _change(self, **values: object) -> None:
        with self._stock.noted() as rows:
            rows.change(self._suffix, self._holder, self._stock.clock(), **values)
        self._renewed = self._stock.clock()

    def _send(self, size: int) -> None:
        """Have a part sent, when the one before has arrived."""
        self._arrived()
        if self._multipart is None:
            self._multipart = self._stock.s3.begin(self._object)
            self._change(multipart=self._multipart)
        data = bytes(self._waiting[:size])
        number = len(self._parts) + 1
        sent = self._stock.sending.submit(self._stock.s3.part, self._object, self._multipart, number, data)
        del self._waiting[:size]
        self._flying = sent, size

    def _arrived(self) -> None:
        """Wait for the part that is on its way, and note it."""
        if self._flying is None:
            return
        (sent, size), self._flying = self._flying, None
        self._broken = True
        try:
            part = Part(size, sent.result())
        except Missing as e:
            self._forget()
            raise Unavailable(f"the store has lost what came of {self._name}", hints=["send it again"]) from e
        with self._stock.noted() as rows:
            # what was behind the parts before is in this one
            rows.change(self._suffix, self._holder, self._stock.clock(), tail=0)
            rows.add_part(self._suffix, len(self._parts) + 1, part)
        self._broken = False
        self._renewed = self._stock.clock()
        self._parts.append(part)

    def hurry(self) -> None:
        """Do nothing: parts are on their way, and what is small is sent by `verify`."""

    def verify(self) -> bool:
        """Compare with the key, and have the store keep it.  Wrong content is removed."""
        right = self._key.size in (None, self.held)
        if right and self._hasher is not None and self._seen:
            right = checksum.is_of(self._key, self._hasher)
        if right:
            right = self._kept() and (self._seen or self._hasher is None or self._read_back())
        if not right:
            self._forget()
        elif self._had_tail:
            self._change(tail=0)  # first: who goes on with what is told must find it
            self._stock.s3.remove(tail_name(self._suffix))
        return right

    def _kept(self) -> bool:
        if self._multipart is None:
            self._stock.s3.put(self._object, bytes(self._waiting))
            return True
        if self._waiting:
            self._send(len(self._waiting))
        self._arrived()
        try:
            self._stock.s3.complete(self._object, self._multipart, [part.etag for part in self._parts])
        except Missing:
            pass  # it was done before, and its answer was lost, or who asked for it was killed: the size tells
        try:
            return self._stock.s3.size(self._object) == self.held
        except Missing:
            return False

    def _read_back(self) -> bool:
        hasher = checksum.hasher_of(self._key.backend)
        assert hasher is not None
        body, _ = self._stock.s3.get(self._object, 0)
        with self._stock.s3.reading():
            while piece := body.read(checksum.CHUNK):
                hasher.update(piece)
                if abs(self._stock.clock() - self._renewed) > LEASE_SECONDS / 3:
                    self._change()
        return checksum.is_of(self._key, hasher)

    def place(self, *, settled: bool = True) -> None:  # noqa: ARG002 - the port's: rows count with their transaction
        """Say that this object is the content.  Raises InUse if somebody else has taken the upload over."""
        stored = Stored(self._repository, self._name, self._suffix, self.held)
        with self._stock.noted() as rows:
            rows.change(self._suffix, self._holder, self._stock.clock())
            rows.forget(self._suffix)
            rows.place(self._repository, stored, self._stock.clock())
        self._over = True

    def _forget(self) -> None:
        with self._stock.noted() as rows:
            rows.change(self._suffix, self._holder, self._stock.clock(), until=0.0)
            rows.give_away(self._suffix)
        self._over = True

    def close(self) -> None:
        """Let go; what came is kept for whoever goes on, and nobody waits for us."""
        if self._over:
            return
        self._over = True
        try:
            if not self._broken:
                self._arrived()
            if self._broken:
                self._change(until=0.0)
                return
            if self.held == 0:
                self._forget()
                return
            if self._waiting:
                self._stock.s3.put(tail_name(self._suffix), bytes(self._waiting))
            self._change(tail=len(self._waiting), until=0.0)
        except (HubError, SQLAlchemyError) as e:
            if not isinstance(e, InUse):  # somebody goes on already
                log.warning("not all that came of %s could be kept: %s", self._name, e)
