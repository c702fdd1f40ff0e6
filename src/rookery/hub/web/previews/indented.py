"""JSON on lines of its own.  Nothing in it is changed: numbers, letters and doubled names stay as they were written."""

from __future__ import annotations

import json
import re

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s"{}\[\],:]+')
_LONG = 200


def indented(text: str) -> str:
    """Give JSON with a line for each value; as it is if it has lines already, or is not JSON."""
    if max(map(len, text.split("\n"))) <= _LONG:
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    out: list[str] = []
    depth, before = 0, ""
    for token in _TOKEN.findall(text):
        if token in "}]":
            depth -= 1
            out.append("" if before in ("{", "[") else "\n" + "  " * depth)
        elif before in ("{", "[", ","):
            out.append("\n" + "  " * depth)
        if token in "{[":
            depth += 1
        out.append(": " if token == ":" else token)
        before = token
    return "".join(out) + "\n"
