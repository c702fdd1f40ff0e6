"""Reading what the provenance of a file is made from: one `git log`, and sidecars of run records if there are any.

What was read is remembered, and read on from there after a push.  It depends on nothing but
commits, so it never becomes wrong; who may see it the gate has said before.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import closing
from dataclasses import dataclass, field

from rookery.git.commits import Logged, log_with_changes
from rookery.git.runrecords import holds_record
from rookery.hub.services.browsing import Place
from rookery.hub.services.chronicle import Chronicle
from rookery.hub.services.provenance import Lineage, trace
from rookery.hub.services.runs import RunService

# So far back, newest first, whichever is reached before: commits, bytes of what they changed.
MOST_COMMITS = 20_000
MOST_BYTES = 16 << 20

# So much is remembered in all, a change of a path counted as one and a commit as ten: about 60 MB.
MOST_REMEMBERED = 300_000
# Of one repository so many histories: branches that have gone apart, or were written anew.
MOST_OF_ONE = 3


@dataclass
class _Shelf:
    """The chronicles of one repository, the last used at the end; who holds the guard may add to them."""

    guard: threading.Lock = field(default_factory=threading.Lock)
    chronicles: list[Chronicle] = field(default_factory=list)

    @property
    def size(self) -> int:
        return sum(one.size for one in list(self.chronicles))


class LineageService:
    """Reads at a `Place`, which the gate has let through."""

    def __init__(self, runs: RunService) -> None:
        self._runs = runs
        self._guard = threading.Lock()
        self._shelves: OrderedDict[int, _Shelf] = OrderedDict()

    def of(self, place: Place, path: str) -> Lineage:
        """Give how a file of a commit came to be, and what was made of it up to that commit."""
        with self._guard:
            shelf = self._shelves.setdefault(place.repository.id, _Shelf())
            self._shelves.move_to_end(place.repository.id)
        with shelf.guard:
            chronicle = self._chronicle(place, shelf.chronicles)
            self._read_runs(place, chronicle)
        nothing = Lineage(None, {}, (), ())
        found = trace(chronicle, place.commit, path.strip("/")) if chronicle.commits else nothing
        self._forget()
        if chronicle.cut:
            said = f"the newest {len(chronicle.commits):,} commits were looked at"
            found = found._replace(cut=(*found.cut, said))
        return found

    def _chronicle(self, place: Place, known: list[Chronicle]) -> Chronicle:
        """Find the chronicle that has the commit; else one that can be read on to it; else read one."""
        found = next((one for one in known if place.commit in one.positions), None)
        if found is None:
            found = next((one for one in reversed(known) if _read_on(place, one)), None)
        if found is None:
            history, cut = _logged(place, None)
            found = Chronicle(cut=cut)
            _grow(found, history)
        known[:] = [*[one for one in known if one is not found], found][-MOST_OF_ONE:]
        return found

    def _read_runs(self, place: Place, chronicle: Chronicle) -> None:
        """Read the records that are not read; content that holds one may have come since."""
        claiming, chronicle.unread = chronicle.unread, []
        runs = self._runs.of(place, claiming)
        for commit in claiming:
            run = runs.get(commit.sha)
            if run is not None and run.problem:
                chronicle.unread.append(commit)
            elif run is not None:
                chronicle.runs[chronicle.positions[commit.sha]] = run

    def _forget(self) -> None:
        """Forget what was not asked for the longest, until there is room."""
        with self._guard:
            size = sum(shelf.size for shelf in self._shelves.values())
            while size > MOST_REMEMBERED and len(self._shelves) > 1:
                _, gone = self._shelves.popitem(last=False)
                size -= gone.size


def _logged(place: Place, since: str | None) -> tuple[list[Logged], bool]:
    """Read a history, newest first; say whether there is more of it."""
    history: list[Logged] = []
    size = 0
    with closing(log_with_changes(place.repo, place.commit, most=MOST_COMMITS + 1, since=since)) as reading:
        for logged in reading:
            size += len(logged.raw)
            if len(history) == MOST_COMMITS or size > MOST_BYTES:
                return history, True
            history.append(logged)
    return history, False


def _read_on(place: Place, chronicle: Chronicle) -> bool:
    """Add what came after a chronicle's end; False if the commit does not come from there, or too much came."""
    if len(chronicle.commits) >= 2 * MOST_COMMITS or not chronicle.commits:
        return False
    end = chronicle.commits[-1].sha
    if place.repo.run("merge-base", "--is-ancestor", end, place.commit, ok=(0, 1, 128)).code:
        return False
    history, more = _logged(place, end)
    if not more:
        _grow(chronicle, history)
    return not more


def _grow(chronicle: Chronicle, history: list[Logged]) -> None:
    chronicle.grow(history)
    chronicle.unread += [one.commit for one in history if holds_record(one.commit.message)]
