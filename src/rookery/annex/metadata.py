"""Metadata of keys: fields with sets of values, one process for any number of keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from rookery.annex import program
from rookery.annex.program import failure_text
from rookery.git.repo import Repo

Values = dict[str, list[str]]

CHANGED = "lastchanged"  # git-annex's own fields: when another one was changed


class Described(NamedTuple):
    """What is known of a key now, or why it could not be written."""

    key: str
    fields: Values
    ok: bool
    message: str = ""


def read_metadata(repo: Repo, keys: Iterable[str]) -> dict[str, Values]:
    """Give the fields of keys, without git-annex's own."""
    wanted = list(dict.fromkeys(keys))
    if not wanted:
        return {}
    told = program.records(
        repo, "metadata", "--batch", stdin=_lines({"key": key} for key in wanted), reading=True
    )
    return {record["key"]: _fields(record) for record in told if record.get("key")}


def add_metadata(repo: Repo, additions: Sequence[tuple[str, Mapping[str, str]]]) -> Iterator[Described]:
    """Add values to fields of keys; one answer for each addition, in order, with all that is known by then."""
    known = read_metadata(repo, (key for key, _ in additions))
    requests = []
    for key, fields in additions:
        # what is said in batch mode replaces a field, so the values that it has are said again
        has = known.setdefault(key, {})
        for field, value in fields.items():
            has[field] = sorted({*has.get(field, ()), value})
        requests.append({"key": key, "fields": {field: list(has[field]) for field in fields}})
    if not requests:
        return
    answers = iter(program.records(repo, "metadata", "--batch", stdin=_lines(requests)))
    for key, _ in additions:
        record = next(answers, None)
        if record is None or not record.get("success"):
            why = failure_text(record or {}) or "git-annex did not take the metadata"
            yield Described(key, {}, False, why)
        else:
            yield Described(key, _fields(record), True)


def _fields(record: Mapping[str, Any]) -> Values:
    found = record.get("fields") or {}
    return {k: v for k, v in found.items() if k != CHANGED and not k.endswith(f"-{CHANGED}")}


def _lines(requests: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    import json  # start-up

    for request in requests:
        yield json.dumps(request, ensure_ascii=False).encode("utf-8", "surrogateescape") + b"\n"
