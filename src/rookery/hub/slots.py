"""How many of Git's programs work at the same time; the others wait, and nobody has more than half.

Who reads slowly keeps a slot no longer than the limit says.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import anyio


class Slots:
    """Places for programs, shared by all addresses."""

    def __init__(self, most: int) -> None:
        self._all = anyio.CapacityLimiter(most)
        self._share = max(1, most // 2)
        self._each: dict[str, anyio.CapacityLimiter] = {}

    @asynccontextmanager
    async def taken(self, address: str) -> AsyncIterator[Slot]:
        """Wait for a place, and hold it for the block, or until it is given back before."""
        mine = self._each.setdefault(address, anyio.CapacityLimiter(self._share))
        slot = Slot(mine, self._all)
        await slot.take()
        try:
            yield slot
        finally:
            slot.give_back()
            if not mine.borrowed_tokens and not mine.statistics().tasks_waiting:
                self._each.pop(address, None)


class Slot:
    """One place, of an address and among all."""

    def __init__(self, *limiters: anyio.CapacityLimiter) -> None:
        self._limiters = limiters
        self._held: list[anyio.CapacityLimiter] = []

    async def take(self) -> None:
        """Wait for it."""
        try:
            for limiter in self._limiters:
                await limiter.acquire_on_behalf_of(self)
                self._held.append(limiter)
        except BaseException:
            self.give_back()
            raise

    def give_back(self) -> None:
        """Let others have it; a second time does nothing."""
        for limiter in self._held:
            limiter.release_on_behalf_of(self)
        self._held.clear()

    @contextmanager
    def for_at_most(self, seconds: float, stop: Callable[[], None]) -> Iterator[None]:
        """Stop the program, and give the place back, when the block takes longer."""

        def late() -> None:
            stop()
            self.give_back()

        timer = asyncio.get_running_loop().call_later(seconds, late)
        try:
            yield
        finally:
            timer.cancel()
