"""Many small contents at once, under the rules of `contents.py`: one transaction for what takes one for each there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing

from rookery.annex.keys import size_of
from rookery.annex.p2p.several import LARGEST, MOST, MOST_BYTES
from rookery.hub.domain.access import Action, Actor
from rookery.hub.domain.errors import InUse, TooMuch
from rookery.hub.domain.keys import content_key
from rookery.hub.domain.limits import Limits
from rookery.hub.domain.ports.database import Database
from rookery.hub.domain.ports.objects import Objects, Reader, Upload
from rookery.hub.services.gate import Gate, Where
from rookery.hub.services.quotas import require_room


class SmallContents:
    """Keys are text as clients send them (BadName if they are none)."""

    def __init__(
        self, database: Database, objects: Objects, gate: Gate, limits: Limits, clock: Callable[[], float]
    ) -> None:
        self._database = database
        self._objects = objects
        self._gate = gate
        self._limits = limits
        self._clock = clock

    def read(self, actor: Actor, where: Where, keys: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """Yield the contents that are here and small, as many as an answer may have."""
        named = _few(keys)
        with self._database.reading() as work:
            repository = self._gate.within(work, actor, where, Action.READ).repository.id
            claimed = work.contents.sizes(repository, named)
        left = MOST_BYTES
        for key in named:
            size = claimed.get(key, LARGEST + 1)
            if size > min(left, LARGEST):
                continue
            reader = self._objects.open(repository, key)
            if reader is None:
                continue
            data = whole(reader)
            if len(data) == size:  # not cut off or grown on the disk
                left -= size
                yield key, data

    def store(self, actor: Actor, where: Where, contents: Mapping[str, bytes]) -> list[str]:
        """Take in contents; name those that are here now, which some may have been before.

        What is not the content of its key is left out, and what somebody else uploads at this moment.  Raises
        TooMuch if there is no room for all of them.
        """
        named = _few(list(contents))
        with self._database.reading() as work:
            repository = self._gate.within(work, actor, where, Action.STORE).repository
            claimed = work.contents.sizes(repository.id, named)
            # A claim alone is not enough: bytes that got lost come back so.
            here = [key for key, size in claimed.items() if self._objects.size(repository.id, key) == size]
            coming = [key for key in named if key not in here and size_of(key) in (None, len(contents[key]))]
            more = sum(len(contents[key]) for key in coming)
            require_room(work, repository, more, self._limits, self._objects.free())
        with ExitStack() as held:
            uploads = self._written(repository.id, {key: contents[key] for key in coming}, held)
            right = {key: upload for key, upload in uploads.items() if upload.verify()}
            return here + self._placed(repository.id, right)

    def _written(self, repository: int, contents: Mapping[str, bytes], held: ExitStack) -> dict[str, Upload]:
        """Begin all of them before the first is waited for: the disk writes them together."""
        uploads: dict[str, Upload] = {}
        for key, data in contents.items():
            try:
                upload = self._objects.receive(repository, key)
            except InUse:
                continue
            held.callback(upload.close)
            upload.write(data)
            upload.hurry()
            uploads[key] = upload
        return uploads

    def _placed(self, repository: int, uploads: Mapping[str, Upload]) -> list[str]:
        with self._database.writing() as work:
            for key in sorted(uploads):  # in one order, so that two of these do not wait for each other
                work.contents.exclusively(repository, key)
            if not uploads or work.repositories.by_id(repository) is None:
                return []  # it was deleted while they came
            for key, upload in uploads.items():
                upload.place(settled=False)
                work.contents.add(repository, key, upload.held, self._clock())
            self._objects.settle(uploads, repository)
        return list(uploads)


def whole(reader: Reader) -> bytes:
    """Read all that is left, and close it."""
    with closing(reader):
        return b"".join(iter(lambda: reader.read(LARGEST), b""))


def _few(keys: Sequence[str]) -> list[str]:
    """Read the keys of a request, each once.  Raises BadName, TooMuch."""
    if len(keys) > MOST:
        raise TooMuch(f"these are more than {MOST} contents")
    return list(dict.fromkeys(map(content_key, keys)))
