"""What Git says to a remote helper, and what it hears (gitremote-helpers(7)).

We are a helper of the short kind: every exchange is `connect`, after which Git
talks with `upload-pack` or `receive-pack` itself.  So whatever Git can do with a
remote works here: depth, atomic pushes, leases, deletions, mirrors.
"""

from __future__ import annotations

from typing import NamedTuple

from rookery.core.errors import RookeryError

SERVICES = ("git-upload-pack", "git-receive-pack", "git-upload-archive")
CAPABILITIES = ("option", "connect")


class NotUnderstood(RookeryError):
    """Git said something that is not in the protocol."""


class Say(NamedTuple):
    """Answer with this text."""

    text: str


class Serve(NamedTuple):
    """Start a service; once it is ready, answer with an empty line and let it talk."""

    service: str


class Stop(NamedTuple):
    """Nothing more will be asked."""


class Conversation:
    """One conversation; `verbosity` is what Git asked for (0 quiet, 1 normal)."""

    def __init__(self) -> None:
        self.verbosity = 1

    def hear(self, line: str) -> Say | Serve | Stop:
        """Give what to do about a line, which ends with a line break unless it is the last.

        Raises NotUnderstood.
        """
        command, _, argument = line.rstrip("\n").partition(" ")
        if not command:
            return Stop()
        if command == "capabilities":
            return Say("".join(f"{name}\n" for name in CAPABILITIES) + "\n")
        if command == "option":
            return Say(self._option(argument))
        if command == "connect":
            return Serve(argument) if argument in SERVICES else Say("fallback\n")
        raise NotUnderstood(
            f"Git asked a remote helper for '{line.strip()}', which it was not told that we can"
        )

    def _option(self, argument: str) -> str:
        name, _, value = argument.partition(" ")
        if name != "verbosity":
            return "unsupported\n"
        try:
            self.verbosity = int(value)
        except ValueError:
            return f"error '{value}' is no number\n"
        return "ok\n"
