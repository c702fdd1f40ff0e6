"""A notebook (nbformat 4) as cells to look at: nothing of it runs, and what only a browser could run is named."""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from rookery.hub.web.previews.highlight import by_language
from rookery.hub.web.previews.markdown import Base, rendered

MOST_CELLS = 300
MOST_OF_AN_OUTPUT = 20_000
_PICTURES = ("image/png", "image/jpeg")
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Output(NamedTuple):
    """What a cell gave: text, or a picture as an address with the bytes in it; `left_out` is what is not shown."""

    text: str = ""
    picture: str = ""
    left_out: str = ""
    failed: bool = False


class Cell(NamedTuple):
    """One cell: `kind` is markdown, code or raw."""

    kind: str
    number: str
    html: Markup
    outputs: list[Output]


def cells_of(text: str, base: Base) -> list[Cell] | None:
    """Read a notebook; None if it is none."""
    try:
        told = json.loads(text)
        cells = told["cells"]
        language = str(_dict(_dict(told.get("metadata")).get("language_info")).get("name", "python"))
        return [_cell(_dict(one), language, base) for one in list(cells)[:MOST_CELLS]]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return None


def _cell(told: dict[str, Any], language: str, base: Base) -> Cell:
    kind, source = str(told.get("cell_type", "raw")), _joined(told.get("source", ""))
    if kind == "markdown":
        return Cell(kind, "", rendered(source, base), [])
    if kind != "code":
        return Cell("raw", "", escape(source), [])
    count = told.get("execution_count")
    outputs = [_output(_dict(one)) for one in told.get("outputs", [])]
    return Cell(kind, str(count) if isinstance(count, int) else "", by_language(source, language), outputs)


def _output(told: dict[str, Any]) -> Output:
    kind = told.get("output_type")
    if kind == "stream":
        return Output(_cut(_joined(told.get("text", ""))))
    if kind == "error":
        return Output(_cut("\n".join(map(str, told.get("traceback", [])))), failed=True)
    data = _dict(told.get("data"))
    for media in _PICTURES:
        if media in data and (encoded := _picture(_joined(data[media]))):
            return Output(picture=f"data:{media};base64,{encoded}")
    if "text/plain" in data:
        others = [media for media in data if media != "text/plain"]
        return Output(_cut(_joined(data["text/plain"])), left_out=", ".join(map(str, others)))
    return Output(left_out=", ".join(map(str, data)))


def _picture(text: str) -> str:
    """Give the bytes as they are written in an address; nothing if they cannot be read."""
    try:
        return base64.b64encode(base64.b64decode("".join(text.split()), validate=True)).decode()
    except (binascii.Error, ValueError):
        return ""


def _joined(source: Any) -> str:
    return "".join(map(str, source)) if isinstance(source, list) else str(source)


def _cut(text: str) -> str:
    plain = _COLOURS.sub("", text)
    return plain if len(plain) <= MOST_OF_AN_OUTPUT else plain[:MOST_OF_AN_OUTPUT] + "\n…"


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
