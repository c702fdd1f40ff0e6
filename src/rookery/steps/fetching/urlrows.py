"""From rows of a table to what is to be added: URL, file name, subdataset, metadata and key of each."""

from __future__ import annotations

import os
import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from rookery.steps.fetching.urltable import Row, Table, TableError

OnCollision = Literal["error", "error-if-different", "take-first", "take-last"]

LEGAL_FIELD = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")  # what git-annex takes as a metadata field
KEY = re.compile(r"(?P<toggle>et:)?(?P<key>(?P<backend>[A-Z0-9]+)(?:-[^-]+)?--(?P<name>[^/\n]+))")
DIGITS = {"MD5": 32, "SHA1": 40, "SHA256": 64}
LONGEST_EXTENSION = 4  # git-annex's annex.maxextensionlength


class Formats(NamedTuple):
    """The formats of a command line, and what stands in for an empty value."""

    url: str
    filename: str
    meta: Sequence[str] = ()
    key: str | None = None
    exclude_autometa: str | None = None
    missing_value: str | None = None


class WantedKey(NamedTuple):
    """A key that a row names; `backend` is the one to change it to, if any."""

    key: str
    backend: str | None = None


class Addition(NamedTuple):
    """What one row asks for; `path` is relative to the top dataset, `subdataset` too ("" is the top)."""

    row: Row
    url: str
    path: str
    subdataset: str
    around: Sequence[str]
    meta: Mapping[str, str]
    key: WantedKey | None


class Formatter(string.Formatter):
    """Formats rows: `{name}`, `{0}` for the first column, `{name!l}` for lower case."""

    def __init__(self, columns: Sequence[str], missing_value: str | None) -> None:
        self._columns = columns
        self._missing = missing_value

    def get_value(self, key: int | str, args: Any, kwargs: Any) -> Any:  # noqa: ARG002  the inherited signature
        """Look a placeholder up in the row, which is the first argument."""
        name = key
        if isinstance(key, int) or key.lstrip("-").isdigit():
            if not 0 <= int(key) < len(self._columns):
                raise KeyError(int(key))
            name = self._columns[int(key)]
        value = args[0][name]
        return self._missing if value == "" and self._missing is not None else value

    def convert_field(self, value: Any, conversion: Any) -> Any:
        """Know `!l` as well."""
        return str(value).lower() if conversion == "l" else super().convert_field(value, conversion)

    def fill(self, text: str, row: Row, what: str) -> str:
        """Format; raise TableError, in the name of `what`, for what cannot be."""
        try:
            return self.vformat(text, (row,), {})
        except KeyError as e:
            raise _unknown(e.args[0], what, row) from e
        except (ValueError, IndexError, AttributeError, TypeError) as e:
            raise TableError(f"the format {text!r} of the {what} cannot be used: {e}") from e


def _unknown(name: Any, what: str, row: Row) -> TableError:
    if not isinstance(name, str):
        return TableError(f"Out-of-bounds or unsupported index {name} in {what}")
    if name.startswith("_url"):
        shown = {k: v for k, v in row.items() if not k.startswith("_url")}
        return TableError(f"Special key '{name}' could not be constructed for row: {shown}")
    return TableError(
        f"Unknown placeholder '{name}' in {what}",
        hints=[f"this row has: {', '.join(k for k in row if not k.startswith('_url'))}"],
    )


