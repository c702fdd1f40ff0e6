"""Count what a command costs: programs that Rookery starts, every `git` on its behalf, files that it opens."""

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


_counting: list[tuple[str, list[str]]] = []  # below which folder, and what has been opened there
_hooked: list[bool] = []


def _note_opening(event: str, arguments: tuple[object, ...]) -> None:
    if event != "open" or not _counting:
        return
    path = arguments[0]
    if isinstance(path, str | bytes):
        name = os.path.abspath(os.fsdecode(path))
        for folder, opened in _counting:
            if name.startswith(folder):
                opened.append(name)


@contextlib.contextmanager
def files_opened(folder: Path) -> Iterator[list[str]]:
    """List the files below a folder that Python opens in this process while the block runs, each time anew.

    Python's own audit event is the witness.  A hook stays until the process
    ends, so there is one, which does nothing while nobody counts.
    """
    if not _hooked:
        sys.addaudithook(_note_opening)
        _hooked.append(True)
    counting = (str(folder), list[str]())
    _counting.append(counting)
    try:
        yield counting[1]
    finally:
        _counting.remove(counting)
