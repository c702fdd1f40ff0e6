"""Contents that two repositories have, on bytes that are stored once: rows are made, and names of files.

Whoever calls has seen to it that this gives nobody what they may not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice

from rookery.hub.domain.ports.contents import Totals
from rookery.hub.domain.ports.database import Database, Work
from rookery.hub.domain.ports.objects import Objects

# So many keys are shared in one transaction, which keeps other writers waiting.
AT_ONCE = 200


class Sharing:
    """Lets a repository have contents of another one."""

    def __init__(self, database: Database, objects: Objects, clock: Callable[[], float]) -> None:
        self._database = database
        self._objects = objects
        self._clock = clock

    def missing(self, keys: Iterable[str], repository: int) -> set[str]:
        """Give those of some keys that a repository does not have."""
        with self._database.reading() as work:
            return {key for key in keys if not self._is_here(work, key, repository)}

    def share(self, keys: Iterable[str], source: int, target: int) -> Totals:
        """Let `target` have those of the keys that `source` has; give what it has got that was not there before.

        Each part of them counts when its transaction ends; a crash leaves the parts that came so far.
        """
        waiting, count, size = iter(sorted(set(keys))), 0, 0
        while part := list(islice(waiting, AT_ONCE)):
            came = self._share(part, source, target)
            count, size = count + len(came), size + sum(came.values())
        return Totals(count, size)

    def _share(self, keys: list[str], source: int, target: int) -> dict[str, int]:
        came: dict[str, int] = {}
        with self._database.writing() as work:
            if work.repositories.by_id(target) is None or work.repositories.by_id(source) is None:
                return {}
            for key in keys:  # in order: who locks several never waits for who waits for them
                work.contents.exclusively(target, key)
                size = work.contents.size(source, key)
                if size is None or self._is_here(work, key, target):
                    continue
                linked = self._objects.link(key, source, target)
                if linked == size:
                    came[key] = size
                elif linked is not None:
                    self._objects.remove(target, key)  # cut off or grown on the disk: not this content
            self._objects.settle(came, target)
            for key, size in came.items():
                work.contents.add(target, key, size, self._clock())
        return came

    def _is_here(self, work: Work, key: str, repository: int) -> bool:
        claimed = work.contents.size(repository, key)
        return claimed is not None and claimed == self._objects.size(repository, key)
