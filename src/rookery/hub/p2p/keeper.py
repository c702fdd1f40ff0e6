"""Keep a lock from expiring while the one who took it is connected."""

from __future__ import annotations

import threading

from rookery.hub.services.contents import ContentService


class Keeper:
    """At most one lock at a time, as the protocol has it; renewed by a thread while it is kept."""

    def __init__(self, contents: ContentService, renew_seconds: float) -> None:
        self._contents = contents
        self._seconds = renew_seconds
        self._lock: str | None = None
        self._ended = threading.Event()

    def keep(self, lock: str) -> None:
        """Keep a lock, instead of the one before."""
        self.forget()
        self._lock, self._ended = lock, threading.Event()
        threading.Thread(target=self._renew, args=(lock, self._ended), daemon=True).start()

    def _renew(self, lock: str, ended: threading.Event) -> None:
        while not ended.wait(self._seconds):
            if not self._contents.keep(lock):
                return

    def release(self) -> None:
        """End the lock that is kept, if one is."""
        lock = self._lock
        self.forget()
        if lock is not None:
            self._contents.unlock(lock)

    def forget(self) -> None:
        """Keep it no longer; it lasts until it expires."""
        self._ended.set()
        self._lock = None
