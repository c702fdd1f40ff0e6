"""Our remote helper, watched from inside: what it opens and starts, and dying at the nth thing it does in a place.

WATCH_STARTED names a file that gets the programs which are started, with their first argument.
WATCH_PLACE names the folder; WATCH_OPENED a file that gets the names, WATCH_KILL the moment to die at,
WATCH_COUNT a file that gets the number of moments.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

EVENTS = {"os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "shutil.copyfile"}


def watch(place: str) -> None:
    """Look at everything that this process does below a folder."""
    opened, count = os.environ.get("WATCH_OPENED"), os.environ.get("WATCH_COUNT")
    limit = int(os.environ.get("WATCH_KILL", "0"))
    seen = 0

    def step(event: str, args: tuple[Any, ...]) -> None:
        nonlocal seen
        if event == "open" and opened and str(args[0]).startswith(place):
            with open(opened, "a") as out:
                out.write(f"{args[0]}\n")
        writes = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
        if not (writes or event in EVENTS) or not any(str(arg).startswith(place) for arg in args):
            return
        seen += 1
        if count:
            with open(count, "w") as out:
                out.write(str(seen))
        if seen == limit:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(step)


def note_starts(file: str) -> None:
    """Write down every program that this process starts."""

    def started(event: str, args: tuple[Any, ...]) -> None:
        if event == "subprocess.Popen":
            with open(file, "a") as out:
                out.write(" ".join(map(os.fsdecode, args[1][:2])) + "\n")

    sys.addaudithook(started)


if __name__ == "__main__":
    sys.path.pop(0)  # this folder is none of the program's
    if os.environ.get("WATCH_STARTED"):
        note_starts(os.environ["WATCH_STARTED"])
    if os.environ.get("WATCH_PLACE"):
        watch(os.environ["WATCH_PLACE"])
    from rookery.cli.remote_helper import main

    main()
