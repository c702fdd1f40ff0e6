"""A store in which an archive without its list of refs speaks for itself.

Peers are killed between the two; until somebody pushes, the archive is all there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rookery.core.process import encode
from rookery.deposit.legacy.pair import LegacyDeposit
from rookery.deposit.protocol import records
from rookery.deposit.terms import layout, refsfile
from rookery.deposit.terms.store import Store


class WithLoneArchive:
    """A Store; the archive is looked at only where there are neither refs nor writers of ours."""

    def __init__(self, inner: Store, legacy: LegacyDeposit) -> None:
        self._inner = inner
        self._legacy = legacy

    def read(self, names: Sequence[str]) -> Mapping[str, bytes | None]:
        """Give the content of small objects."""
        got = dict(self._inner.read(names))
        whole_look = layout.REFS in got and records.DIRECTORY in got
        if whole_look and got[layout.REFS] is None and got[records.DIRECTORY] is None:
            state = self._legacy.archived()
            got[layout.REFS] = None if state is None else encode(refsfile.build(state))
        return got

    def fetch(self, name: str, into: Path) -> bool:
        """Bring a large object into a file."""
        return self._inner.fetch(name, into)

    def write(self, name: str, content: bytes | Path) -> None:
        """Create an object or replace it."""
        self._inner.write(name, content)

    def present(self, names: Sequence[str]) -> Mapping[str, bool]:
        """Say which objects are there."""
        return self._inner.present(names)

    def remove(self, names: Sequence[str]) -> None:
        """Remove objects."""
        self._inner.remove(names)
