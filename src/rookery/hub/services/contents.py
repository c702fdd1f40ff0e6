"""Content of repositories: read it, take it in, keep it, drop it.  Every way in goes through the gate.

The order makes a crash harmless.  Taking in: the bytes are compared with their
key and on the disk before anything is said of them; then one transaction shows
them and says so.  Dropping: one transaction takes back what was said, if no lock
stands against it; a second one removes the bytes, if nobody has brought
the content again meanwhile.  Between the two there are bytes that nobody
knows of, which `hub fsck` finds; never a claim without bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType

from rookery.annex.keys import size_of
from rookery.hub.domain.access import Action, Actor
from rookery.hub.domain.errors import BadOffset, NotFound, TooMuch
from rookery.hub.domain.keys import content_key
from rookery.hub.domain.limits import Limits
from rookery.hub.domain.ports.contents import Totals
from rookery.hub.domain.ports.database import Database, Work
from rookery.hub.domain.ports.objects import Objects, Reader, Upload
from rookery.hub.domain.records import Repository
from rookery.hub.services.auditing import note
from rookery.hub.services.gate import Gate, Pass, Where
from rookery.hub.services.last_copy import LastCopy
from rookery.hub.services.quotas import holder_of, require_lock, require_room

# SQLite takes 32,766 variables in a statement, older ones 999.
_AT_ONCE = 500


class ContentService:
    """Keys are text as clients send them (BadName if they are none); sizes and offsets are bytes."""

    def __init__(
        self,
        database: Database,
        objects: Objects,
        gate: Gate,
        last_copy: LastCopy,
        limits: Limits,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._objects = objects
        self._gate = gate
        self._last_copy = last_copy
        self._limits = limits
        self._clock = clock

    # --- reading ---------------------------------------------------------------------------------

    def size(self, actor: Actor, where: Where, key: str) -> int | None:
        """Give the size of content that is here, claimed and in fact; None if it is not."""
        passed, key, claimed = self._claimed(actor, where, key)
        there = self._objects.size(passed.repository.id, key) if claimed is not None else None
        return claimed if there == claimed else None

    def present(self, actor: Actor, where: Where, key: str) -> bool:
        """Say whether the content is here."""
        return self.size(actor, where, key) is not None

    def present_of(self, actor: Actor, where: Where, keys: Iterable[str]) -> set[str]:
        """Give those of many keys whose content is here, by few questions to the database."""
        with self._database.reading() as work:
            repository = self._gate.within(work, actor, where, Action.READ).repository.id
            asked = list(set(keys))
            parts = (asked[at : at + _AT_ONCE] for at in range(0, len(asked), _AT_ONCE))
            claimed = {
                key: size for part in parts for key, size in work.contents.sizes(repository, part).items()
            }
        there = self._objects.sizes(repository, claimed)
        return {key for key, size in claimed.items() if there.get(key) == size}

    def open(self, actor: Actor, where: Where, key: str, offset: int = 0) -> Reader:
        """Open content for reading from `offset` on.  Raises NotFound if it is not here."""
        passed, key, claimed = self._claimed(actor, where, key)
        reader = self._objects.open(passed.repository.id, key, offset) if claimed is not None else None
        if reader is None or reader.size != claimed:
            if reader is not None:
                reader.close()  # cut off or grown on the disk: not this content
            raise NotFound(f"the content of {key} is not here")
        return reader

    def file(self, actor: Actor, where: Where, key: str) -> Path | None:
        """Give the file of content that is here, where there is one on this machine."""
        passed, key, claimed = self._claimed(actor, where, key)
        return self._objects.path(passed.repository.id, key) if claimed is not None else None

    def address(self, actor: Actor, where: Where, key: str, *, name: str, media_type: str) -> str | None:
        """Give an address at the store of contents, good for a short time, for whoever follows it.

        None where there is none: then the hub passes the bytes on.
        """
        passed, key, claimed = self._claimed(actor, where, key)
        if claimed is None:
            return None
        return self._objects.address(passed.repository.id, key, name=name, media_type=media_type)

    def totals(self, actor: Actor, where: Where) -> Totals:
        """Say how much is here."""
        with self._database.reading() as work:
            return work.contents.totals(self._gate.within(work, actor, where, Action.READ).repository.id)

    def _claimed(self, actor: Actor, where: Where, key: str) -> tuple[Pass, str, int | None]:
        with self._database.reading() as work:
            passed = self._gate.within(work, actor, where, Action.READ)
            named = content_key(key)
            return passed, named, work.contents.size(passed.repository.id, named)

    # --- taking in -------------------------------------------------------------------------------

    def put_offset(self, actor: Actor, where: Where, key: str) -> int | None:
        """Say where an upload can go on; None if the content is here already.  Raises TooMuch over a quota."""
        with self._database.reading() as work:  # one transaction: this is asked for each of many small files
            repository = self._gate.within(work, actor, where, Action.STORE).repository
            named = content_key(key)
            if self._is_here(work, repository, named):
                return None
            held = self._objects.held(repository.id, named)
            more = (size_of(named) or held) - held
            require_room(work, repository, more, self._limits, self._objects.free())
        return held

    def receive(self, actor: Actor, where: Where, key: str, *, length: int, offset: int = 0) -> Receiving:
        """Begin to take in content of which `length` bytes are still to come, behind `offset`; also if it is here.

        Raises BadOffset (not so much is here; or key and lengths contradict each other), TooMuch over a quota,
        InUse while somebody else uploads the same.
        """
        coming = self._begin(actor, where, key, length, offset, even_if_here=True)
        assert coming is not None
        return coming

    def receive_missing(
        self, actor: Actor, where: Where, key: str, *, length: int, offset: int = 0
    ) -> Receiving | None:
        """Begin as `receive` does; None if the content is here already."""
        return self._begin(actor, where, key, length, offset, even_if_here=False)

    def _begin(
        self, actor: Actor, where: Where, key: str, length: int, offset: int, *, even_if_here: bool
    ) -> Receiving | None:
        with self._database.reading() as work:
            repository = self._gate.within(work, actor, where, Action.STORE).repository
            named, size = content_key(key), size_of(key)
            if not even_if_here and self._is_here(work, repository, named):
                return None
            if length < 0 or (size is not None and offset + length != size):
                raise BadOffset(f"{named} is {size} bytes, not {offset} and {length}", held=offset)
            require_room(work, repository, length, self._limits, self._objects.free())
        upload = self._objects.receive(repository.id, named, offset)
        return Receiving(self._database, upload, repository, named, length, self._clock)

    def _is_here(self, work: Work, repository: Repository, key: str) -> bool:
        claimed = work.contents.size(repository.id, key)
        return claimed is not None and claimed == self._objects.size(repository.id, key)

    def start_over(self, actor: Actor, where: Where, key: str) -> None:
        """Forget what came of an upload: the file changed while it was sent.  Raises InUse while it still comes."""
        repository = self._gate.enter(actor, where, Action.STORE).repository
        self._objects.receive(repository.id, content_key(key), 0).close()

    # --- dropping --------------------------------------------------------------------------------

    def remove(self, actor: Actor, where: Where, key: str, *, before: float | None = None) -> bool:
        """Drop content; True also if it was not here.

        False if a lock is on it, or if the hub's clock has reached `before`.  Raises
        OnlyCopy if nobody else is known to have it (a repository can be told not to mind).
        """
        named = content_key(key)
        with self._database.reading() as work:
            repository = self._gate.within(work, actor, where, Action.DROP).repository
            here = work.contents.size(repository.id, named) is not None
        if here:
            self._last_copy.require_other(repository, named)
        with self._database.writing() as work:
            self._gate.within(work, actor, repository.id, Action.DROP)
            work.contents.exclusively(repository.id, named)
            if work.contents.size(repository.id, named) is not None:
                if not here:
                    return False  # it has just come: nobody has looked whether others have it
                if before is not None and work.locks.passed(before):
                    return False
                if work.locks.held(repository.id, named):
                    return False
                work.contents.remove(repository.id, named)
                note(work, actor, "drop", f"{repository.path}", named, self._clock())
        with self._database.writing() as work:
            work.contents.exclusively(repository.id, named)
            if work.contents.size(repository.id, named) is None:
                self._objects.remove(repository.id, named)
        return True

    # --- locks -----------------------------------------------------------------------------------

    def timestamp(self, actor: Actor, where: Where) -> float:
        """Give the hub's clock, which all its processes share."""
        with self._database.writing() as work:
            self._gate.within(work, actor, where, Action.READ)
            return work.locks.timestamp()

    def lock(self, actor: Actor, where: Where, key: str) -> str | None:
        """Keep content from being dropped for ten minutes; None if it is not here.  Raises TooMuch over a limit."""
        if not self.present(actor, where, key):
            return None
        with self._database.writing() as work:
            repository = self._gate.within(work, actor, where, Action.READ).repository
            require_lock(work, repository, actor, self._limits)
            return work.locks.take(
                repository.id, content_key(key), holder=holder_of(actor), seconds=self._limits.lock
            )

    def keep(self, lock: str) -> bool:
        """Let a lock last ten minutes from now; False if it has expired."""
        with self._database.writing() as work:
            return work.locks.extend(lock, seconds=self._limits.lock)

    def unlock(self, lock: str) -> bool:
        """End a lock; False if it had ended."""
        with self._database.writing() as work:
            return work.locks.release(lock)


class Receiving:
    """One content that comes in: `write` all of it, then `finish`.  Leave the block early, and the part is kept."""

    def __init__(
        self,
        database: Database,
        upload: Upload,
        repository: Repository,
        key: str,
        length: int,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._upload = upload
        self._repository = repository
        self._key = key
        self._left = length
        self._clock = clock

    def __enter__(self) -> Receiving:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._upload.close()

    def close(self) -> None:
        """Let go; what came is kept for the next try."""
        self._upload.close()

    def write(self, data: bytes) -> None:
        """Take in what comes next.  Raises TooMuch if it is more than was announced."""
        if len(data) > self._left:
            raise TooMuch(f"{self._key}: more came than was announced")
        self._upload.write(data)
        self._left -= len(data)

    def finish(self) -> bool:
        """Say whether the content is here now: all came, it is what its key says, and it is on the disk."""
        if self._left or not self._upload.verify():
            return False
        with self._database.writing() as work:
            work.contents.exclusively(self._repository.id, self._key)
            if work.repositories.by_id(self._repository.id) is None:
                return False  # it was deleted while the content came
            self._upload.place()
            work.contents.add(self._repository.id, self._key, self._upload.held, self._clock())
        return True
