"""The command line called in this process: fast, and its programs can be counted."""

from __future__ import annotations

import contextlib
import io
import logging
import os
from collections.abc import Iterator
from os import PathLike
from pathlib import Path

from rookery.cli.main import main
from support.programs import Answer


class Inside:
    """Call `rookery` without starting a Python.

    Standard output and error are caught at Python's own streams: what a program
    that `rookery` starts writes to the terminal itself is seen by `Program` only.
    """

    def __init__(self, cwd: str | PathLike[str] | None = None) -> None:
        self.cwd = cwd

    def __call__(
        self, *arguments: str | PathLike[str], cwd: str | PathLike[str] | None = None, code: int | None = 0
    ) -> Answer:
        """Run one command line; `code` is the exit code that must come (None: any)."""
        argv = [os.fspath(a) for a in arguments]
        out, err = io.StringIO(), io.StringIO()
        with (
            _in_folder(Path(cwd or self.cwd or Path.cwd())),
            _logging_as_it_was(),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                ended = main(argv)
            except SystemExit as e:
                ended = e.code if isinstance(e.code, int) else int(e.code is not None)
        return Answer(("rookery", *argv), ended or 0, out.getvalue(), err.getvalue()).expect(code)


@contextlib.contextmanager
def _in_folder(folder: Path) -> Iterator[None]:
    before, before_pwd = Path.cwd(), os.environ.get("PWD")
    os.chdir(folder)
    os.environ["PWD"] = str(folder)
    try:
        yield
    finally:
        os.chdir(before)
        if before_pwd is None:
            del os.environ["PWD"]
        else:
            os.environ["PWD"] = before_pwd


@contextlib.contextmanager
def _logging_as_it_was() -> Iterator[None]:
    log = logging.getLogger("rookery")
    handlers, level, propagate = list(log.handlers), log.level, log.propagate
    try:
        yield
    finally:
        log.handlers[:], log.propagate = handlers, propagate
        log.setLevel(level)
