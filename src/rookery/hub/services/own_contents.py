"""Reading content that is small and here: files by which a dataset describes itself, records of commands."""

from __future__ import annotations

from typing import NamedTuple

from rookery.hub.domain.ports.database import Database
from rookery.hub.domain.ports.objects import Objects


class OwnContents(NamedTuple):
    """Reads for services of the hub itself, of a repository that they may read."""

    database: Database
    objects: Objects

    def read(self, repository: int, key: str, *, most: int) -> bytes | None:
        """Give content; b"" if it is larger than `most`, None if it is not here."""
        with self.database.reading() as work:
            size = work.contents.size(repository, key)
        if size is None or size > most:
            return None if size is None else b""
        reader = self.objects.open(repository, key)
        if reader is None:
            return None
        try:
            return reader.read(most)
        finally:
            reader.close()
