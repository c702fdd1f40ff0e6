"""What surrounds an operation: folder, environment, clock, listeners.

Made once by a face (command line, Python, tests) and passed down; nothing below
the faces looks at the process's own folder, environment or clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from rookery.core.config import Config, read_config
from rookery.core.environment import program_environment, with_overrides
from rookery.core.process import Runner
from rookery.core.progress import SILENT, Progress


class Settings:
    """The settings at each place that was asked about, read once and kept until `forget`."""

    def __init__(
        self, runner: Runner, env: Mapping[str, str], overrides: tuple[tuple[str, str | None], ...]
    ) -> None:
        self._runner = runner
        self._env = env
        self._unset = [key for key, value in overrides if value is None]
        self._read: dict[Path, Config] = {}

    def at(self, folder: Path, *, dataset: Path | None = None) -> Config:
        """Give the settings that hold in a folder; `dataset` names the root whose committed file counts."""
        place = dataset or folder
        if place not in self._read:
            self._read[place] = read_config(
                self._runner, folder, env=self._env, dataset=dataset, unset=self._unset
            )
        return self._read[place]

    def forget(self, place: Path | None = None) -> None:
        """Read anew at the next question: at one place, or everywhere."""
        if place is None:
            self._read.clear()
        else:
            self._read.pop(place, None)


def nobody(question: str, hidden: bool) -> str | None:  # noqa: ARG001 - has the shape of a person
    """Answer nothing, where there is no person to ask."""
    return None


class Context(NamedTuple):
    """The surroundings of one command.

    `cwd` is the folder as the user sees it (PWD, symlinks kept), `env` the
    user's environment untouched, `runner` starts programs in the prepared one,
    `overrides` are the `-c` settings in order (None unsets), `interactive` says
    whether a person can be asked, `ask` asks one (a question, and whether the
    answer must not be seen; None: no answer), `brief` that nobody reads records of what is
    unchanged, so that they need not be made.  `read_input` gives what was handed
    to the command on its standard input.
    """

    cwd: Path
    env: Mapping[str, str]
    runner: Runner
    settings: Settings
    overrides: tuple[tuple[str, str | None], ...] = ()
    progress: Progress = SILENT
    clock: Callable[[], float] = time.time
    interactive: bool = False
    ask: Callable[[str, bool], str | None] = nobody
    brief: bool = False
    read_input: Callable[[], bytes] = bytes

    def at(self, folder: Path) -> Context:
        """Give the same surroundings seen from another folder."""
        return self._replace(cwd=folder)


def make_context(
    *,
    cwd: Path,
    env: Mapping[str, str],
    overrides: tuple[tuple[str, str | None], ...] = (),
    progress: Progress = SILENT,
    interactive: bool = False,
) -> Context:
    """Make the surroundings of a command from a folder and the user's environment."""
    runner = Runner(with_overrides(program_environment(env), overrides))
    settings = Settings(runner, env, overrides)
    return Context(cwd, env, runner, settings, overrides, progress, interactive=interactive)
