"""How one record reads as a line: `action(status): path (type) [message]`."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from rookery.core.results import text_of

# What `os.path.normpath` would take out of an absolute path.
_UNSETTLED = re.compile(r"/(\.{0,2})(/|$)")

Paint = Callable[[str, str], str]

STATUS_COLOURS = {"ok": "green", "notneeded": "green", "impossible": "yellow", "error": "red"}
CODES = {
    "bold": "1",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "magenta": "35",
    "cyan": "36",
    "grey": "90",
}


def plain(text: str, colour: str) -> str:  # noqa: ARG001 - has the shape of `ansi`
    """Paint nothing."""
    return text


def ansi(text: str, colour: str) -> str:
    """Paint for a terminal."""
    return f"\x1b[{CODES[colour]}m{text}\x1b[0m" if text else text


def shown_path(record: Mapping[str, Any]) -> str:
    """Give the path as a person sees it: relative to the reference dataset, if the record has one."""
    path = str(record.get("path") or "")
    refds = record.get("refds")
    if not (path and refds):
        return path
    # Of ten thousands of files, almost all are simply below: `relpath` takes 20 us for each.
    below = f"{refds}/"
    if path.startswith(below) and not _UNSETTLED.search(path):
        return path[len(below) :]
    return os.path.relpath(path, refds)


def generic_line(record: Mapping[str, Any], paint: Paint = plain) -> str:
    """Give the generic line of a record, and its hints on the lines after it."""
    status = str(record["status"])
    path = shown_path(record)
    kind = record.get("type")
    message = text_of(record.get("message"))
    also = text_of(record.get("error_message"))
    line = f"{paint(str(record['action']), 'bold')}({paint(status, STATUS_COLOURS.get(status, 'bold'))}):"
    line += f" {path}" if path else ""
    line += f" ({paint(str(kind), 'magenta')})" if kind else ""
    line += f" [{message}]" if message else ""
    line += f" [{also}]" if also and also not in message else ""
    return line + hint_lines(record.get("hints"))


def hint_lines(hints: Any) -> str:
    """Give the hints of a record as lines below it."""
    if not hints:
        return ""
    if isinstance(hints, str):
        return f"\nHints: {hints}" if hints.startswith("\n") else f"\nHint: {hints}"
    return "".join(f"\nHint: {hint}" for hint in hints)
