"""What a scenario is: the same work for several peers, each with its start, its command and its check."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


@dataclass(frozen=True, order=True)
class Scale:
    """How much: files (or subdatasets), and bytes in each file."""

    count: int
    size: int = 1024


def readable(size: int) -> str:
    """Say a number of bytes shortly."""
    for unit, name in ((1 << 30, "GiB"), (10**9, "GB"), (1 << 20, "MiB"), (10**6, "MB"), (1 << 10, "KiB")):
        if size >= unit and (size % unit == 0 or name[1] != "i"):
            return f"{size / unit:.3g} {name}"
    return f"{size / 1000:.3g} KB" if size >= 1000 else f"{size} B"


class Wrong(Exception):
    """A peer said that it was done, and the work is not there."""


class Unprepared(Exception):
    """The start of a command could not be made."""


class Outcome(NamedTuple):
    """What a command has left; `deep` asks for the checks that cost more, once for each peer."""

    place: Path
    scale: Scale
    output: str
    deep: bool


Check = Callable[[Outcome], None]


@dataclass(frozen=True)
class State:
    """Where a command starts: `make` builds it in a folder that holds the state it comes `after`, or nothing.

    States are made once in a run and copied for each command, always to the
    same path, so that absolute paths in them stay true.  `serve` starts, each time
    that a copy is there, what serves it, also for the states that come after.
    """

    name: str
    make: Callable[[Path, Scale], None]
    after: State | None = None
    serve: Callable[[Path], None] | None = None

    @property
    def server(self) -> Callable[[Path], None] | None:
        """What serves the state: its own server, or that of a state before it."""
        return self.serve or (self.after.server if self.after else None)

    @property
    def root(self) -> str:
        """The name of the first state of the chain: all of a chain live at one path."""
        return self.after.root if self.after else self.name


@dataclass(frozen=True)
class Command:
    """What one peer does: the command line that is measured, where, from which start, and what must hold then."""

    argv: tuple[str, ...]
    start: State
    check: Check
    cwd: str = "ds"
    writes: bool = True  # whether the next command needs its start made anew


@dataclass(frozen=True)
class Scenario:
    """One line of the tables."""

    family: str
    name: str
    what: str
    commands: Mapping[str, Command]
    scales: tuple[Scale, ...] = (Scale(1000),)
    things: str = "files"  # what there are many of

    def sized(self, scale: Scale) -> str:
        """Say how much it was; nothing where there is nothing to count."""
        if self.scales[0].count > 1:
            of = f" of {readable(scale.size)}" if self.things == "files" else ""
            return f"{scale.count:,} {self.things}{of}"
        return readable(scale.size) if scale.size != Scale(1).size else ""


def words(line: str) -> tuple[str, ...]:
    """Give a command line that needs no shell."""
    return tuple(shlex.split(line))


def shell(line: str) -> tuple[str, ...]:
    """Give a line for the shell, which stops at the first failure."""
    return ("sh", "-ec", line)


def both(line: str) -> dict[str, tuple[str, ...]]:
    """Give the command lines of Rookery and DataLad, who take the same words."""
    return {tool: words(f"{tool} {line}") for tool in ("rookery", "datalad")}


def commands(
    argvs: Mapping[str, tuple[str, ...]], start: State, check: Check, *, cwd: str = "ds", writes: bool = True
) -> dict[str, Command]:
    """Give commands that start in the same place and have to leave the same."""
    return {peer: Command(argv, start, check, cwd, writes) for peer, argv in argvs.items()}
