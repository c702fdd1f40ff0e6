"""Messages for the person who runs a command: `logging`, loaded when there is a first one that anybody wants.

Loading it costs as much as a fifth of a short command (6 of 30 ms), and most commands have nothing to say.  As long
as nobody has loaded it, nobody can have asked for messages below WARNING, but for the face, which says so here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import logging

# As `logging` numbers them; TRACE is DataLad's.
CRITICAL, ERROR, WARNING, INFO, DEBUG, TRACE = 50, 40, 30, 20, 10, 5

# What a face wants to be done with `logging` once it is loaded, and from which level on it is needed for that.
_waiting: list[tuple[int, Callable[[], None]]] = []


def set_up(level: int, prepare: Callable[[], None]) -> None:
    """Have `prepare` called before the first message of `level` or above; at once if `logging` is there already."""
    _waiting[:] = [(level, prepare)]
    if "logging" in sys.modules:
        _prepare()


def _prepare() -> None:
    while _waiting:
        _waiting.pop()[1]()


class Log:
    """A named logger, with the methods of `logging.Logger` that we use."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def debug(self, message: str, *args: object, **more: Any) -> None:
        """Say what only helps to find a fault."""
        self.log(DEBUG, message, *args, **more)

    def info(self, message: str, *args: object, **more: Any) -> None:
        """Say what goes on."""
        self.log(INFO, message, *args, **more)

    def warning(self, message: str, *args: object, **more: Any) -> None:
        """Say what may not be as it was meant."""
        self.log(WARNING, message, *args, **more)

    def error(self, message: str, *args: object, **more: Any) -> None:
        """Say what failed."""
        self.log(ERROR, message, *args, **more)

    def exception(self, message: str, *args: object, **more: Any) -> None:
        """Say what failed, with the traceback of the exception at hand, or of the one given as `exc_info`."""
        self.log(ERROR, message, *args, **{"exc_info": True, **more})

    def log(self, level: int, message: str, *args: object, **more: Any) -> None:
        """Say something at a level."""
        logger = self.loaded(level)
        if logger is not None:
            logger.log(level, message, *args, stacklevel=3, **more)

    def loaded(self, level: int) -> logging.Logger | None:
        """Give the logger itself if a message of this level may be wanted by somebody; loads it for that."""
        if "logging" not in sys.modules and level < (_waiting[0][0] if _waiting else WARNING):
            return None
        import logging  # start-up: see above

        _prepare()
        return logging.getLogger(self.name)


def get_log(name: str) -> Log:
    """Give the logger of a name."""
    return Log(name)
