"""How differences read: as states do, without a last line."""

from __future__ import annotations

from rookery.render import status


class Renderer(status.Renderer):
    """A line for each thing that differs."""

    def finish(self) -> None:
        """Say nothing more."""
