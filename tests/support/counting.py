"""Count what a command costs: programs that Rookery starts, every `git` for it, files that it opens or changes."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path


class Started(logging.Handler):
    """The argument lists of programs started in this process, as `rookery.core.process` logs them."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.programs: list[tuple[str, ...]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of one start."""
        if isinstance(record.args, tuple) and str(record.msg).startswith("start "):
            argv = record.args[0]
            assert isinstance(argv, tuple)
            self.programs.append(argv)

    def __len__(self) -> int:
        return len(self.programs)


@contextlib.contextmanager
def programs_started() -> Iterator[Started]:
    """Count the programs that Rookery starts in this process while the block runs."""
    log = logging.getLogger("rookery.process")
    level = log.level
    counter = Started()
    log.addHandler(counter)
    log.setLevel(logging.DEBUG)
    try:
        yield counter
    finally:
        log.removeHandler(counter)
        log.setLevel(level)


class GitTrace:
    """Every `git` process below a command, whoever started it: pass `env` to the command, then read.

    Git's own trace2 is the witness, so this works for other people's programs
    too, and sees what git-annex starts.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.env = {"GIT_TRACE2_EVENT": str(folder)}  # a folder: one file a process

    def commands(self) -> list[list[str]]:
        """Give the argument list of each `git` that has run."""
        found = []
        for trace in sorted(self.folder.iterdir()):
            events = map(json.loads, trace.read_text().splitlines())
            found += [event["argv"] for event in events if event["event"] == "start"]
        return found


_OPENING = frozenset({"open"})
_CHANGING = frozenset(
    f"os.{name}" for name in ("chmod", "link", "mkdir", "remove", "rename", "rmdir", "symlink", "utime")
)

# Which events, below which folder, and where they have been.
_counting: list[tuple[frozenset[str], str, list[str]]] = []
_hooked: list[bool] = []


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if not _counting or (event not in _OPENING and event not in _CHANGING):
        return
    path = arguments[0]
    if isinstance(path, str | bytes):
        name = os.path.abspath(os.fsdecode(path))
        for events, folder, seen in _counting:
            if event in events and name.startswith(folder):
                seen.append(name)


@contextlib.contextmanager
def _noted(events: frozenset[str], folder: Path) -> Iterator[list[str]]:
    # A hook stays until the process ends, so there is one, which does nothing while nobody counts.
    if not _hooked:
        sys.addaudithook(_note)
        _hooked.append(True)
    counting = (events, str(folder), list[str]())
    _counting.append(counting)
    try:
        yield counting[2]
    finally:
        _counting.remove(counting)


def files_opened(folder: Path) -> contextlib.AbstractContextManager[list[str]]:
    """List the files below a folder that Python opens in this process while the block runs, each time anew.

    Python's own audit event is the witness.
    """
    return _noted(_OPENING, folder)


def changes_made(folder: Path) -> contextlib.AbstractContextManager[list[str]]:
    """List what is made, renamed, removed or given other permissions below a folder, as `files_opened` does.

    By name, that is: what is done to an open file is not seen.
    """
    return _noted(_CHANGING, folder)
