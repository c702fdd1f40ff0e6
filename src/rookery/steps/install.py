"""Obtaining registered subdatasets: from the cheapest place that has them, at the commit that is recorded.

Used by `get`, `install` and `update`.  Many at once go through a bounded pool;
what is written in the superdataset's settings is written by one thread.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rookery.core.errors import RookeryError
from rookery.core.results import Message, result
from rookery.dataset import candidates
from rookery.dataset.hierarchy import Subdataset
from rookery.dataset.model import Dataset
from rookery.git import modules
from rookery.steps.cloning import After, Record, clone_dataset
from rookery.steps.settle import Setup, inherited_reckless

log = logging.getLogger("rookery.clone")

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


def install_subdatasets(
    above: Dataset,
    subs: Iterable[Subdataset],
    *,
    setup: Setup | None = None,
    refds: Path | None = None,
    jobs: int | None = None,
    after: After | None = None,
) -> Iterator[tuple[Subdataset, Record]]:
    """Obtain several subdatasets of one dataset at a time; yields each with its records, as they are done."""
    from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait  # start-up

    missing = [sub for sub in subs if not sub.present]
    if not missing:
        return
    places = candidates.Places(above)
    how = setup or Setup()

    def work(sub: Subdataset) -> list[Record]:
        return list(_obtain(places, sub, how, refds, after))

    running: dict[Future[list[Record]], Subdataset] = {}
    with ThreadPoolExecutor(jobs or default_jobs()) as pool:
        try:
            running.update((pool.submit(work, sub), sub) for sub in missing)
            while running:
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    sub = running.pop(done)
                    for record in done.result():
                        yield sub, _finished(above, sub, record, None)
        finally:
            for waiting in running:
                waiting.cancel()


def default_jobs() -> int:
    """Give how many clones to make at the same time."""
    return max(2, min(MOST_WORKERS, 2 * (os.cpu_count() or 1)))


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
        modules.activate(above.repo, name, record["source"]["giturl"])
    except RookeryError as e:
        log.warning(
            "%s is installed, but the settings of %s could not be written: %s", sub.path, above.path, e
        )
    return record if message is None else {**record, "message": message}
