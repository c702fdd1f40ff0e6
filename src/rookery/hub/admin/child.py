"""Processes beside the one that was started: for SSH, and for more HTTP than one can serve.

Each has its socket from the process that starts it, is started again should it
fail, and ends when that process does, however that comes about.
"""

from __future__ import annotations

import multiprocessing
import socket
import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from types import TracebackType

from rookery.core.log import get_log
from rookery.hub.settings import Settings

log = get_log("rookery.hub")

_AGAIN_SECONDS = 1.0

# What a child does with what it is told: the settings, the environment, the clock, its socket, its lifeline.
Run = Callable[[Settings, Mapping[str, str], Callable[[], float], socket.socket, Connection], None]


class Child:
    """Runs for the length of a `with` block; may take `patience` seconds to end."""

    def __init__(
        self,
        what: str,
        run: Run,
        settings: Settings,
        env: Mapping[str, str],
        clock: Callable[[], float],
        sock: socket.socket,
        *,
        patience: float,
    ) -> None:
        self._what = what
        self._run = run
        self._told = (settings, dict(env), clock, sock)
        self._patience = patience
        self._spawn = multiprocessing.get_context("spawn")  # a fork would take threads' locks along
        self._heard, self._line = self._spawn.Pipe(duplex=False)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Child:
        self._thread.start()
        return self

    def _watch(self) -> None:
        while True:
            process = self._spawn.Process(target=self._run, args=(*self._told, self._heard))
            process.start()
            while process.is_alive() and not self._stopping.is_set():
                process.join(_AGAIN_SECONDS)
            if self._stopping.is_set():
                break
            log.error("the %s ended with %s; it is started again", self._what, process.exitcode)
            if self._stopping.wait(_AGAIN_SECONDS):
                return
        process.join(self._patience)
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
