"""One thing that signing in did, found done, or could not do."""

from __future__ import annotations

from typing import Any, NamedTuple

from rookery.core.results import Status, result

Record = dict[str, Any]


class Done(NamedTuple):
    """`what` is one of token, git, certificate, address, ssh-key, ssh, hub; `message` holds no secret."""

    what: str
    message: str
    status: Status = "ok"
    hints: tuple[str, ...] = ()

    def record(self, action: str, url: str) -> Record:
        """Give the record."""
        made = result(
            action,
            "",
            self.status,
            type=self.what,
            message=self.message,
            url=url,
            hints=list(self.hints) or None,
        )
        del made["path"]  # what belongs to a person is nowhere
        return made
