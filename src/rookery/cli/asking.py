"""Asking a person, on the terminal itself: standard input may be a pipe of Git's or of the person's own."""

from __future__ import annotations

TERMINAL = "/dev/tty"


def ask(question: str, hidden: bool) -> str | None:
    """Ask, and give the answer; None without a terminal, or if the person ends the input."""
    import getpass  # start-up: hardly any command asks

    try:
        # one handle to write and one to read: a terminal cannot be sought, which Python's "r+" wants
        with open(TERMINAL, "w") as out, open(TERMINAL) as answer:
            if hidden:
                return getpass.getpass(f"{question}: ", stream=out)
            out.write(f"{question}: ")
            out.flush()
            return answer.readline().rstrip("\n") or None
    except (OSError, EOFError):
        return None
