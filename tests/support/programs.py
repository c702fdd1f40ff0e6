"""Programs as tests call them: a list of arguments in, an answer out, the exit code always looked at."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

Argument = str | bytes | PathLike[str]


class Answer(NamedTuple):
    """What a program said and how it ended."""

    argv: tuple[str, ...]
    code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        """Standard output without the last line break."""
        return self.stdout.removesuffix("\n")

    @property
    def lines(self) -> list[str]:
        """Standard output line by line."""
        return self.stdout.splitlines()

    @property
    def records(self) -> list[dict[str, Any]]:
        """Standard output as one JSON record a line; other lines (a program's own output) are left out."""
        return [json.loads(line) for line in self.lines if line.startswith("{")]

    def expect(self, code: int | None) -> Answer:
        """Give the answer itself, or fail with all that was said if the exit code is another one."""
        if code is not None and self.code != code:
            raise AssertionError(
                f"{' '.join(self.argv)}\nended with {self.code}, not {code}\n"
                f"--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"
            )
        return self


class Program:
    """One program, called in one environment.

    `code` is the exit code that must come (None: any); `cwd` the folder, else
    the one given at the start, else the test's own.
    """

    def __init__(
        self, argv: Sequence[Argument], env: Mapping[str, str], cwd: str | PathLike[str] | None = None
    ) -> None:
        self.argv = tuple(argv)
        self.env = dict(env)
        self.cwd = cwd

    def __call__(
        self,
        *arguments: Argument,
        cwd: str | PathLike[str] | None = None,
        code: int | None = 0,
        stdin: str | bytes | None = None,
        env: Mapping[str, str] | None = None,
        timeout: float = 100,
    ) -> Answer:
        """Run to the end; `env` is added to the environment."""
        folder = os.fspath(cwd or self.cwd or Path.cwd())
        given = stdin.encode() if isinstance(stdin, str) else stdin
        ended = subprocess.run(
            [*self.argv, *arguments],
            cwd=folder,
            env={**self.env, "PWD": folder, **(env or {})},
            input=given or b"",
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        return Answer(
            tuple(os.fsdecode(a) for a in (*self.argv, *arguments)),
            ended.returncode,
            os.fsdecode(ended.stdout),
            os.fsdecode(ended.stderr),
        ).expect(code)

    def at(self, folder: str | PathLike[str]) -> Program:
        """Give the same program, called in another folder."""
        return Program(self.argv, self.env, folder)

    def having(self, env: Mapping[str, str]) -> Program:
        """Give the same program, called with more environment variables."""
        return Program(self.argv, {**self.env, **env}, self.cwd)
