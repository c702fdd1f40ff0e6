"""Command lines as they mostly are, read without argparse, which takes 9 of 70 ms of a short command.

What is not plainly one of these is argparse's, which then also says what is wrong with it.  A property test holds the
two to each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from rookery.operations.table import TABLE
from rookery.opkit.declare import REQUIRED, Operation, Option, Parameter, Positional


class Globals(NamedTuple):
    """The options before the command, as they are if none is given (`cli.globals` says what each is)."""

    command: Sequence[str]
    folder: Sequence[str] = ()
    settings: Sequence[tuple[str, str | None]] = ()
    log_level: str | None = None
    output_format: str = "tailored"
    on_failure: Any = None
    report_status: str | None = None
    report_type: list[str] | None = None
    progress: str = "auto"


def usual_globals(words: Sequence[str]) -> Globals | None:
    """Read a command line that begins with a command; None if this one does not."""
    return Globals(list(words)) if words and words[0] in TABLE else None


def usual_arguments(op: Operation, words: Sequence[str]) -> dict[str, Any] | None:
    """Read a command's words; None unless each is a plain value, or an option spelled out with its value behind it."""
    parameters = op.parameters
    flags = {flag: p for p in parameters if isinstance(p.look, Option) for flag in p.look.flags}
    said: dict[str, Any] = {}
    places: list[str] = []
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            places.append(word)
        elif word not in flags or not _read_option(flags[word], rest, said):
            return None
    # What takes words that nothing else knows has none of those.
    takers = [p for p in parameters if isinstance(p.look, Positional) and not p.look.unknown]
    return said if _put_places(takers, places, said) else None


def _read_option(parameter: Parameter, rest: Any, said: dict[str, Any]) -> bool:
    """Read one option; False if it is not a usual one."""
    look = parameter.look
    assert isinstance(look, Option)
    if parameter.is_flag:
        said[parameter.name] = look.const if look.const is not None else not parameter.default
        return True
    value = next(rest, None)
    odd = look.optional or isinstance(look.metavar, tuple) or parameter.is_number
    if odd or value is None or value.startswith("-"):
        return False
    if parameter.choices and value not in parameter.choices:
        return False
    if look.append:
        said.setdefault(parameter.name, []).append(value)
    else:
        said[parameter.name] = value
    return True


def _put_places(takers: Sequence[Parameter], places: list[str], said: dict[str, Any]) -> bool:
    """Give the words without an option to the one parameter that takes them; False if that is not so plain."""
    looks = [taker.look for taker in takers if isinstance(taker.look, Positional)]
    if any(look.rest for look in looks):
        return False
    if not places:
        return not any(t.default is REQUIRED or look.required for t, look in zip(takers, looks, strict=True))
    if len(takers) != 1 or takers[0].choices:
        return False
    if not takers[0].takes_many and len(places) > 1:
        return False
    said[takers[0].name] = places if takers[0].takes_many else places[0]
    return True
