"""Obtaining registered subdatasets: from the cheapest place that has them, at the commit that is recorded.

Used by `get`, `install` and `update`.  Many at once go through a bounded pool;
what is written in the superdataset's settings is written by one thread.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rookery.core.errors import RookeryError
from rookery.core.log import get_log
from rookery.core.results import Message, result
from rookery.dataset import candidates
from rookery.dataset.hierarchy import Limit, Subdataset, registered, walk
from rookery.dataset.model import Dataset
from rookery.git import modules
from rookery.steps.obtaining.cloning import After, Record, clone_dataset
from rookery.steps.obtaining.settle import Setup, inherited_reckless

if TYPE_CHECKING:  # start-up
    from concurrent.futures import Future, ThreadPoolExecutor

log = get_log("rookery.clone")

SKIP_KEY = "datalad-recursiveinstall"

# Clones mostly wait for a server, or for git-annex; more than this many at a time help nobody.
MOST_WORKERS = 8


def install_subdataset(
    above: Dataset,
    sub: Subdataset,
    *,
    setup: Setup | None = None,
    refds: Path | None = None,
    message: Message | None = None,
    after: After | None = None,
) -> Iterator[Record]:
    """Obtain one registered subdataset, if it is not here; `message` is for the record of success."""
    if sub.present:
        yield _record(sub, refds, "notneeded")
        return
    places = candidates.Places(above)
    for record in _obtain(places, sub, setup or Setup(), refds, after):
        yield _finished(above, sub, record, message)


def install_below(
    top: Dataset,
    *,
    under: Sequence[Path] | None = None,
    limit: Limit = None,
    setup: Setup | None = None,
    refds: Path | None = None,
    jobs: int | None = None,
    after: After | None = None,
) -> Iterator[Record]:
    """Obtain all registered subdatasets below a dataset (at or below `under`), and what is in them, and so on.

    Those that say `datalad-recursiveinstall=skip` are left out.  Yields a
    record for each, also for those that are here already, as they are done.
    """
    from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait  # start-up

    with ThreadPoolExecutor(jobs or default_jobs()) as pool:
        work = _Below(pool, under, setup or Setup(), refds, after)
        try:
            yield from work.begin(top, limit)
            while work.running:
                for done in wait(work.running, return_when=FIRST_COMPLETED).done:
                    yield from work.take(done)
        finally:
            for waiting in work.running:
                waiting.cancel()


class _Below:
    """The clones under way in a recursive installation."""

    def __init__(
        self,
        pool: ThreadPoolExecutor,
        under: Sequence[Path] | None,
        setup: Setup,
        refds: Path | None,
        after: After | None,
    ) -> None:
        self.running: dict[Future[list[Record]], tuple[Dataset, Subdataset, Limit]] = {}
        self._pool = pool
        self._under = under
        self._setup = setup
        self._refds = refds
        self._after = after

    def begin(self, above: Dataset, limit: Limit) -> Iterator[Record]:
        """Start what is missing directly below; what is there is looked into at once."""
        if isinstance(limit, int) and limit <= 0:
            return
        places: candidates.Places | None = None
        deeper = limit - 1 if isinstance(limit, int) else limit
        for sub in _to_consider(above, self._under):
            if sub.present:
                if _is_under(sub, self._under):
                    yield _record(sub, self._refds, "notneeded")
                yield from self.begin(Dataset(sub.path, above.ctx), deeper)
                continue
            places = places or candidates.Places(above)
            self.running[self._pool.submit(self._work, places, sub)] = (above, sub, deeper)

    def _work(self, places: candidates.Places, sub: Subdataset) -> list[Record]:
        return list(_obtain(places, sub, self._setup, self._refds, self._after))

    def take(self, done: Future[list[Record]]) -> Iterator[Record]:
        """Report a clone, and go on below it."""
        above, sub, limit = self.running.pop(done)
        for record in done.result():
            yield _finished(above, sub, record, None)
        if sub.present:
            yield from self.begin(Dataset(sub.path, above.ctx), limit)


def install_trail(
    top: Dataset,
    path: Path,
    *,
    setup: Setup | None = None,
    refds: Path | None = None,
    after: After | None = None,
) -> Iterator[Record]:
    """Obtain the subdatasets that have to be here for a path to exist, down to the path itself."""
    message = ("Installed subdataset in order to get %s", str(path))
    while True:
        trail = walk(top, recursive=True, containing=[path])
        missing = next((sub for sub in trail if not sub.present), None)
        if missing is None:
            return
        above = Dataset(missing.parent, top.ctx)
        yield from install_subdataset(above, missing, setup=setup, refds=refds, message=message, after=after)
        if not missing.present:
            return


def default_jobs() -> int:
    """Give how many clones to make at the same time."""
    return max(2, min(MOST_WORKERS, 2 * (os.cpu_count() or 1)))


def _is_under(sub: Subdataset, under: Sequence[Path] | None) -> bool:
    return under is None or any(sub.path == path or path in sub.path.parents for path in under)


def _to_consider(above: Dataset, under: Sequence[Path] | None) -> Iterator[Subdataset]:
    """Yield what is registered directly in a dataset, at or below the paths or on the way to them."""
    for sub in registered(above):
        if not _is_under(sub, under) and not any(sub.path in path.parents for path in under or ()):
            continue
        if sub.properties.get(SKIP_KEY) == "skip":
            log.debug("%s is set to be left out of recursive installation", sub.path)
            continue
        yield sub


def _record(sub: Subdataset, refds: Path | None, status: Any, **more: Any) -> Record:
    record = result("install", sub.path, status, type="dataset", **more)
    return record if refds is None else {**record, "refds": str(refds)}


def _obtain(
    places: candidates.Places, sub: Subdataset, setup: Setup, refds: Path | None, after: After | None
) -> Iterator[Record]:
    """Clone from the first candidate that works; touches nothing of the superdataset."""
    above = places.above
    found = candidates.candidates(places, sub)
    if not found:
        why = ("Have got no candidates to install subdataset %s from.", str(above.relative(sub.path)))
        hints = [f"say where it is: git config -f .gitmodules submodule.{sub.name or 'NAME'}.url URL"]
        yield _record(sub, refds, "error", message=why, hints=hints)
        return
    if setup.reckless is None:
        setup = setup._replace(reckless=inherited_reckless(above))
    yield from clone_dataset(
        above.ctx.at(above.path),
        [one.url for one in found],
        sub.path,
        config=above.config,
        setup=setup,
        commit=sub.sha,
        committed=True,
        after=after,
        more={} if refds is None else {"refds": str(refds)},
    )
    clone = Dataset(sub.path, above.ctx)
    if clone.is_installed():
        _hand_down(above, clone, found)


def _hand_down(above: Dataset, clone: Dataset, found: Sequence[candidates.Candidate]) -> None:
    """Give the templates that are the superdataset's own to the clone, for its subdatasets in turn."""
    for key in dict.fromkeys(one.template for one in found if one.template):
        own = above.config.source_of(key) in ("branch", "local")
        if own and key not in clone.config:
            clone.repo.run("config", key, str(above.config.get(key)))
            clone.forget()


def _finished(above: Dataset, sub: Subdataset, record: Record, message: Message | None) -> Record:
    """Note in the superdataset where a subdataset came from, once it is here."""
    if record["action"] != "install" or record["path"] != str(sub.path) or record["status"] != "ok":
        return record
    name = sub.name if sub.name is not None else str(above.relative(sub.path))
    try:
        url = record["source"]["giturl"]
        if f"submodule.{name}.active" in above.config or f"submodule.{name}.url" in above.config:
            modules.activate(above.repo, name, url)
        else:
            modules.append_active(above.repo, [modules.Submodule(name, "", url, {})])
    except RookeryError as e:
        log.warning(
            "%s is installed, but the settings of %s could not be written: %s", sub.path, above.path, e
        )
    return record if message is None else {**record, "message": message}
