"""Work on many datasets at once, none before those that it has to wait for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

Record = dict[str, Any]
Work = Callable[[Path], Iterable[Record]]
Order = Literal["above first", "below first", "any"]


def together(places: Sequence[Path], work: Work, *, order: Order, workers: int) -> Iterator[Record]:
    """Yield the records of `work` at each place, as they come; with one worker, in the order given.

    A dataset waits for the nearest listed one above it, or for all below it.
    """
    if workers <= 1 or len(places) <= 1:
        for place in places:
            yield from work(place)
        return
    from concurrent.futures import (  # start-up: most work is one by one
        FIRST_COMPLETED,
        Future,
        ThreadPoolExecutor,
        wait,
    )

    waits = {place: _waits_for(place, places, order) for place in places}
    with ThreadPoolExecutor(workers) as pool:
        running: dict[Future[list[Record]], Path] = {}
        try:
            while waits or running:
                for place in [place for place, before in waits.items() if not before]:
                    del waits[place]
                    running[pool.submit(_listed, work, place)] = place
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    finished = running.pop(future)
                    for before in waits.values():
                        before.discard(finished)
                    yield from future.result()
        finally:
            for future in running:  # who listens no more wants nothing new begun
                future.cancel()


def _listed(work: Work, place: Path) -> list[Record]:
    return list(work(place))


def _waits_for(place: Path, places: Sequence[Path], order: Order) -> set[Path]:
    if order == "above first":
        listed = set(places)
        nearest = next((above for above in place.parents if above in listed), None)
        return set() if nearest is None else {nearest}
    if order == "below first":
        return {other for other in places if place in other.parents}
    return set()
