"""Count programs: those that Rookery starts itself, and every `git` that runs on its behalf."""

from __future__ import annotations

import contextlib
import json
import logging
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
