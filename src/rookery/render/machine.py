"""Records for programs: JSON lines, indented JSON, templates."""

from __future__ import annotations

import os
import string
from collections.abc import Callable, Mapping
from typing import Any

Say = Callable[[str], None]


def for_json(value: Any) -> Any:
    """Give what stands in JSON for a value that JSON cannot hold: paths and exceptions as text, sets as lists."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    return os.fspath(value) if isinstance(value, os.PathLike) else str(value)


def to_json(record: Mapping[str, Any], *, indent: int | None = None) -> str:
    """Give a record as JSON with sorted keys; undecodable bytes of file names become escapes."""
    import json  # start-up: text output never needs it

    return json.dumps(record, sort_keys=True, indent=indent, default=for_json)


class Json:
    """One object per record: on a line, or indented."""

    def __init__(self, say: Say, *, indent: int | None = None) -> None:
        self._say = say
        self._indent = indent

    def record(self, record: dict[str, Any]) -> None:
        """Show one record."""
        self._say(to_json(record, indent=self._indent))

    def finish(self) -> None:
        """Nothing follows."""


class _Lenient(string.Formatter):
    """A formatter in which what is missing reads N/A, and `#` in a key stands for a colon."""

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> Any:
        try:
            return super().get_field(field_name.replace("#", ":"), args, kwargs)
        except (KeyError, IndexError, AttributeError, TypeError):
            return "N/A", field_name

    def format_field(self, value: Any, format_spec: str) -> Any:
        try:
            return super().format_field(value, format_spec)
        except (TypeError, ValueError):
            return str(value)


class Template:
    """One line per record, from a format with `{key}` and `{key[inner]}`."""

    def __init__(self, say: Say, template: str) -> None:
        self._say = say
        self._template = template
        self._formatter = _Lenient()

    def record(self, record: dict[str, Any]) -> None:
        """Show one record."""
        self._say(self._formatter.format(self._template, **record))

    def finish(self) -> None:
        """Nothing follows."""
