"""What was measured, as it is kept: JSON, read by the page and by whoever wants to know."""

from __future__ import annotations

import json
import os
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.scenario import Scale

FORMAT = 1


@dataclass
class Figures:
    """One peer in one scenario: every sample, in seconds; memory in bytes."""

    peer: str
    command: str
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: int | None = None
    processes: int | None = None
    over: float | None = None  # the limit that a run did not keep
    wrong: str | None = None  # what was not there when it said that it was done

    @property
    def median(self) -> float | None:
        """The time that counts; None if there is none, or if it cannot be trusted."""
        return statistics.median(self.seconds) if self.seconds and self.wrong is None else None

    @property
    def cpu_median(self) -> float | None:
        """Its processor time."""
        return statistics.median(self.cpu) if self.cpu and self.wrong is None else None


@dataclass
class Measured:
    """One scenario at one scale; `load` is how many processes wanted to run on the machine when it began."""

    scenario: str
    count: int
    size: int
    load: float
    peers: list[Figures]

    @property
    def scale(self) -> Scale:
        """How much it was."""
        return Scale(self.count, self.size)

    def of(self, peer: str) -> Figures | None:
        """Give one peer's figures."""
        return next((figures for figures in self.peers if figures.peer == peer), None)


@dataclass
class Report:
    """One run of the bench."""

    began: str  # ISO 8601, UTC
    machine: dict[str, Any]
    versions: dict[str, str]
    repeat: int
    budget: float
    measured: list[Measured] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """Write all, whole or not at all: a run of hours is saved after each scenario."""
        beside = path.with_name(path.name + ".new")
        beside.write_text(json.dumps({"format": FORMAT} | asdict(self), indent=1) + "\n")
        os.replace(beside, path)


def read(path: Path) -> Report:
    """Read a report.  Raises ValueError if it is of another format."""
    found = json.loads(path.read_text())
    if found.pop("format", None) != FORMAT:
        raise ValueError(f"{path} is not of format {FORMAT}")
    measured = [
        Measured(**(one | {"peers": [Figures(**figures) for figures in one["peers"]]}))
        for one in found.pop("measured")
    ]
    return Report(**found, measured=measured)