def additions(
    table: Table, formats: Formats, served: Callable[[int, str], Mapping[str, str]]
) -> tuple[list[Addition], int]:
    """Work out what each row asks for, and how many rows were left out since they have no URL.

    `served` gives the placeholders for the file name that a server has for a
    URL (after its number); it is asked only if the format needs one.  Raises TableError.
    """
    formatter = Formatter(table.columns, formats.missing_value)
    for text in formats.meta:
        _require_columns(text, table)
    meta = [*formats.meta, *_autometa(table, formats)]
    names = _placeholders(formats.filename)
    used: dict[str, int] = {}
    found: list[Addition] = []
    for row in table.rows:
        url = formatter.fill(formats.url, row, "URL")
        if not url or url == formats.missing_value:
            continue
        if re.search(r"[\s\0]", url):
            raise TableError(f"the URL {url!r} has white space in it", hints=["write a space as %20"])
        if "@" in urlsplit(url).netloc:
            raise TableError(
                f"the URL for {urlsplit(url).hostname} has a login in it, "
                "which everybody who gets the dataset could read",
                hints=["take it out of the table; git-annex asks Git's credential helpers for it"],
            )
        extended = dict(row)
        if any(name.startswith("_url") for name in names):
            extended |= url_parts(url)
        if any(name.startswith("_url_filename") for name in names):
            extended |= served(len(found), url)
        written = _filename(formatter, formats.filename, extended, used)
        path, around = split_subdatasets(written)
        filled = _metadata(formatter, table.columns, meta, row)
        key = _wanted_key(formatter, formats.key, row) if formats.key else None
        found.append(Addition(row, url, path, around[-1] if around else "", around, filled, key))
    return found, len(table.rows) - len(found)


def _placeholders(text: str) -> list[str]:
    try:
        return [name for _, name, _, _ in string.Formatter().parse(text) if name]
    except ValueError as e:
        raise TableError(f"the format {text!r} cannot be used: {e}") from e


def _filename(formatter: Formatter, text: str, row: dict[str, Any], used: dict[str, int]) -> str:
    """Format a name; `_repindex` counts how often the name that it has with 0 came before."""
    first = formatter.fill(text, {**row, "_repindex": 0}, "file name")
    again = used.get(first)
    used[first] = 0 if again is None else again + 1
    return first if again is None else formatter.fill(text, {**row, "_repindex": again + 1}, "file name")


def split_subdatasets(name: str) -> tuple[str, list[str]]:
    """Read `//` in a name: give the path, and the datasets around it, outermost first.  Raises TableError."""
    *folders, file = name.split("//")
    # an empty value at the end of a subdataset's name leaves a third slash
    parts = [part.strip("/") if n else part.rstrip("/") for n, part in enumerate(folders)]
    parts.append(file.lstrip("/") if folders else file)
    path = "/".join(parts)
    steps = path.split("/")
    if any(step in ("", ".", "..") or step.lower() == ".git" for step in steps) or "\0" in name:
        raise TableError(
            f"{name!r} is not a name for a file in the dataset",
            hints=["names are relative, and no part of one is empty, '.', '..' or '.git'"],
        )
    return path, list(accumulate(parts[:-1], lambda above, part: f"{above}/{part}"))


def split_extensions(name: str) -> tuple[str, str]:
    """Split a name as git-annex does: up to where an extension would be too long, so `.tar.gz` stays whole."""
    stem, *rest = name.split(".")
    short = len(rest)
    while short and len(rest[short - 1]) <= LONGEST_EXTENSION:
        short -= 1
    if not rest:
        return name, ""
    # No extension gives "." where there is a dot: DataLad's rule, and files have got their names by it.
    return ".".join([stem, *rest[:short]]), "." + ".".join(rest[short:])


def name_parts(name: str, prefix: str) -> dict[str, str]:
    """Give the placeholders for a file name and its parts."""
    root, extension = split_extensions(name)
    root_py, extension_py = os.path.splitext(name)
    return {
        prefix: name,
        f"{prefix}_root": root,
        f"{prefix}_ext": extension,
        f"{prefix}_root_py": root_py,
        f"{prefix}_ext_py": extension_py,
    }


def url_parts(url: str) -> dict[str, str]:
    """Give the placeholders for the parts of a URL."""
    try:
        parts = urlsplit(url)
    except ValueError as e:
        raise TableError(f"{url!r} is not a URL: {e}") from e
    if not parts.netloc:
        return {}
    found = {"_url_hostname": parts.netloc}
    steps = parts.path.strip("/").split("/")
    if steps != [""]:
        found |= {f"_url{n}": step for n, step in enumerate(steps)} | name_parts(steps[-1], "_url_basename")
    return found


