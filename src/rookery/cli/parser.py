"""A command line parser, made from what an operation declares."""

from __future__ import annotations

import argparse
import sys
from typing import Any, NoReturn

from rookery.opkit.declare import REQUIRED, Operation, Option, Parameter, Positional

UNKNOWN_OPTION = 1  # DataLad's exit code for an option that a known command does not have
USAGE = 2


class Parser(argparse.ArgumentParser):
    """An argparse parser with DataLad's exit codes for what it cannot read."""

    def error(self, message: str) -> NoReturn:
        """Say the usage and what is wrong, and leave."""
        self.print_usage()
        unknown = message.startswith("unrecognized arguments")
        self.exit(UNKNOWN_OPTION if unknown else USAGE, f"{self.prog}: error: {message}\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        # argparse does not care whether it could be written
        if message:
            (file or sys.stderr).write(message)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        # argparse checks even the marker that stands for "nothing was said" against the choices
        if value != argparse.SUPPRESS:
            super()._check_value(action, value)


def _kind(parameter: Parameter) -> Any:
    """Give the converter of a value: whole numbers become int, where words are allowed too they stay words."""
    if not parameter.is_number:
        return str
    if parameter.type is int or str not in getattr(parameter.type, "__args__", ()):
        return int

    def number_or_word(text: str) -> int | str:
        return int(text) if text.lstrip("-").isdigit() else text

    return number_or_word


def _add_option(parser: argparse.ArgumentParser, parameter: Parameter, look: Option) -> None:
    more: dict[str, Any] = {
        "dest": parameter.name,
        "help": look.help.replace("%", "%%"),
        "default": argparse.SUPPRESS,
    }
    if parameter.is_flag and look.const is not None:
        parser.add_argument(*look.flags, action="store_const", const=look.const, **more)
        return
    if parameter.is_flag:
        parser.add_argument(*look.flags, action="store_false" if parameter.default else "store_true", **more)
        return
    more["metavar"] = look.metavar or (None if parameter.choices else parameter.name.upper())
    if parameter.choices:
        more["choices"] = parameter.choices
        more["metavar"] = look.metavar or "{" + ",".join(parameter.choices) + "}"
    if isinstance(look.metavar, tuple):
        more["nargs"] = len(look.metavar)
    if look.append:
        parser.add_argument(*look.flags, action="append", **more)
    elif look.optional:
        parser.add_argument(*look.flags, nargs="?", const=look.const, type=_kind(parameter), **more)
    else:
        parser.add_argument(*look.flags, type=_kind(parameter), **more)


def _add_place(parser: argparse.ArgumentParser, parameter: Parameter, look: Positional) -> None:
    more: dict[str, Any] = {"metavar": look.metavar, "help": look.help.replace("%", "%%")}
    needed = look.required or parameter.default is REQUIRED
    if look.rest:
        nargs: str | None = argparse.REMAINDER
    elif parameter.takes_many:
        nargs = "+" if needed else "*"
    else:
        nargs = None if needed else "?"
    if nargs is not None:
        more["nargs"] = nargs
    if nargs in ("?", "*"):
        more["default"] = argparse.SUPPRESS
    if parameter.choices:
        more["choices"] = parameter.choices
    parser.add_argument(parameter.name, **more)


def parser_for(op: Operation) -> Parser:
    """Make the parser of one command."""
    parser = Parser(
        prog=f"rookery {op.command}",
        description=op.function.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for parameter in op.parameters:
        if isinstance(parameter.look, Option):
            _add_option(parser, parameter, parameter.look)
        elif isinstance(parameter.look, Positional) and not parameter.look.unknown:
            _add_place(parser, parameter, parameter.look)
    return parser


SHIELD = "\0"  # no argument of a process can hold it


def _shielded(words: list[str]) -> list[str]:
    """Hide the dashes of what follows `--`: argparse forgets `--` between the two passes of intermixed parsing."""
    if "--" not in words:
        return words
    place = words.index("--")
    return words[:place] + [SHIELD + word if word.startswith("-") else word for word in words[place + 1 :]]


def _bare(said: dict[str, Any]) -> dict[str, Any]:
    def bare(value: Any) -> Any:
        if isinstance(value, list):
            return [bare(one) for one in value]
        return value.removeprefix(SHIELD) if isinstance(value, str) else value

    return {name: bare(value) for name, value in said.items()}


def parse(op: Operation, words: list[str]) -> dict[str, Any]:
    """Read a command's words; only what was said is in the outcome.  Leaves the process on bad usage."""
    parser = parser_for(op)
    looks = {p.name: p.look for p in op.parameters if isinstance(p.look, Positional)}
    catch_all = next((name for name, look in looks.items() if look.unknown), None)
    if catch_all is not None:
        found, left = parser.parse_known_args(words)
        said = vars(found)
        if left:
            said[catch_all] = left
    elif any(look.rest for look in looks.values()):
        said = vars(parser.parse_args(words))
    else:
        said = _bare(vars(parser.parse_intermixed_args(_shielded(words))))
    for name, look in looks.items():
        if said.get(name) == []:
            del said[name]
        elif look.rest and said.get(name, [""])[0] == "--":
            said[name] = said[name][1:]
    return said
