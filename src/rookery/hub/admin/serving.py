"""Serving: sockets first, so that the address is known and nobody is turned away; then the servers, until a signal."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

import uvicorn
from sqlalchemy.exc import SQLAlchemyError

from rookery.core.errors import RookeryError
from rookery.core.log import get_log
from rookery.hub.admin import upkeep
from rookery.hub.admin.prompt_http import PromptHttp
from rookery.hub.admin.ssh_process import PATIENCE_SECONDS, SshProcess
from rookery.hub.app import make_app
from rookery.hub.opening import Opened
from rookery.hub.settings import Address, Settings

log = get_log("rookery.hub")

# So many messages of webhooks are on their way at the same time.
SENDERS = 4
SENDERS_LOOK_SECONDS = 2.0


class CannotListen(RookeryError):
    """An address cannot be listened at."""


def listen(address: Address, flag: str) -> socket.socket:
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
            f"cannot listen at {address}: {e.strerror or e}", hints=[f"choose another one: {flag} HOST:PORT"]
        ) from e


@contextmanager
def listening(settings: Settings) -> Iterator[tuple[Settings, socket.socket, socket.socket | None]]:
    """Listen for HTTP, and for SSH if it is wanted; the settings that come back have the ports that were given."""
    with ExitStack() as open_ones:
        http = open_ones.enter_context(listen(settings.http, "--http"))
        settings = settings._replace(http=settings.http._replace(port=http.getsockname()[1]))
        if settings.ssh is None:
            yield settings, http, None
            return
        ssh = open_ones.enter_context(listen(settings.ssh, "--ssh"))
        yield settings._replace(ssh=settings.ssh._replace(port=ssh.getsockname()[1])), http, ssh


@contextmanager
def beside(
    opened: Opened, ssh: socket.socket | None, env: Mapping[str, str], clock: Callable[[], float]
) -> Iterator[None]:
    """Serve SSH for the length of the block, in a process of its own, if there is a socket for it."""
    if ssh is None:
        yield
        return
    with SshProcess(opened.settings, env, clock, ssh):
        yield


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


def serve(opened: Opened, http: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT; requests that are under way end first."""
    config = uvicorn.Config(
        make_app(opened.hub, opened.settings),
        http=PromptHttp,
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
        beside = [asyncio.create_task(task(opened)) for task in (_tidy_for_ever, _read_for_ever)]
        beside += [asyncio.create_task(_send_for_ever(opened)) for _ in range(SENDERS)]
        await server.serve([http])
        for task in beside:
            task.cancel()

    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
        runner.run(until_stopped())
