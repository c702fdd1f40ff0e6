"""What could come next on a command line, for shells to offer.

The script that `shell-completion` prints calls `rookery` again with
ROOKERY_COMPLETE set and the words up to the cursor as arguments.  Everything
offered is read off the operations; where a path belongs nothing is offered, and
the shell offers files.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from rookery.cli.globals import LEVELS, global_parser
from rookery.core.environment import program_environment
from rookery.core.errors import RookeryError
from rookery.core.process import Runner
from rookery.git.remotes import list_remotes
from rookery.git.repo import find_root, open_repo
from rookery.operations.table import TABLE, load
from rookery.opkit.declare import Operation, Option, Parameter, Positional
from rookery.render.choose import FORMATS

# How an operation says that a value is a sibling's name.
SIBLING = "SIBLING"


class Candidate(NamedTuple):
    """A word that could come next, and what it means."""

    word: str
    meaning: str = ""


def answer(words: Sequence[str], shell: str, env: Mapping[str, str], cwd: Path) -> str:
    """Give the candidates for the last word, one on a line; fish and zsh get the meanings too."""
    found = candidates(words, env, cwd)
    if shell == "bash":
        return "".join(f"{one.word}\n" for one in found)
    return "".join(f"{one.word}\t{one.meaning}\n" for one in found)


def candidates(words: Sequence[str], env: Mapping[str, str], cwd: Path) -> list[Candidate]:
    """Give what the last word could become; it may be empty."""
    *before, current = _joined(words) or [""]
    command, rest = _command(before)
    if command is None:
        offered = _globals(rest, current)
    elif command in TABLE:
        offered = _of_operation(load(command), rest, current, env, cwd)
    else:
        return []
    return sorted({one.word: one for one in offered if one.word.startswith(current)}.values())


def _joined(words: Sequence[str]) -> list[str]:
    """Put `--option`, `=`, `value` together again: bash hands them over as three words."""
    joined: list[str] = []
    for word in words:
        if joined and (word == "=" or joined[-1].endswith("=")) and joined[-1].startswith("--"):
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def _global_options() -> list[argparse.Action]:
    return [action for action in global_parser()._actions if action.option_strings]


def _command(before: Sequence[str]) -> tuple[str | None, list[str]]:
    """Find the command among the words before the last; without one, give the words back."""
    takes_value = {flag for o in _global_options() if o.nargs != 0 for flag in o.option_strings}
    skip = False
    for place, word in enumerate(before):
        if skip:
            skip = False
        elif word in takes_value:
            skip = True
        elif not word.startswith("-"):
            return word, list(before[place + 1 :])
    return None, list(before)


def _globals(before: Sequence[str], current: str) -> Iterator[Candidate]:
    options = {flag: o for o in _global_options() for flag in o.option_strings}
    waiting = options.get(before[-1]) if before else None
    if waiting is not None and waiting.nargs != 0:
        words = waiting.choices or {"output_format": FORMATS, "log_level": LEVELS}.get(waiting.dest, ())
        yield from (Candidate(str(word)) for word in words)
    elif current.startswith("-"):
        for flag, action in options.items():
            yield Candidate(flag, action.help or "")
    else:
        yield from (Candidate(name, entry.summary) for name, entry in TABLE.items())


def _of_operation(
    op: Operation, before: Sequence[str], current: str, env: Mapping[str, str], cwd: Path
) -> Iterator[Candidate]:
    options = {flag: p for p in op.parameters if isinstance(p.look, Option) for flag in p.look.flags}
    flag, equals, _ = current.partition("=")
    if equals and flag in options:
        for one in _values(options[flag], env, cwd):
            yield Candidate(f"{flag}={one.word}", one.meaning)
        return
    waiting = options.get(before[-1]) if before else None
    if waiting is not None and not waiting.is_flag:
        yield from _values(waiting, env, cwd)
        if not (isinstance(waiting.look, Option) and waiting.look.optional):
            return
    if current.startswith("-"):
        for flag, parameter in options.items():
            assert isinstance(parameter.look, Option)
            yield Candidate(flag, parameter.look.help)
        yield from (Candidate(flag, "show what the command does") for flag in ("-h", "--help"))
        return
    place = _place(op, options, before)
    if place is not None:
        yield from _values(place, env, cwd)


def _place(op: Operation, options: Mapping[str, Parameter], before: Sequence[str]) -> Parameter | None:
    """Say which parameter a word in this place is for; options and their values are no places."""
    places = [p for p in op.parameters if isinstance(p.look, Positional)]
    filled = 0
    skip = False
    for word in before:
        if skip:
            skip = False
        elif word in options:
            skip = not options[word].is_flag
        elif not word.startswith("-"):
            filled += 1
    if not places:
        return None
    if filled < len(places):
        return places[filled]
    return places[-1] if places[-1].takes_many else None


def _values(parameter: Parameter, env: Mapping[str, str], cwd: Path) -> Iterator[Candidate]:
    yield from (Candidate(word) for word in parameter.choices if word)
    if parameter.look is not None and parameter.look.metavar == SIBLING:
        yield from (Candidate(name, "sibling") for name in _siblings(env, cwd))


def _siblings(env: Mapping[str, str], cwd: Path) -> list[str]:
    root = find_root(cwd)
    if root is None:
        return []
    try:
        return list(list_remotes(open_repo(root, Runner(program_environment(env)))))
    except RookeryError:
        return []  # a shell cannot show why there is nothing to offer
