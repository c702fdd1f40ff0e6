"""A push as it comes in: pieces go into Git by one thread, what Git says is kept by another."""

from __future__ import annotations

import queue
import threading

from rookery.core.process import Stream
from rookery.hub.services.history import Conversation

# So many pieces may wait for Git; a client that is faster waits too.
_WAITING = 16
_LOOK_AGAIN_SECONDS = 0.2


class Push:
    """One push; all methods wait, call them from threads.

    If the pieces end before the pack does, Git takes none of it: a client that
    goes away changes nothing.
    """

    def __init__(self, talk: Conversation) -> None:
        self._talk = talk
        self._pieces: queue.Queue[bytes | None] = queue.Queue(_WAITING)
        self._said: list[bytes] = []
        self._failure: BaseException | None = None
        self._stream: Stream | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            with self._talk.run(iter(self._pieces.get, None)) as stream:
                self._stream = stream
                self._said.extend(stream.chunks())
        except BaseException as e:  # noqa: BLE001 - handed to the thread that waits for us
            self._failure = e

    def feed(self, piece: bytes | None) -> None:
        """Hand over the next piece; lost if Git has ended, which its answer will explain."""
        while self._thread.is_alive():
            try:
                self._pieces.put(piece, timeout=_LOOK_AGAIN_SECONDS)
                return
            except queue.Full:
                continue  # Git works on what it has, or has ended

    def stop(self) -> None:
        """End Git now."""
        if self._stream is not None:
            self._stream.stop()

    def finish(self) -> bytes:
        """Give Git's answer to all that came."""
        self.feed(None)
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return b"".join(self._said)
