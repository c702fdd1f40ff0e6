"""A server that cannot lock: it takes everything that it should refuse."""

from __future__ import annotations

from rookery.core.errors import RookeryError


class CannotLock(RookeryError):
    """Nothing that this server offers lets exactly one of two writers win."""

    def __init__(self, place: str, why: str) -> None:
        super().__init__(
            f"{place} cannot lock: {why}",
            hints=[
                "use dlalock=auto or dlalock=off: no update is lost, but two pushes at once may both be refused"
            ],
        )
