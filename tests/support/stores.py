"""Stores in memory for tests of deposits, and wrappers that let them fail, tear and die."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rookery.core.errors import RookeryError
from rookery.deposit.terms.store import Store, Unreadable, Unwritable


class Died(BaseException):
    """The process is gone: nothing below catches it."""


class MemoryStore:
    """Objects in a dictionary; counts requests, and bytes in both directions."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.log: list[tuple[str, tuple[str, ...]]] = []
        self.sent = 0
        self.received = 0
        self._lock = threading.Lock()

    def read(self, names: Sequence[str]) -> Mapping[str, bytes | None]:
        with self._lock:
            self.log.append(("read", tuple(names)))
            got = {name: self.objects.get(name) for name in names}
            self.received += sum(len(raw) for raw in got.values() if raw)
            return got

    def fetch(self, name: str, into: Path) -> bool:
        with self._lock:
            self.log.append(("fetch", (name,)))
            raw = self.objects.get(name)
            if raw is not None:
                into.write_bytes(raw)
                self.received += len(raw)
            return raw is not None

    def write(self, name: str, content: bytes | Path) -> None:
        raw = content if isinstance(content, bytes) else content.read_bytes()
        with self._lock:
            self.log.append(("write", (name,)))
            self.objects[name] = raw
            self.sent += len(raw)

    def present(self, names: Sequence[str]) -> Mapping[str, bool]:
        with self._lock:
            self.log.append(("present", tuple(names)))
            return {name: name in self.objects for name in names}

    def remove(self, names: Sequence[str]) -> None:
        with self._lock:
            self.log.append(("remove", tuple(names)))
            for name in names:
                self.objects.pop(name, None)


class Troubled:
    """A store whose n-th request (from 1) meets `trouble`: a function of the store, the kind, the arguments.

    `trouble` returns after damage is done, or raises.  All other requests go through.
    """

    def __init__(self, inner: Store, at: int, trouble: Callable[..., None]) -> None:
        self._inner = inner
        self._at = at
        self._trouble = trouble
        self.requests = 0

    def _count(self, kind: str, *arguments: object) -> None:
        self.requests += 1
        if self.requests == self._at:
            self._trouble(self._inner, kind, *arguments)

    def read(self, names: Sequence[str]) -> Mapping[str, bytes | None]:
        self._count("read", names)
        return self._inner.read(names)

    def fetch(self, name: str, into: Path) -> bool:
        self._count("fetch", name, into)
        return self._inner.fetch(name, into)

    def write(self, name: str, content: bytes | Path) -> None:
        self._count("write", name, content)
        self._inner.write(name, content)

    def present(self, names: Sequence[str]) -> Mapping[str, bool]:
        self._count("present", names)
        return self._inner.present(names)

    def remove(self, names: Sequence[str]) -> None:
        self._count("remove", names)
        self._inner.remove(names)


def fails(store: Store, kind: str, *_: object) -> None:
    """Be out of reach once."""
    trouble: type[RookeryError] = Unwritable if kind in ("write", "remove") else Unreadable
    raise trouble(f"the {kind} was to fail")


def dies_before(store: Store, kind: str, *_: object) -> None:
    """End the process before the request has gone out."""
    raise Died(kind)


def dies_after(store: Store, kind: str, *arguments: object) -> None:
    """End the process when the far side has done it, before its answer is here."""
    getattr(store, kind)(*arguments)
    raise Died(kind)


def dies_tearing(store: Store, kind: str, *arguments: object) -> None:
    """End the process in the middle of a write: half of the content is there, under its name."""
    if kind == "write":
        name, content = arguments
        assert isinstance(name, str) and isinstance(content, bytes | Path)
        raw = content if isinstance(content, bytes) else content.read_bytes()
        store.write(name, raw[: len(raw) // 2])
    raise Died(kind)
