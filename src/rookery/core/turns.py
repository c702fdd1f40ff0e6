"""Whose turn it is, between a process and its copies: who is free takes the next number."""

from __future__ import annotations

import os
import select
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import cast

_NUMBER = struct.Struct("=I")


class Turns:
    """Numbers for whoever takes the next one: a pipe, of which each reading gives another.

    The caller, who makes it, has to take some as long as there are any: that is when numbers go in that had no room.
    """

    def __init__(self, numbers: Iterable[int]) -> None:
        self._rest = iter(numbers)
        self._next = next(self._rest, None)
        self.outlet, self._inlet = os.pipe()
        os.set_blocking(self.outlet, False)
        os.set_blocking(self._inlet, False)
        self._fill()

    def take(self) -> int | None:
        """Give the next number; None if there is none."""
        self._fill()
        try:
            told = os.read(self.outlet, _NUMBER.size)
        except BlockingIOError:  # just taken by another
            return None
        return cast(int, _NUMBER.unpack(told)[0]) if told else None

    def __iter__(self) -> Iterator[int]:
        """Yield numbers in a copy of the process, as long as there are any or the caller has more."""
        waiting = select.poll()
        waiting.register(self.outlet, select.POLLIN)
        while True:
            waiting.poll()
            try:
                told = os.read(self.outlet, _NUMBER.size)
            except BlockingIOError:
                continue
            if not told:
                return
            yield _NUMBER.unpack(told)[0]

    def close(self) -> None:
        """Give no more."""
        self._next = None
        self._fill()
        os.close(self.outlet)

    def _fill(self) -> None:
        if self._inlet < 0:
            return
        with suppress(BlockingIOError):
            while self._next is not None:
                os.write(self._inlet, _NUMBER.pack(self._next))
                self._next = next(self._rest, None)
            os.close(self._inlet)
            self._inlet = -1
