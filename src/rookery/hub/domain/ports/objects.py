"""The port to where the bytes of contents are: one store for each repository, named by the repository's number.

It knows nothing of who may do what, nor of what is claimed.  Everything
waits for disks or for other machines: call it from threads.  A store that does
not answer raises Unavailable, from any of these: it never looks like content that is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable


class Reader(Protocol):
    """Content that is open for reading."""

    @property
    def size(self) -> int:
        """The size of all of the content, wherever reading began."""

    def read(self, size: int, /) -> bytes:
        """Give the next bytes, at most so many; none at the end."""

    def close(self) -> None:
        """Let it go."""


@runtime_checkable
class PromptReader(Reader, Protocol):
    """A reader that knows whether it would have to wait."""

    def at_once(self, size: int, /) -> memoryview | None:
        """Give the next bytes, at most so many, if they are in memory; None if not, and then `read` gives them.

        May be called where nothing may wait.  Empty at the end.
        """


class Upload(Protocol):
    """Content that is coming in.  Nobody else can write the same one meanwhile.

    After `close` without `place`, what came is kept for whoever goes on.
    """

    @property
    def held(self) -> int:
        """How many bytes are here, those of former tries included."""

    def write(self, data: bytes, /) -> None:
        """Take in what comes next."""

    def hurry(self) -> None:
        """Begin to bring what was written to the disk, and do not wait: `verify` of several together is faster then."""

    def verify(self) -> bool:
        """Say whether what is here is the content of the key, and have it on the disk; if it is not, it is gone."""

    def place(self, *, settled: bool = True) -> None:
        """Show it as the content of the key, durably.  Only after `verify`, and inside the transaction that says so.

        Who says that it need not be `settled` calls `Objects.settle` inside of the same transaction.
        """

    def close(self) -> None:
        """Let go."""


class Objects(Protocol):
    """The bytes of the contents of all repositories."""

    def check(self) -> None:
        """See that the store as a whole is there: a disk that is not mounted is not one without contents.

        Raises Unavailable.
        """

    def size(self, repository: int, key: str) -> int | None:
        """Give the size of what is there now; None if nothing is."""

    def sizes(self, repository: int, keys: Iterable[str]) -> dict[str, int]:
        """Give the sizes of those of many that are there, for a list that a person looks at.

        A store far away may say what was so when it last knew: nothing is dropped on the strength of this.
        """

    def open(self, repository: int, key: str, offset: int = 0) -> Reader | None:
        """Open content for reading from `offset` on; None if it is not there."""

    def path(self, repository: int, key: str) -> Path | None:
        """Give the file, where there is one on this machine."""

    def address(self, repository: int, key: str, *, name: str, media_type: str) -> str | None:
        """Give an address where whoever has it can download the content, for a short time, under a name.

        None where there is no such thing, or nobody wants it: then the hub passes the bytes on.
        """

    def held(self, repository: int, key: str) -> int:
        """Say how much of an upload that stopped is here."""

    def receive(self, repository: int, key: str, offset: int = 0) -> Upload:
        """Begin an upload, or go on at `offset`, which drops what lies behind it.

        Raises BadOffset if there is less than that, InUse if somebody else uploads the same.
        """

    def link(self, key: str, source: int, target: int) -> int | None:
        """Let `target` have the content of `source` too, without a second copy of the bytes where that can be.

        Give its size, None if `source` has none.  What is removed in one of them stays in the other.  Only inside
        of the transaction that says so, after `settle`.
        """

    def settle(self, keys: Iterable[str], repository: int) -> None:
        """Have on the disk that contents which were linked, or placed and not settled, are there."""

    def remove(self, repository: int, key: str) -> bool:
        """Remove content; say whether it was there."""

    def keys(self, repository: int) -> Iterator[str]:
        """Yield every key whose bytes are there, known to the database or not."""

    def verified(self, repository: int, key: str) -> bool | None:
        """Read all of it and say whether it is what its key says; None if nobody can tell from the key."""

    def set_aside(self, repository: int, key: str) -> None:
        """Take corrupt content out of the store, and keep it for a person to look at."""

    def sweep(self, repository: int, *, older_than: float) -> int:
        """Remove uploads that nobody has gone on with since that time; give how many."""

    def sweep_removed(self) -> int:
        """Remove the contents of repositories that are no more; give how many."""

    def free(self) -> int | None:
        """Give how many bytes there is room for; None if nobody knows."""
