"""The SSH server's process: encryption would hold up the event loop of the web.

It has the socket from the process that starts it, is started again should it
fail, and ends when that process does, however that comes about.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
import socket
import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from types import TracebackType

from rookery.core.log import get_log
from rookery.hub.opening import open_hub
from rookery.hub.services.hub import Hub
from rookery.hub.settings import Settings
from rookery.hub.ssh.hostkeys import host_keys
from rookery.hub.ssh.server import SshServer

log = get_log("rookery.hub.ssh")

# How long what is under way may take to end when the hub is stopped.
PATIENCE_SECONDS = 30

_AGAIN_SECONDS = 1.0


class SshProcess:
    """Runs for the length of a `with` block; the host keys are made before it begins."""

    def __init__(
        self, settings: Settings, env: Mapping[str, str], clock: Callable[[], float], sock: socket.socket
    ) -> None:
        self._told = (settings, dict(env), clock, sock)
        self._spawn = multiprocessing.get_context("spawn")  # a fork would take threads' locks along
        self._heard, self._line = self._spawn.Pipe(duplex=False)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        host_keys(settings.ssh_keys)

    def __enter__(self) -> SshProcess:
        self._thread.start()
        return self

    def _watch(self) -> None:
        while True:
            process = self._spawn.Process(target=run, args=(*self._told, self._heard))
            process.start()
            while process.is_alive() and not self._stopping.is_set():
                process.join(_AGAIN_SECONDS)
            if self._stopping.is_set():
                break
            log.error("the SSH server ended with %s; it is started again", process.exitcode)
            if self._stopping.wait(_AGAIN_SECONDS):
                return
        process.join(PATIENCE_SECONDS + 5)
        if process.is_alive():
            process.kill()
            process.join()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._line.close()
        self._thread.join()
        self._heard.close()


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
