"""One more process that serves HTTP, at the socket that all of them have: one process uses one processor.

`admin/child.py` starts it.  What they must agree on is in the database.
"""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection

from rookery.hub.admin.http_server import serve
from rookery.hub.opening import open_hub
from rookery.hub.settings import Settings


def run(
    settings: Settings,
    env: Mapping[str, str],
    clock: Callable[[], float],
    sock: socket.socket,
    lifeline: Connection,
) -> None:
    """Serve HTTP until the other end of the lifeline is closed, or SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the process that started us says what to do
    serve(open_hub(settings, env, clock), sock, lifeline=lifeline)
