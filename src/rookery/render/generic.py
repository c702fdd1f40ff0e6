"""The ordinary renderer: a line for each record, and a summary."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from rookery.render.summary import Tally
from rookery.render.words import Paint, generic_line, plain

Say = Callable[[str], None]

SIMILAR_SHOWN = 10


class Generic:
    """Shows what happened, not what was not needed; the summary counts both.

    With `collapse`, more than ten records in a row of the same action, status
    and type are counted instead of shown (a terminal's reader wants to see the
    exceptions).  `seen_from` is the folder of a reader who named no dataset;
    `brief` renderers show nothing of what is unchanged.
    """

    brief = False

    def __init__(
        self,
        say: Say,
        *,
        paint: Paint = plain,
        summary: Literal["several", "always", "never"] = "several",
        collapse: bool = False,
        seen_from: str | None = None,
    ) -> None:
        self.say = self.complain = say
        self.seen_from = seen_from
        self.paint = paint
        self.summary = summary
        self.tally = Tally()
        self._collapse = collapse
        self._last: tuple[Any, ...] = ()
        self._repeated = 0

    def record(self, record: dict[str, Any]) -> None:
        """Show one record."""
        self.tally.add(record)
        if record["status"] == "notneeded":
            return
        kind = (record["action"], record["status"], record.get("type"))
        if kind != self._last:
            self._tell_suppressed()
            self._last, self._repeated = kind, 0
        self._repeated += 1
        if not self._collapse or self._repeated <= SIMILAR_SHOWN or record["status"] != "ok":
            self.show(record)

    def show(self, record: dict[str, Any]) -> None:
        """Say the line; tailored renderers say their own."""
        self.say(generic_line(record, self.paint))

    def _tell_suppressed(self) -> None:
        hidden = self._repeated - SIMILAR_SHOWN
        if self._collapse and hidden > 0 and self._last[1] == "ok":
            plural = "message has" if hidden == 1 else "messages have"
            self.say(
                f"  [{hidden} similar {plural} been suppressed; "
                "disable with datalad.ui.suppress-similar-results=off]"
            )

    def finish(self) -> None:
        """Say what was left out, and the summary."""
        self._tell_suppressed()
        self._repeated = 0
        wanted = self.summary == "always" or (self.summary == "several" and self.tally.total > 1)
        if wanted and self.tally.total:
            for line in self.tally.lines():
                self.say(line)
