"""Reading what the provenance of a file is made from: one `git log`, and sidecars of run records if there are any."""

from __future__ import annotations

from contextlib import closing

from rookery.git.commits import Logged, log_with_changes
from rookery.git.runrecords import holds_record
from rookery.hub.services.browsing import Place
from rookery.hub.services.provenance import Lineage, trace
from rookery.hub.services.runs import RunService

# So far back, newest first, whichever is reached before: commits, bytes of what they changed.
MOST_COMMITS = 20_000
MOST_BYTES = 64 << 20


class LineageService:
    """Reads at a `Place`, which the gate has let through."""

    def __init__(self, runs: RunService) -> None:
        self._runs = runs

    def of(self, place: Place, path: str) -> Lineage:
        """Give how a file of a commit came to be, and what was made of it up to that commit."""
        history: list[Logged] = []
        size, cut = 0, False
        with closing(log_with_changes(place.repo, place.commit, most=MOST_COMMITS + 1)) as reading:
            for logged in reading:
                size += len(logged.raw)
                if cut := len(history) == MOST_COMMITS or size > MOST_BYTES:
                    break
                history.append(logged)
        claiming = [logged.commit for logged in history if holds_record(logged.commit.message)]
        runs = {sha: run for sha, run in self._runs.of(place, claiming).items() if not run.problem}
        found = trace(history, runs, path.strip("/"))
        if cut:
            found = found._replace(cut=(*found.cut, f"the newest {len(history):,} commits were looked at"))
        return found
