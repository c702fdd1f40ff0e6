"""Placeholders of recorded commands: `{inputs}`, `{outputs[0]}`, `{pwd}`, `{dspath}`, `{tmpdir}`, configured ones.

A configured placeholder (`datalad.run.substitutions.NAME`) ends up in a shell
command.  A person's own configuration may say there what it likes.  The
dataset's committed one was perhaps written by a stranger, so it is heard only
where it can be no more than a word: letters, digits and `_ . / : , @ % + -`,
not beginning with a dash, and not in the place of a program.
docs/design/0010-runs.md has the reasons.
"""

from __future__ import annotations

import re
import shlex
import string
from collections.abc import Mapping, Sequence
from typing import Any

from rookery.core.config import BRANCH, Config
from rookery.core.errors import RookeryError

SECTION = "datalad.run.substitutions."

_PLAIN_WORD = re.compile(r"[A-Za-z0-9_./:,@%+][A-Za-z0-9_./:,@%+-]*")
# What a shell may be about to read a program's name after: the beginning, separators, groups, substitutions.
_BEFORE_A_PROGRAM = re.compile(
    r"(?:^|[;&|(!`\n]|\{\{|\b(?:then|else|do|if|while|until|exec|env|sudo|time))\s*[\"']?$"
)


class PlaceholderError(RookeryError, ValueError):
    """A command or path names a placeholder that is not there, or braces do not match."""


class UnsafeSubstitution(PlaceholderError):
    """The dataset's own configuration would put more into a command than a word."""


def joined(words: Sequence[str]) -> str:
    """Make a shell command from words, each quoted where it needs to be."""
    return " ".join(map(shlex.quote, words))


def normalized(command: str | Sequence[str]) -> str:
    """Give a command as one string: a single word is a shell command as it is, several are quoted each.

    A leading `--` only parts the command from options before it.
    """
    if isinstance(command, str):
        return command
    words = [str(word) for word in command]
    if words and words[0] == "--":
        return joined(words[1:])
    return words[0] if len(words) == 1 else joined(words)


class Substitutions:
    """The configured placeholders at one place."""

    def __init__(self, config: Config) -> None:
        keys = {key: key[len(SECTION) :] for key in config.keys(SECTION)}
        self.values: dict[str, str] = {}
        self._strangers: set[str] = set()
        self._refused: dict[str, str] = {}
        for key, name in keys.items():
            value = str(config.get(key))
            if config.source_of(key) == BRANCH:
                self._strangers.add(name)
                if not _PLAIN_WORD.fullmatch(value):
                    self._refused[name] = value
                    continue
            self.values[name] = value

    def refuse_if_unsafe(self, template: str, *, command: bool = False) -> None:
        """Raise UnsafeSubstitution if a template uses the dataset's own values for more than a word."""
        for before, name in _fields(template):
            if name in self._refused:
                raise self._refusal(name, self._refused[name], "is more than a plain word")
            if command and name in self._strangers and _BEFORE_A_PROGRAM.search(before):
                raise self._refusal(name, self.values[name], "would choose the program that runs")

    def _refusal(self, name: str, value: str, why: str) -> UnsafeSubstitution:
        return UnsafeSubstitution(
            f"placeholder {{{name}}} is set in the dataset's committed configuration and {why}: {value!r}",
            hints=[f"if you trust it, make it yours: git config {SECTION}{name} {shlex.quote(value)}"],
        )


def _fields(template: str) -> list[tuple[str, str]]:
    """Give (text before, name) of each placeholder."""
    found = []
    before = ""
    try:
        for text, field, _, _ in string.Formatter().parse(template):
            before += text
            if field is not None:
                found.append((before, re.split(r"[.\[]", field, maxsplit=1)[0]))
                before += "x"
    except ValueError as e:
        raise PlaceholderError(f"{e}; write braces that are not a placeholder twice: {{{{ and }}}}") from e
    return found


class _Formatter(string.Formatter):
    """Lists are joined by spaces, each element formatted; elements by number; attributes only where told."""

    def __init__(self, *, attributes: bool) -> None:
        self._attributes = attributes

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        if not self._attributes and "." in field_name and field_name in kwargs:
            return kwargs[field_name], field_name
        if not self._attributes and "." in field_name.partition("[")[0]:
            raise KeyError(field_name)
        return super().get_field(field_name, args, kwargs)

    def get_value(self, key: int | str, args: Any, kwargs: Any) -> Any:
        if isinstance(key, int) or key == "":
            raise KeyError(key)
        return super().get_value(key, args, kwargs)

    def format_field(self, value: Any, format_spec: str) -> Any:
        if isinstance(value, list):
            return " ".join(format(element, format_spec) for element in value)
        return super().format_field(value, format_spec)


def fill(template: str, values: Mapping[str, Any], *, attributes: bool = False) -> str:
    """Fill in the placeholders of a command or path.

    Raises KeyError (its argument is the name) for one that is not there,
    PlaceholderError for an index that is too high or braces that do not match.
    """
    try:
        return _Formatter(attributes=attributes).vformat(template, (), values)
    except IndexError as e:
        raise PlaceholderError(f"a placeholder asks for an element that is not there ({e})") from e
    except (ValueError, TypeError, AttributeError) as e:
        if isinstance(e, RookeryError):
            raise
        raise PlaceholderError(f"{e}; write braces that are not a placeholder twice: {{{{ and }}}}") from e


def fill_specs(specs: Sequence[str], values: Mapping[str, Any]) -> list[str]:
    """Fill in the placeholders of path specifications; a lone `{name}` of a list stands for the whole list.

    Raises as `fill` does.
    """
    if len(specs) == 1 and specs[0].startswith("{") and specs[0].endswith("}"):
        whole = values.get(specs[0][1:-1])
        if isinstance(whole, list):
            return list(whole)
    return [fill(spec, values) for spec in specs]


def uses(template: str, name: str) -> bool:
    """Say whether a template has the placeholder."""
    return any(field == name for _, field in _fields(template))
