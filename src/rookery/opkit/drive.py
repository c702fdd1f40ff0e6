"""The execution loop: count, hook, show, filter, and raise at the end.

A chain of small generators around an operation's own.  Records are shown before
they are filtered, so a filter shapes what a caller receives, not what a person
sees (DataLad 1.7 does the same; contract 2.2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from rookery.core.errors import IncompleteResultsError
from rookery.core.results import failed
from rookery.opkit.declare import OnFailure, Record


class Renderer(Protocol):
    """Shows records to a person as they come."""

    def record(self, record: Record) -> None:
        """Show one record, or nothing."""

    def finish(self) -> None:
        """Show what only the end knows (totals, the summary)."""


def drive(
    records: Iterable[Record],
    *,
    on_failure: OnFailure,
    renderer: Renderer | None = None,
    keep: Callable[[Record], bool] | None = None,
    hooks: Callable[[Record], Iterator[Record]] | None = None,
    remember: bool = True,
) -> Iterator[Record]:
    """Run an operation's records through the chain.

    Raises IncompleteResultsError after the last record ("continue") or after
    the first failed one ("stop"); the renderer is finished in either case, and
    not when the operation itself raises: a closing "nothing to save" would be
    a claim that nobody has checked.  Without `remember` the error holds the
    first failed record only: who shows them as they come has no use for a million.
    """
    failures: list[Record] = []
    try:
        for record in _with_hooks(records, hooks):
            if not record.get("action"):
                continue  # as in DataLad: a record that names no action is nobody's
            if renderer is not None:
                renderer.record(record)
            if failed(record) and (remember or not failures):
                failures.append(record)
            if keep is None or keep(record):
                yield record
            if failures and on_failure == "stop":
                break
    finally:
        close = getattr(records, "close", None)
        if close is not None:
            close()
    if renderer is not None:
        renderer.finish()
    if failures and on_failure != "ignore":
        raise IncompleteResultsError(failed=failures)


def _with_hooks(
    records: Iterable[Record], hooks: Callable[[Record], Iterator[Record]] | None
) -> Iterator[Record]:
    for record in records:
        yield record
        if hooks is not None:
            yield from hooks(record)
