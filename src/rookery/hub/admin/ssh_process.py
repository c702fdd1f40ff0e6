"""The SSH server's process: encryption would hold up the event loop of the web.

`admin/child.py` starts it, with the socket that it listens at.
"""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection

from rookery.hub.opening import open_hub
from rookery.hub.services.hub import Hub
from rookery.hub.settings import Settings
from rookery.hub.ssh.hostkeys import host_keys
from rookery.hub.ssh.server import SshServer

# How long what is under way may take to end when the hub is stopped.
PATIENCE_SECONDS = 30


def run(
    settings: Settings,
    env: Mapping[str, str],
    clock: Callable[[], float],
    sock: socket.socket,
    lifeline: Connection,
) -> None:
    """Serve SSH until the other end of the lifeline is closed, or SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the process that started us says what to do
    opened = open_hub(settings, env, clock)
    asyncio.run(_serve(opened.hub, settings, sock, lifeline))


async def _serve(hub: Hub, settings: Settings, sock: socket.socket, lifeline: Connection) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(lifeline.fileno(), stop.set)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = SshServer(hub, host_keys(settings.ssh_keys))
    await server.start(sock)
    await stop.wait()
    loop.remove_reader(lifeline.fileno())
    await server.stop(patience_seconds=PATIENCE_SECONDS)
