"""Serving: sockets first, so that the address is known and nobody is turned away; then processes beside this one."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from rookery.core.errors import RookeryError
from rookery.hub.admin import http_process, ssh_process
from rookery.hub.admin.child import Child
from rookery.hub.admin.ssh_process import PATIENCE_SECONDS
from rookery.hub.opening import Opened
from rookery.hub.settings import Address, Settings
from rookery.hub.ssh.hostkeys import host_keys


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
    opened: Opened,
    http: socket.socket,
    ssh: socket.socket | None,
    env: Mapping[str, str],
    clock: Callable[[], float],
    *,
    workers: int,
) -> Iterator[None]:
    """Serve in other processes for the length of the block: SSH, if there is a socket; HTTP in all workers but one."""
    children = [("worker", http_process.run, http)] * (workers - 1)
    if ssh is not None:
        host_keys(opened.settings.ssh_keys)  # made before anybody is told that the server is there
        children.append(("SSH server", ssh_process.run, ssh))
    with ExitStack() as running:
        for what, run, sock in children:
            child = Child(what, run, opened.settings, env, clock, sock, patience=PATIENCE_SECONDS + 5)
            running.enter_context(child)
        yield
