"""How the hub's command speaks: where it is, and a token alone on its line."""

from __future__ import annotations

from typing import Any

from rookery.core.results import text_of
from rookery.render.generic import Generic
from rookery.render.words import hint_lines

COLOURS = {"good": "green", "mended": "yellow", "warning": "yellow", "bad": "red"}


class Renderer(Generic):
    """A line for what was done; what a script reads stands alone."""

    def show(self, record: dict[str, Any]) -> None:
        """Say the line."""
        if "token" in record:
            self.say(f"a token of {record['name']}; it is not shown again:")
            self.say(record["token"])
        elif record["action"] == "hub-serve" and record["status"] == "ok":
            self.say(text_of(record["message"]))
            if "ssh" in record:
                self.say(f"over SSH: {record['ssh']}")
            self.say(f"new accounts: {record['url']}/user/sign_up")
        elif "verdict" in record:
            self._say_finding(record)
        else:
            super().show(record)

    def record(self, record: dict[str, Any]) -> None:
        """Show one record; of signing in also what was not needed."""
        if str(record["action"]).startswith(("hub-login", "hub-logout")):
            self.tally.add(record)
            self._signing(record)
        else:
            super().record(record)

    def _signing(self, record: dict[str, Any]) -> None:
        """Say what was done about a thing: `token: kept in the keyring ...`."""
        failed = record["status"] in ("error", "impossible")
        word = self.paint(f"{record['type']}{' (error)' if failed else ''}", "red" if failed else "bold")
        self.say(f"{word}: {text_of(record['message'])}" + hint_lines(record.get("hints")))

    def _say_finding(self, record: dict[str, Any]) -> None:
        verdict = str(record["verdict"])
        told = f": {text_of(record['message'])}" if record.get("message") else ""
        self.say(f"{self.paint(verdict, COLOURS[verdict])} {record['name']}{told}")
        for hint in record.get("hints", ()):
            self.say(f"  {hint}")
