"""What surrounds an operation: folder, environment, clock, listeners.

Made once by a face (command line, Python, tests) and passed down; nothing below
the faces looks at the process's own folder, environment or clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from rookery.core.environment import program_environment, with_overrides
from rookery.core.process import Runner
from rookery.core.progress import SILENT, Progress


class Context(NamedTuple):
    """The surroundings of one command.

    `cwd` is the folder as the user sees it (PWD, symlinks kept), `env` the
    user's environment untouched, `runner` starts programs in the prepared one,
    `overrides` are the `-c` settings in order (None unsets), `interactive` says
    whether a person can be asked.
    """

    cwd: Path
    env: Mapping[str, str]
    runner: Runner
    overrides: tuple[tuple[str, str | None], ...] = ()
    progress: Progress = SILENT
    clock: Callable[[], float] = time.time
    interactive: bool = False

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
    return Context(cwd, env, runner, overrides, progress, interactive=interactive)
