"""From the name of an output format to a renderer."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Literal, Protocol

from rookery.core.errors import UsageError
from rookery.render.generic import Generic
from rookery.render.words import Paint, plain

FORMATS = ("tailored", "generic", "json", "json_pp", "disabled")


class Renderer(Protocol):
    """Shows records as they come (see opkit.drive)."""

    def record(self, record: dict[str, Any]) -> None:
        """Show one record."""

    def finish(self) -> None:
        """Show what only the end knows."""


class Calling:
    """A caller's own function as a renderer."""

    def __init__(self, show: Callable[..., Any]) -> None:
        self._show = show

    def record(self, record: dict[str, Any]) -> None:
        """Hand one record over."""
        self._show(record)

    def finish(self) -> None:
        """Nothing follows."""


def renderer_for(
    form: Any,
    *,
    tailored: str,
    say: Callable[[str], None],
    paint: Paint = plain,
    summary: Literal["several", "always", "never"] = "several",
    collapse: bool = False,
    seen_from: str | None = None,
    complain: Callable[[str], None] | None = None,
) -> Renderer | None:
    """Choose the renderer; `tailored` is the name the operation declares.  None shows nothing.

    `seen_from` is the folder of a reader who named no dataset, `complain` says
    what belongs on standard error.

    A tailored renderer NAME is the class `Renderer` of the module
    `rookery.render.NAME`.  Raises UsageError for a format that is not known.
    """
    if form is None or form == "disabled":
        return None
    if callable(form):
        return Calling(form)
    if form == "tailored" and tailored != "generic":
        made: Renderer = importlib.import_module(f"rookery.render.{tailored}").Renderer(
            say, paint=paint, summary=summary, collapse=collapse, seen_from=seen_from
        )
        if complain is not None and isinstance(made, Generic):
            made.complain = complain
        return made
    if form in ("tailored", "generic"):
        return Generic(say, paint=paint, summary=summary, collapse=collapse)
    from rookery.render import machine  # start-up: text output never needs it

    if form in ("json", "json_pp"):
        return machine.Json(say, indent=2 if form == "json_pp" else None)
    if isinstance(form, str) and "{" in form:
        return machine.Template(say, form)
    raise UsageError(
        f"unknown output format {form!r}",
        hints=[f"choose one of {', '.join(FORMATS)}, or a template with {{key}}"],
    )
