"""Result records: plain dicts with a known shape, and the status vocabulary.

The shape is DataLad's (`action`, `status`, `path`, `type`, `refds` ...), so
JSON, filters and scripts written for it work unchanged.  Keys may be added to a
record, never renamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Any, Literal

Status = Literal["ok", "notneeded", "impossible", "error"]

SUCCESS: frozenset[str] = frozenset({"ok", "notneeded"})
FAILURE: frozenset[str] = frozenset({"impossible", "error"})

Message = str | tuple[Any, ...]


UNSAID: Any = object()


def result(
    action: str,
    path: str | PathLike[str],
    status: Status = "ok",
    *,
    type: str | None = None,
    refds: str | PathLike[str] | None = UNSAID,
    message: Message | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Build a record; `None` values are left out, so that a key's presence means something.

    Only `refds` may be given as None: DataLad's records say so when there is no reference dataset.
    """
    record: dict[str, Any] = {"action": action, "status": status, "path": str(path)}
    if type is not None:
        record["type"] = type
    if refds is not UNSAID:
        record["refds"] = None if refds is None else str(refds)
    if message is not None:
        record["message"] = message
    for key, value in more.items():  # quicker than `update`: records are made by ten thousands
        if value is not None:
            record[key] = value
    return record


def failed(record: Mapping[str, Any]) -> bool:
    """Say whether a record is a failure."""
    return record.get("status") in FAILURE


def text_of(message: Message | None) -> str:
    """Fill in a `(format, *arguments)` message; plain strings stay as they are."""
    if message is None:
        return ""
    if isinstance(message, str):
        return message
    form, *arguments = message
    return str(form) % tuple(arguments) if arguments else str(form)
