"""A file's first bytes as what is shown of it."""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup

from rookery.hub.web.previews.highlight import by_name, numbered
from rookery.hub.web.previews.indented import indented
from rookery.hub.web.previews.kinds import BY_BROWSER, is_text, kind_of, text_of
from rookery.hub.web.previews.markdown import Base, rendered
from rookery.hub.web.previews.notebook import Cell, cells_of
from rookery.hub.web.previews.tables import Table, table_of

# Bytes that are looked at.  Markdown that is longer is shown as it was written.
HEAD = 512 * 1024
_OF_A_NOTEBOOK = 8 * 1024 * 1024
MOST_MARKDOWN = 200_000


class Preview(NamedTuple):
    """What a page shows: `kind` says which of the others is set; `cut` that there is more in the file."""

    kind: str
    html: Markup = Markup()
    table: Table | None = None
    cells: tuple[Cell, ...] = ()
    cut: bool = False


def bytes_wanted(name: str) -> int:
    """Give how many of a file's first bytes have to be read for its preview."""
    kind = kind_of(name)
    return 0 if kind in BY_BROWSER else _OF_A_NOTEBOOK if kind == "notebook" else HEAD


def preview(name: str, data: bytes, size: int | None, base: Base) -> Preview:
    """Make a preview of the first bytes of a file; `kind` is "binary" where there is nothing to be shown."""
    kind, whole = kind_of(name), size is not None and len(data) >= size
    if kind in BY_BROWSER:
        return Preview(kind)
    if not data:
        return Preview("nothing")
    if not is_text(data, whole=whole):
        return Preview("binary")
    text = text_of(data)
    if kind == "table" and (table := table_of(text, name, whole=whole)):
        return Preview("table", table=table, cut=table.more)
    if kind == "notebook" and whole and (cells := cells_of(text, base)) is not None:
        return Preview("notebook", cells=tuple(cells))
    if kind == "markdown" and whole and len(text) <= MOST_MARKDOWN:
        return Preview("markdown", html=rendered(text, base))
    if kind == "json" and whole:
        text = indented(text)
    return Preview("text", html=numbered(by_name(text[:HEAD], name)), cut=not whole)
