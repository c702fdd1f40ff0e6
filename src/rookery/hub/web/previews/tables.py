"""The first rows of a table in text: commas, tabs or whatever parts its columns."""

from __future__ import annotations

import csv
import io
from typing import NamedTuple

from rookery.hub.web.previews.kinds import ending_of

MOST_ROWS = 200
MOST_COLUMNS = 60
MOST_OF_A_CELL = 300

_DELIMITERS = "\t,;|"


class Table(NamedTuple):
    """Some rows, each as long as the longest; the first one names the columns."""

    heads: list[str]
    rows: list[list[str]]
    more: bool  # there are more rows or columns than these


def table_of(text: str, name: str, *, whole: bool) -> Table | None:
    """Read the first rows; None if it is no table.  A last line that may be cut off is left out."""
    if not whole:
        text = text[: text.rfind("\n") + 1] or text
    delimiter = "\t" if ending_of(name) in ("tsv", "tab") else _delimiter(text)
    rows, more = _rows(text, delimiter, MOST_ROWS + 1)
    if not rows:
        return None
    width = max(map(len, rows))
    shown = min(width, MOST_COLUMNS)
    filled = [[_cell(c) for c in row[:shown]] + [""] * (shown - len(row)) for row in rows]
    return Table(filled[0], filled[1:], more or not whole or width > shown)


def _delimiter(text: str) -> str:
    """Give what parts the first rows into most columns, as many in each."""

    def fit(delimiter: str) -> tuple[bool, int]:
        widths = [len(row) for row in _rows(text[:20_000], delimiter, 20)[0][:-1]] or [1]
        return len(set(widths)) == 1, min(widths)

    best = max(_DELIMITERS, key=fit)
    return best if fit(best)[1] > 1 else ","


def _rows(text: str, delimiter: str, most: int) -> tuple[list[list[str]], bool]:
    rows: list[list[str]] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            if len(rows) == most:
                return rows, True
            if row:
                rows.append(row)
    except csv.Error:
        return rows, True  # a cell without an end: what came before it is shown
    return rows, False


def _cell(text: str) -> str:
    return text if len(text) <= MOST_OF_A_CELL else text[:MOST_OF_A_CELL] + "…"
