"""The HTTP server: uvicorn at a socket, until a signal."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

import uvicorn
from sqlalchemy.exc import SQLAlchemyError

from rookery.core.log import get_log
from rookery.hub.admin import upkeep
from rookery.hub.admin.prompt_http import PromptHttp
from rookery.hub.admin.ssh_process import PATIENCE_SECONDS
from rookery.hub.app import make_app
from rookery.hub.opening import Opened

log = get_log("rookery.hub")

# So many messages of webhooks are on their way at the same time.
SENDERS = 4
SENDERS_LOOK_SECONDS = 2.0


class _Server(uvicorn.Server):
    """Uvicorn, but the signals are ours."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


async def _tidy_for_ever(opened: Opened) -> None:
    await asyncio.to_thread(opened.hub.merging.settle_all)
    while True:
        await asyncio.sleep(upkeep.EVERY_SECONDS)
        await asyncio.to_thread(upkeep.tidy, opened)


async def _send_for_ever(opened: Opened) -> None:
    """Send what webhooks are to be told; several of these keep a slow receiver from holding up the others."""
    while True:
        try:
            await asyncio.to_thread(opened.hub.webhooks.send_due)
        except SQLAlchemyError as e:  # the database went away, or was busy: the message is still there
            log.warning("messages of webhooks could not be looked at: %s", e)
        await asyncio.sleep(SENDERS_LOOK_SECONDS)


async def _read_for_ever(opened: Opened) -> None:
    while True:
        # One at a time, so that the hub stops soon when it is told to.
        if not await asyncio.to_thread(upkeep.read_for_search, opened):
            await asyncio.sleep(upkeep.SEARCH_SECONDS)


def serve(opened: Opened, http: socket.socket, *, lifeline: Connection | None = None) -> None:
    """Serve until SIGTERM or SIGINT, or until the other end of a lifeline is closed; requests under way end first.

    Who has no lifeline is the first of all workers, and looks after the hub too.
    """
    config = uvicorn.Config(
        make_app(opened.hub, opened.settings),
        http=PromptHttp,
        ws="none",  # nothing here speaks WebSocket: such a request gets what any other one gets
        loop="uvloop",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=bool(opened.settings.proxies),
        forwarded_allow_ips=opened.settings.proxies,  # else uvicorn takes them from the environment
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
        if lifeline is not None:
            loop.add_reader(lifeline.fileno(), stop)
            await server.serve([http])
            return
        beside = [asyncio.create_task(task(opened)) for task in (_tidy_for_ever, _read_for_ever)]
        beside += [asyncio.create_task(_send_for_ever(opened)) for _ in range(SENDERS)]
        await server.serve([http])
        for task in beside:
            task.cancel()

    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(until_stopped())
