"""A tutorial page that can be run: Markdown whose console blocks are commands and what they print.

    ```console
    $ rookery save -m "Add a picture"
    add(ok): picture.jpg (file)
    ...
    ```

`$ ` begins a command, `> ` goes on with it (a here-document, a long line).  In
what is expected, `...` within a line stands for any text, and on a line of its
own for any number of lines.  Two comments steer: `<!-- exit: 1 -->` before a
block says that its commands fail with that code; `<!-- run: COMMAND -->` runs
something that readers need not see.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple


class Prose(NamedTuple):
    """Text between commands, as it stands in the page."""

    text: str


class Command(NamedTuple):
    """One command: where it stands, what is typed, what it should print, how it should exit."""

    line: int
    text: str
    expected: tuple[str, ...]
    exit_code: int = 0
    hidden: bool = False


def parse(page: str) -> Iterator[Prose | Command]:
    """Take a page apart, in order.  Raises ValueError on a console block that does not begin with a command."""
    exit_code = 0
    prose: list[str] = []
    lines = page.splitlines()
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        if line.strip() == "```console":
            if prose:
                yield Prose("\n".join(prose))
                prose = []
            end = next(n for n in range(number, len(lines)) if lines[n].strip() == "```")
            yield from _block(lines[number:end], number + 1, exit_code)
            number, exit_code = end + 1, 0
        elif found := re.fullmatch(r"<!-- exit: (\d+) -->", line.strip()):
            exit_code = int(found[1])
        elif found := re.fullmatch(r"<!-- run: (.+) -->", line.strip()):
            if prose:
                yield Prose("\n".join(prose))
                prose = []
            yield Command(number, found[1], (), hidden=True)
        else:
            prose.append(line)
    if prose:
        yield Prose("\n".join(prose))


def _block(lines: list[str], first: int, exit_code: int) -> Iterator[Command]:
    typed: list[str] = []
    expected: list[str] = []
    began = first
    for offset, line in enumerate([*lines, "$ "]):
        if line.startswith("$ "):
            if typed:
                yield Command(began, "\n".join(typed), tuple(expected), exit_code)
            typed, expected, began = [line[2:]], [], first + offset
        elif (line == ">" or line.startswith("> ")) and not expected and typed:
            typed.append(line[2:])
        elif not typed:
            raise ValueError(f"line {first + offset}: a console block begins with `$ `")
        else:
            expected.append(line)


class Outcome(NamedTuple):
    """What a command printed, both streams in order, and its exit code."""

    printed: str
    exit_code: int


class Shell:
    """One bash in which the commands of a page follow each other; it keeps its folder and variables."""

    MARK = "\x1e--next--"

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=folder,
            env=dict(env),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="surrogateescape",
        )

    def run(self, command: str) -> Outcome:
        """Run one command, which gets no input."""
        assert self._bash.stdin is not None and self._bash.stdout is not None
        self._bash.stdin.write(f"{{ {command}\n}} </dev/null\nprintf '{self.MARK}%s\\n' $?\n")
        self._bash.stdin.flush()
        printed: list[str] = []
        for line in self._bash.stdout:
            text, mark, code = line.partition(self.MARK)
            printed.append(text)
            if mark:
                return Outcome("".join(printed), int(code))
        raise RuntimeError(f"the shell ended in: {command}")

    def close(self) -> None:
        """End the shell."""
        assert self._bash.stdin is not None and self._bash.stdout is not None
        self._bash.stdin.close()
        self._bash.wait()
        self._bash.stdout.close()


def _pattern(line: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, line.rstrip().split("..."))))


def agrees(expected: tuple[str, ...], printed: str) -> bool:
    """Say whether an output is what the page shows; with nothing shown, anything goes."""
    if not expected:
        return True
    got = [line.rstrip() for line in printed.rstrip("\n").split("\n")]
    return _agree(list(expected), got)


def _agree(expected: list[str], got: list[str]) -> bool:
    if not expected:
        return not got
    if expected[0].strip() == "...":
        return any(_agree(expected[1:], got[skip:]) for skip in range(len(got) + 1))
    return bool(got) and _pattern(expected[0]).fullmatch(got[0]) is not None and _agree(expected[1:], got[1:])