def _autometa(table: Table, formats: Formats) -> Iterator[str]:
    """Make a metadata format of each column but the one that is the URL, and those that are excluded."""
    if formats.exclude_autometa in ("*", "") or not table.rows:
        return
    try:
        excluded = re.compile(formats.exclude_autometa) if formats.exclude_autometa else None
    except re.error as e:
        raise TableError(f"{formats.exclude_autometa!r} is not a regular expression: {e}") from e
    whole = re.fullmatch(r"\{([^{}]+)\}", formats.url)
    name = whole[1] if whole else None
    if name and name.isdigit() and int(name) < len(table.columns):
        name = table.columns[int(name)]
    for column in sorted(table.rows[0]):
        if column != name and LEGAL_FIELD.fullmatch(column) and not (excluded and excluded.search(column)):
            yield f"{column}={{{column}}}"


def _columns(text: str, columns: Sequence[str]) -> list[str]:
    """Give the names of the columns that a format is filled from."""
    names = [re.split(r"[.\[]", name)[0] for name in _placeholders(text)]
    return [columns[int(n)] if n.isdigit() and int(n) < len(columns) else n for n in names]


def _require_columns(text: str, table: Table) -> None:
    """Raise TableError for a format with a placeholder that no row has a value for."""
    known = {name for row in table.rows for name in row}
    for name in _columns(text, table.columns):
        if name not in known:
            raise _unknown(
                int(name) if name.isdigit() else name, "metadata", table.rows[0] if table.rows else {}
            )


def _metadata(
    formatter: Formatter, columns: Sequence[str], formats: Iterable[str], row: Row
) -> dict[str, str]:
    """Fill metadata formats in; one whose value the row lacks is left out."""
    filled: dict[str, str] = {}
    for text in formats:
        if any(name not in row for name in _columns(text, columns)):
            continue  # that some row has it was seen to before
        field, equals, value = formatter.fill(text, row, "metadata").partition("=")
        field, value = field.strip(), value.strip()
        if not equals:
            raise TableError(f"the metadata format {text!r} is not in the form field=value")
        if not LEGAL_FIELD.fullmatch(field):
            raise TableError(f"{field!r} cannot be the name of a metadata field")
        if value:
            filled[field] = value
    return filled


def _wanted_key(formatter: Formatter, text: str, row: Row) -> WantedKey | None:
    """Read the key that a row names; None if all its values are empty."""
    written = formatter.fill(text, row, "key")
    literal = "".join(part for part, *_ in string.Formatter().parse(text))
    if written == literal and _placeholders(text):
        return None
    match = KEY.fullmatch(written)
    if match is None:
        form = "[et:]<backend>[-[CmsS]NNN]--<key>"
        raise TableError(f"Key does not match expected {form} format: {written}")
    backend = match["backend"]
    plain = backend.removesuffix("E")
    digest = match["name"].partition(".")[0] if plain != backend else match["name"]
    length = DIGITS.get(plain)
    if length and len(digest) != length:
        raise TableError(f"{plain} key does not have expected length of {length}: {digest}")
    if length and not re.fullmatch("[a-f0-9]+", digest):
        raise TableError(f"{plain} key has non-hexadecimal character: {digest}")
    changed = plain if plain != backend else f"{backend}E"
    return WantedKey(match["key"], changed if match["toggle"] else None)


def settle_collisions(found: Sequence[Addition], how: OnCollision) -> list[Addition]:
    """Leave one addition for each path.  Raises TableError where that is not for us to choose."""
    by_path: dict[str, list[Addition]] = {}
    for one in found:
        by_path.setdefault(one.path, []).append(one)
    several = [group for group in by_path.values() if len(group) > 1]
    if how == "error-if-different":
        several = [
            g for g in several if any((o.url, o.meta, o.key) != (g[0].url, g[0].meta, g[0].key) for o in g)
        ]
    if several and how.startswith("error"):
        count = f"{len(several)} file name{'s' if len(several) > 1 else ''}"
        raise TableError(
            f"{count} collided across rows; troubleshoot by logging at debug level or consider using {{_repindex}}",
            hints=[f"the first is {several[0][0].path!r}"],
        )
    last = how in ("take-last", "error-if-different")
    return [group[-1 if last else 0] for group in by_path.values()]
