"""What a look at a hub finds: a line each, and whether it is bad."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """How it is."""

    GOOD = "good"
    MENDED = "mended"
    WARNING = "warning"
    BAD = "bad"


class Finding(NamedTuple):
    """One thing that was looked at."""

    verdict: Verdict
    name: str
    message: str = ""
    hint: str = ""
