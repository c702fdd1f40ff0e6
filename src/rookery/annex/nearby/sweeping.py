"""Taking away the folders of objects that are gone, beside other work.

The file system lets each removal of a folder wait (measured on ext4: 65 us, of
which 16 are work), so a few threads do it.  Nobody depends on its being done: a
folder that stays is empty, and whoever brings content takes it as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

# So many at once; more gain little.
THREADS = 4
# Handed over together, since that has a price too.
TOGETHER = 50

# The folder of the key, and the two that it is filed under.
_LEVELS = 3


class Sweeper:
    """Takes folders, and removes them and those above them that are empty then."""

    def __init__(self) -> None:
        from concurrent.futures import ThreadPoolExecutor  # start-up: only drops come here

        self._pool = ThreadPoolExecutor(THREADS)
        self._waiting: list[str] = []

    def take(self, folder: str) -> None:
        """Have the folder of an object removed soon."""
        self._waiting.append(folder)
        if len(self._waiting) >= TOGETHER:
            self._hand_over()

    def finish(self) -> None:
        """Wait until all is done."""
        self._hand_over()
        self._pool.shutdown()

    def _hand_over(self) -> None:
        if self._waiting:
            self._pool.submit(_remove, self._waiting)
            self._waiting = []


@contextmanager
def sweeper() -> Iterator[Sweeper]:
    """Give a sweeper for the block, whose work is done at its end."""
    one = Sweeper()
    try:
        yield one
    finally:
        one.finish()


def _remove(folders: Sequence[str]) -> None:
    for folder in folders:
        place = folder
        try:
            for _ in range(_LEVELS):
                os.rmdir(place)
                place = os.path.dirname(place)
        except OSError:
            continue  # other keys are filed there, or it is gone
