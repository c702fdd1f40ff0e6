"""Tables of URLs: rows of named values from csv, tsv, json and jsonl files."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from rookery.core.errors import RookeryError

InputType = Literal["ext", "csv", "tsv", "json", "jsonl"]
Row = Mapping[str, Any]

_BY_EXTENSION: Mapping[str, InputType] = {".json": "json", ".jsonl": "jsonl", ".tsv": "tsv"}


class TableError(RookeryError):
    """A table, or a format for its rows, that cannot be used."""


class Table(NamedTuple):
    """Rows, and the names of the columns in order: none where rows have no order (json)."""

    rows: Sequence[Row]
    columns: Sequence[str] = ()


def kind_of(name: str, said: InputType) -> InputType:
    """Say what a file is: as said, else by its extension; what comes on standard input ("-") is json."""
    if said != "ext":
        return said
    if name == "-":
        return "json"
    return _BY_EXTENSION.get(os.path.splitext(name)[1], "csv")


def parse_table(raw: bytes, kind: InputType) -> Table:
    """Read the text of a file.  Raises TableError."""
    # a mark of byte order is how spreadsheets say "UTF-8", and no part of the first column's name
    text = raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    if kind == "json":
        return from_records(_json(text, "the file"))
    if kind == "jsonl":
        lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
        return from_records([_json(line, f"line {n}") for n, line in lines])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if kind == "tsv" else ",")
    try:
        found = list(reader)
    except csv.Error as e:
        raise TableError(f"Failed to read {kind.upper()} rows: line {reader.line_num}: {e}") from e
    if not found:
        raise TableError(f"Failed to read {kind.upper()} rows: there is no header line")
    header = found[0]
    if len(set(header)) != len(header):
        twice = next(name for name in header if header.count(name) > 1)
        raise TableError(f"two columns have the name {twice!r}", hints=["rename one of them in the header"])
    return Table([dict(zip(header, row, strict=False)) for row in found[1:] if row], header)


def from_records(records: Any) -> Table:
    """Take rows that are mappings already.  Raises TableError."""
    if not isinstance(records, Sequence) or not all(isinstance(row, Mapping) for row in records):
        raise TableError("the records are not a list of objects with names and values")
    return Table(records)


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as e:
        raise TableError(f"Failed to read JSON from {where}: {e}") from e
