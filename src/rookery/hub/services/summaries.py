"""What a dataset is all in all: files, bytes, how much of it is on the hub, its subdatasets, its last runs.

All files of a commit have to be looked at, two seconds for 100,000.  So it is done once
for a commit and for what the hub has at that time, beside the request, which waits a moment only.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from itertools import islice
from typing import NamedTuple

from rookery.annex.files import with_keys
from rookery.annex.keys import size_of
from rookery.git import modes, trees
from rookery.git.commits import Commit
from rookery.hub.domain.access import Actor
from rookery.hub.domain.ports.contents import Totals
from rookery.hub.services.browsing import Place
from rookery.hub.services.contents import ContentService
from rookery.hub.services.runs import RunService

# So many are remembered; each is a few hundred bytes.
_MOST = 1000
_LAST_RUNS = 3
_NESTED = 10
_CHUNK = 500


class Summary(NamedTuple):
    """One dataset at one commit.  `size` is without annexed content that tells none.

    `runs` are the last commits that commands have made, newest first; `nested` the paths of the first subdatasets.
    """

    files: int
    size: int
    annexed: int
    present: int
    missing_size: int
    subdatasets: int
    runs: tuple[Commit, ...] = ()
    nested: tuple[str, ...] = ()

    @property
    def missing(self) -> int:
        """How many annexed files have no content here."""
        return self.annexed - self.present


_Mark = tuple[int, str, Totals]


class SummaryService:
    """Counts once, remembers, and never lets a page wait long."""

    def __init__(self, contents: ContentService, runs: RunService) -> None:
        self._contents = contents
        self._runs = runs
        self._known: OrderedDict[_Mark, Future[Summary]] = OrderedDict()
        self._guard = threading.Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="summary")

    def of(self, actor: Actor, place: Place, *, patience: float = 0.1) -> Summary | None:
        """Give the summary; None if counting takes more than `patience` seconds: it goes on, ask again.

        Who asks while it is being counted does not wait.
        """
        mark = place.repository.id, place.commit, self._contents.totals(actor, place.repository.id)
        with self._guard:
            counted = self._known.get(mark)
            begins = counted is None or (counted.done() and counted.exception() is not None)
            if counted is None or begins:
                counted = self._known[mark] = self._thread.submit(self._count, actor, place)
            self._known.move_to_end(mark)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
        try:
            return counted.result(patience if begins else 0)
        except NotYet:
            return None

    def _count(self, actor: Actor, place: Place) -> Summary:
        files = size = subdatasets = missing_size = 0
        keys: dict[str, int] = {}
        nested: list[str] = []
        entries = trees.ls_tree(place.repo, place.commit, sizes=True)
        for entry, key, _ in with_keys(place.repo, entries):
            if entry.mode == modes.GITLINK:
                subdatasets += 1
                if len(nested) < _NESTED:
                    nested.append(entry.path)
                continue
            files += 1
            size += (size_of(key) if key else entry.size) or 0
            if key:
                keys[key] = keys.get(key, 0) + 1
        present = 0
        for some in _chunks(keys):
            here = self._contents.present_of(actor, place.repository.id, some)
            present += sum(keys[key] for key in here)
            missing_size += sum(size_of(key) or 0 for key in some if key not in here)
        runs = tuple(run.commit for run in self._runs.runs(place, limit=_LAST_RUNS))
        annexed = sum(keys.values())
        return Summary(files, size, annexed, present, missing_size, subdatasets, runs, tuple(nested))


def _chunks(keys: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(keys)
    while some := list(islice(rest, _CHUNK)):
        yield some
