"""The port to the far side: named objects, where absent and unreadable are different things.

There is no listing and no compare-and-swap: special remotes offer neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from rookery.core.errors import RookeryError


class Unreadable(RookeryError):
    """The far side could not say: it is out of reach, in trouble, or refuses us.  Never "there is nothing"."""


class Unwritable(RookeryError):
    """An object was not stored, or it is not what was stored: what the far side holds now is unknown."""


class Overwritten(Unwritable):
    """An object was stored, and the place gives back another content: somebody else writes it in the same moment."""


class Damaged(RookeryError):
    """An object of a deposit is not what it must be: torn, altered, lost, or made by somebody else."""


class Store(Protocol):
    """Objects by name at the far side.

    Every method raises Unreadable where presence or content cannot be told, and
    the writing ones Unwritable where the far side did not take or give up an object.
    """

    def read(self, names: Sequence[str]) -> Mapping[str, bytes | None]:
        """Give the content of small objects; None: certainly absent."""
        ...

    def fetch(self, name: str, into: Path) -> bool:
        """Bring a large object into a file, going on where an earlier try ended; False: certainly absent."""
        ...

    def write(self, name: str, content: bytes | Path) -> None:
        """Create an object or replace it in one step where the far side can; return when that is verified."""
        ...

    def present(self, names: Sequence[str]) -> Mapping[str, bool]:
        """Say which objects are there."""
        ...

    def remove(self, names: Sequence[str]) -> None:
        """Remove objects; those that are absent already are no failure."""
        ...
