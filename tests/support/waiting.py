"""Waiting for what another process does."""

from __future__ import annotations

import time
from collections.abc import Callable


def until(come_true: Callable[[], bool], *, patience: float = 60) -> None:
    """Look again and again until something is so; fail after so many seconds."""
    deadline = time.monotonic() + patience
    while not come_true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)
