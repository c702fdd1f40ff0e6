"""Finding repositories, and files in one: nobody finds what they may not see.

A repository that changed waits to be read (`catch_up`); until then it is found by its
name, and by what was read before.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from rookery.core.errors import RookeryError
from rookery.core.log import get_log
from rookery.core.process import decode
from rookery.git import refs
from rookery.git.refs import HEADS
from rookery.hub.domain.access import Action, Actor, Scope, in_scope
from rookery.hub.domain.ports.database import Database
from rookery.hub.domain.ports.histories import Histories
from rookery.hub.domain.ports.search import Seeker
from rookery.hub.domain.search import Document, Facet, Hit, Order, Query, parse_query
from rookery.hub.services.browsing import Place
from rookery.hub.services.gate import Gate, Where
from rookery.hub.services.indexing import read_document
from rookery.hub.services.own_contents import OwnContents
from rookery.hub.services.runs import RunService

log = get_log("rookery.hub")

A_PAGE = 20
MOST_FILES = 200

# So many values of each facet are shown.
_VALUES = 12

_AT_ONCE = 100


class Found(NamedTuple):
    """A page of repositories, how many there are in all, and by what they can be narrowed."""

    query: Query
    hits: list[Hit]
    total: int
    values: dict[Facet, list[tuple[str, int]]]


class Files(NamedTuple):
    """Files whose paths have all words; `cut` says that there are more."""

    paths: list[str]
    cut: bool


class SearchService:
    """Asks the index what is asked of it, and keeps the index."""

    def __init__(
        self,
        database: Database,
        histories: Histories,
        gate: Gate,
        runs: RunService,
        own: OwnContents,
        clock: Callable[[], float],
    ) -> None:
        self._database = database
        self._histories = histories
        self._gate = gate
        self._runs = runs
        self._own = own
        self._clock = clock

    def find(
        self,
        actor: Actor,
        text: str,
        facets: Mapping[Facet, str] | None = None,
        *,
        order: Order | None = None,
        skip: int = 0,
        limit: int = A_PAGE,
    ) -> Found:
        """Give repositories that are listed to whoever asks; what nobody can have found is simply not there."""
        query, chosen, seeker = parse_query(text), dict(facets or {}), _seeker(actor)
        by = order or (Order.BEST if query.wanted else Order.CHANGED)
        with self._database.reading() as work:
            hits = work.search.find(seeker, query, chosen, order=by, skip=skip, limit=limit)
            total = work.search.count(seeker, query, chosen)
            kinds = [kind for kind in Facet if kind not in chosen]
            values = work.search.values(seeker, query, chosen, kinds, most=_VALUES)
        return Found(query, hits, total, values)

    def document(self, actor: Actor, where: Where) -> Document | None:
        """Give what was read of a repository; None if it was not yet.  Raises NotFound."""
        with self._database.reading() as work:
            return work.search.document(self._gate.within(work, actor, where, Action.READ).repository.id)

    def files(self, place: Place, text: str) -> Files:
        """Find files of a commit whose paths have all the words, in any order; one process."""
        wanted = [word for word in text.lower().split() if word]
        found: list[str] = []
        if not wanted:
            return Files(found, cut=False)
        argv = ["ls-tree", "-r", "-z", "--name-only", "--full-tree", place.commit]
        for raw in place.repo.records(*argv):
            path = decode(raw)
            lower = path.lower()
            if all(word in lower for word in wanted):
                if len(found) == MOST_FILES:
                    return Files(found, cut=True)
                found.append(path)
        return Files(found, cut=False)

    # --- keeping the index -----------------------------------------------------------------------

    def waiting(self, *, limit: int = _AT_ONCE) -> list[int]:
        """Give repositories that changed since they were read."""
        with self._database.reading() as work:
            return work.search.waiting(limit=limit)

    def catch_up(self, *, most: int | None = None) -> int:
        """Read what is waiting, until nothing is or so many were read; give how many were.

        What goes wrong in one is logged; it is read again when it changes.
        """
        tried: set[int] = set()
        while waiting := [one for one in self.waiting() if one not in tried]:
            for number in waiting:
                if len(tried) == most:
                    return len(tried)
                tried.add(number)
                self._read(number)
        return len(tried)

    def _read(self, number: int) -> None:
        with self._database.reading() as work:
            repository, asked = work.repositories.by_id(number), work.search.asked(number)
            document, came = work.search.document(number) or Document(""), work.search.arrived(number)
        if repository is None:
            return
        try:
            repo = self._histories.open(number)
            commit = refs.resolve(repo, HEADS + repository.default_branch)
            if commit is None:
                document = Document("")
            elif came or commit != document.commit:  # else it is the name that changed, or another branch
                place = Place(repository, repo, commit, repository.default_branch)
                document = read_document(place, self._runs, self._own)
        except (OSError, RookeryError) as e:
            log.warning("%s cannot be read for the search: %s", repository.path, e)
        with self._database.writing() as work:
            work.search.put(number, document, asked=asked, now=self._clock())


def _seeker(actor: Actor) -> Seeker:
    person = actor.account if in_scope(actor, Scope.READ_REPOSITORY) else None
    return Seeker(person, actor.admin and person is not None, actor.means.repositories)
