"""Serving: sockets first, so that the address is known and nobody is turned away; then the servers, until a signal."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from rookery.core.errors import RookeryError
from rookery.hub.admin import upkeep
from rookery.hub.app import make_app
from rookery.hub.opening import Opened
from rookery.hub.settings import Address

# How long requests that are under way may take to end when the hub is stopped.
PATIENCE_SECONDS = 30


class CannotListen(RookeryError):
    """An address cannot be listened at."""


def listen(address: Address) -> socket.socket:
    """Listen at an address; connections wait until somebody serves.  Raises CannotListen."""
    try:
        return socket.create_server(
            address,
            family=socket.AF_INET6 if ":" in address.host else socket.AF_INET,
            backlog=512,
            reuse_port=False,
        )
    except OSError as e:
        raise CannotListen(
            f"cannot listen at {address}: {e.strerror or e}", hints=["choose another one: --http HOST:PORT"]
        ) from e


class _Server(uvicorn.Server):
    """Uvicorn, but the signals are ours."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


async def _tidy_for_ever(opened: Opened) -> None:
    while True:
        await asyncio.sleep(upkeep.EVERY_SECONDS)
        await asyncio.to_thread(upkeep.tidy, opened)


def serve(opened: Opened, http: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT; requests that are under way end first."""
    config = uvicorn.Config(
        make_app(opened.hub, opened.settings),
        http="httptools",
        loop="uvloop",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=PATIENCE_SECONDS,
        backlog=512,
    )
    server = _Server(config)

    async def until_stopped() -> None:
        loop = asyncio.get_running_loop()

        def stop() -> None:
            server.should_exit = True

        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, stop)
        tidying = asyncio.create_task(_tidy_for_ever(opened))
        await server.serve([http])
        tidying.cancel()

    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(until_stopped())
