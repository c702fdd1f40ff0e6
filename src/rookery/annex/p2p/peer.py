"""What a sibling does for us that speaks git-annex's P2P protocol, whatever carries the words."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple, Protocol

from rookery.annex import checksum
from rookery.annex.incoming.arrival import Arrival
from rookery.annex.keys import parse_key
from rookery.annex.nearby.content_locks import object_here
from rookery.annex.nearby.placing import Heard, Unplaced
from rookery.annex.outcome import Item
from rookery.core.errors import RookeryError
from rookery.git.repo import Repo


class PeerLost(RookeryError):
    """The connection is gone, or the other side says what makes no sense; what was not confirmed was not done."""


class Content(NamedTuple):
    """An object that is open to be read."""

    handle: int
    size: int


class Parcel(NamedTuple):
    """A content of ours that is to go elsewhere."""

    repo: Repo
    item: Item
    heard: Heard | None

    @contextmanager
    def opened(self) -> Iterator[Content]:
        """Open the object.  Raises Unplaced if it is not as its key says, as far as a look tells; OSError."""
        place = object_here(self.repo, self.item.key)
        parsed = parse_key(self.item.key)
        if place is None or parsed is None:
            raise Unplaced(f"the content of {self.item.key} is not here")
        handle = os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            seen = os.fstat(handle)
            if not stat.S_ISREG(seen.st_mode) or parsed.size not in (None, seen.st_size):
                raise Unplaced(f"{place} has not the size of its content")
            # Nobody can tell by its key that such content was changed, also not the other side.
            unproven = checksum.hasher_of(parsed.backend) is None
            if unproven and (seen.st_nlink > 1 or seen.st_mode & 0o222):
                raise Unplaced(f"{place} may have been changed")
            yield Content(handle, seen.st_size)
        finally:
            os.close(handle)


class Peer(Protocol):
    """A connection to a sibling; one thread at a time.  All methods raise PeerLost."""

    def present(self, keys: Iterable[str]) -> Iterator[tuple[str, bool]]:
        """Say of each key whether its content is there; a key about which the sibling gives no answer is left out."""

    def fetch(self, arrivals: Iterable[Arrival]) -> Iterator[Arrival]:
        """Bring each content, and yield it when that has ended, well (`ok`) or not."""

    def store(self, parcels: Iterable[Parcel]) -> Iterator[tuple[Parcel, bool]]:
        """Send each content, and yield it with whether the sibling says that it has it."""

    def kept(self, key: str) -> AbstractContextManager[None]:
        """Have a content kept for the block, or for ten minutes, whichever is shorter.  Raises LockedError."""

    def close(self) -> None:
        """Hang up."""
