"""Short work on each of many files, in the way that gets through it fastest on this machine and this disk."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from itertools import islice
from typing import NamedTuple, TypeVar

from rookery.core import forks
from rookery.core.pool import in_order, workers

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

# Items that are worked on in a row: watched together, and handed over together.
TOGETHER = 32

# So many go to threads before one looks again whether they need any.
LOOK_AGAIN = 32 * TOGETHER


def each_in_order(
    work: Callable[[Item], Outcome],
    items: Sequence[Item],
    *,
    did: Callable[[Item, Outcome], None] | None = None,
    at_end: Callable[[], None] | None = None,
) -> Generator[Outcome, None, None]:
    """Yield what `work` gives for each item, in order.

    Threads get in each other's way where the file system answers at once: at each
    of the many calls of the system one takes the interpreter from the other (20,000
    files of 1 KB copied, compared and filed on 2 cores: 10.4 s in four threads, 7.2
    in one, 6.1 in two processes).  So a row is done by the caller and watched,
    and the rest is shared with other processes, see `forks`: more of them if the
    row had to wait once for each item.  Where there can be none, the caller goes on
    alone, or has the next thousand done in threads if the row had to wait.

    `work` must not count on what it changes in memory, and what it returns must be
    fit for pickle.

    `did` is called in the caller's process with whatever was done, also after the
    generator is closed early, for what was under way then.  `at_end` is called in
    each other process.
    """
    tell = did or (lambda *_: None)
    start = 0
    while start < len(items):
        row = items[start : start + TOGETHER]
        before = _waits()
        done = forks.worked(work, row, tell)
        waited = _waits() - before >= TOGETHER
        start += len(row)
        yield from done
        if others := forks.helpful(len(items) - start, waiting=waited):
            rows = [items[first : first + TOGETHER] for first in range(start, len(items), TOGETHER)]
            yield from forks.shared(work, rows, tell, others=others, at_end=at_end)
            return
        if waited:
            yield from _threaded(work, items[start : start + LOOK_AGAIN], tell)
            start += LOOK_AGAIN


# Fewer short calls than this are done before a copy of the process has begun.
WORTH_A_COPY = 5_000


def in_parts(
    work: Callable[[Sequence[Item]], Sequence[Outcome]], items: Sequence[Item]
) -> Generator[Outcome, None, None]:
    """Yield what `work` gives for all of the items, in order; copies of the process look at parts of a long list.

    `work` must change nothing, open what it reads, and give what is fit for pickle.
    """
    others = forks.helpful(len(items), waiting=False) if len(items) >= WORTH_A_COPY else 0
    if not others:
        yield from work(items)
        return
    size = -(-len(items) // (others + 1))
    rest = [items[start : start + size] for start in range(size, len(items), size)]
    with ExitStack() as copies:
        begun = [copies.enter_context(forks.beside(partial(work, part), items=len(items))) for part in rest]
        yield from work(items[:size])
        for outcome in begun:
            yield from outcome()


# Copies that look at something meanwhile.  With one, the caller waited for it (20,000 files on two cores: 0.24 s for
# Git's status and for all objects looked at; with two 0.18 s).
_MEANWHILE = 2


class Part(NamedTuple):
    """Which of many things are to be looked at: the first, and every so-manieth after it."""

    first: int
    step: int

    def of(self, items: Iterable[Item]) -> Iterator[Item]:
        """Pick them."""
        return islice(items, self.first, None, self.step)


@contextmanager
def meanwhile(work: Callable[[Part], Outcome], *, items: int) -> Iterator[Callable[[], list[Outcome]]]:
    """Have copies of the process look at parts of so many items while the block does something else.

    The block calls what it gets for the outcomes; see `forks.beside`.  Where
    there can be no copies, all of it is one part, and is done before: what the
    block changes is not looked at.
    """
    if items < WORTH_A_COPY or not forks.helpful(items, waiting=True):
        done = [work(Part(0, 1))]
        yield lambda: done
        return
    parts = [Part(number, _MEANWHILE) for number in range(_MEANWHILE)]
    with ExitStack() as copies:
        begun = [copies.enter_context(forks.beside(partial(work, part), items=items)) for part in parts]
        yield lambda: [outcome() for outcome in begun]


def _threaded(
    work: Callable[[Item], Outcome], items: Sequence[Item], tell: Callable[[Item, Outcome], None]
) -> Generator[Outcome, None, None]:
    rows = (items[first : first + TOGETHER] for first in range(0, len(items), TOGETHER))
    yield from in_order(lambda row: forks.worked(work, row, tell), rows, at_once=workers(None))


def _waits() -> int:
    """Give how often this thread, or where only that is known this process, has let go of its processor of itself."""
    import resource  # start-up: most commands do not come here

    return resource.getrusage(getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)).ru_nvcsw
