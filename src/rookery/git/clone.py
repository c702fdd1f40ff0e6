"""Making a repository from another one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from rookery.core.errors import CommandError
from rookery.core.process import Runner
from rookery.core.progress import SILENT, Progress
from rookery.git.meter import Meter
from rookery.git.repo import PLAIN

# Git's words when all objects came but the files could not be written.
NO_CHECKOUT = "Clone succeeded, but checkout failed"


class Cloned(NamedTuple):
    """What Git had to say.  `complete` is False when the files of the commit could not be checked out."""

    complete: bool
    warnings: tuple[str, ...]


def clone(
    runner: Runner,
    source: str,
    target: Path,
    *,
    cwd: Path,
    options: Sequence[str] = (),
    settings: Sequence[tuple[str, str]] = (),
    progress: Progress = SILENT,
    ask: bool = False,
) -> Cloned:
    """Clone into a folder that is missing or empty.

    `settings` are written into the new repository before anything is fetched.
    Git takes away what it made if it fails.  `ask` allows it to ask a person
    for a password.  Raises CommandError with Git's own words.
    """
    pairs = [part for key, value in settings for part in ("--config", f"{key}={value}")]
    argv = ["git", "clone", "--progress", *pairs, *options, "--", source, str(target)]
    more = dict(PLAIN) if ask else {**PLAIN, "GIT_TERMINAL_PROMPT": "0"}
    meter = Meter(progress, f"clone {target}", f"Cloning {target.name}")
    try:
        with runner.with_env(more).stream(argv, cwd=cwd, on_stderr=meter):
            pass
    except CommandError as e:
        meter.finish()
        said = "\n".join(meter.words)
        if NO_CHECKOUT not in said:
            raise CommandError(e.cmd, code=e.code, stderr=said, cwd=str(cwd)) from e
        return Cloned(False, tuple(meter.words))
    finally:
        meter.finish()
    return Cloned(True, tuple(w.removeprefix("warning: ") for w in meter.words if w.startswith("warning:")))
