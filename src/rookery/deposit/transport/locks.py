"""Exactly one wins, where the far side can compare and swap one small object.

Two floors.  A `Cell` is what a kind of store must offer: read one small object
with a tag, replace it if its tag is still the same.  `Lease` makes of any cell
an `Exclusive`: acquire with a token and an expiry, refresh, release.

The protocol of `exchange` loses nothing without a lock.  A lock adds that of
two pushes at once one goes through, so clocks that disagree cost convenience,
never an update.
"""

from __future__ import annotations

import json
import os
from enum import Enum
from pathlib import Path
from typing import NamedTuple, Protocol

from rookery.core.errors import LockedError, RookeryError, UsageError

# Long enough for a round trip on a bad line, short enough to wait for after a crash; pushes refresh it.
LASTING = 120.0

# Numbers of a cell that stay when newer ones are there: who was asleep in between must not find its own free.
KEPT = 16


class LockLost(RookeryError):
    """A lock that we held is another's now: it had expired, and was taken over."""


class Policy(Enum):
    """What `dlalock=` says: a lock where there can be one, no push without, none at all."""

    AUTO = "auto"
    REQUIRE = "require"
    OFF = "off"


class Held(NamedTuple):
    """A lock in our hands until `expires`; `tag` is the cell's, for the next swap."""

    token: str
    expires: float
    tag: str


class Exclusive(Protocol):
    """A lock at the far side.  `now` is the caller's clock, `lasting` seconds the lock's life without refresh."""

    def acquire(self, token: str, *, now: float, lasting: float) -> Held | None:
        """Take the lock; None: another holds it, and it has not expired."""
        ...

    def refresh(self, held: Held, *, now: float, lasting: float) -> Held:
        """Live on.  Raises LockLost."""
        ...

    def release(self, held: Held) -> None:
        """Give it up; no failure if it was taken over meanwhile."""
        ...


class Cell(Protocol):
    """One small object that is replaced only if nobody else has done so."""

    def get(self) -> tuple[bytes, str] | None:
        """Give content and tag (an ETag, a number), None if it was never there.  Raises Unreadable."""
        ...

    def swap(self, content: bytes, *, tag: str | None) -> str | None:
        """Replace what has this tag (None: what is not there yet); give the new tag, None: somebody was faster."""
        ...


class Lease:
    """A lock made of a cell.  A stale one is broken by the same swap, so two who break it at once cannot both win."""

    def __init__(self, cell: Cell) -> None:
        self._cell = cell

    def acquire(self, token: str, *, now: float, lasting: float) -> Held | None:
        """Take the lock if it is free or has expired."""
        found = self._cell.get()
        if found is not None:
            holder, expires = _parse(found[0])
            if holder not in ("", token) and now < expires:
                return None
        tag = self._cell.swap(_build(token, now + lasting), tag=None if found is None else found[1])
        return None if tag is None else Held(token, now + lasting, tag)

    def refresh(self, held: Held, *, now: float, lasting: float) -> Held:
        """Put the expiry off."""
        tag = self._cell.swap(_build(held.token, now + lasting), tag=held.tag)
        if tag is None:
            raise LockLost(
                "the lock on the deposit was taken over by another push, because this one had not refreshed it in time",
                hints=["push again: nothing was changed"],
            )
        return Held(held.token, now + lasting, tag)

    def release(self, held: Held) -> None:
        """Leave the cell behind as free."""
        self._cell.swap(_build("", 0.0), tag=held.tag)


class FolderCell:
    """A cell in a folder (`type=directory`): one file for each value, numbered, of which the highest counts.

    A new value is made whole under another name and then linked to the next
    number, which only one can do.  That needs hard links; where the file system
    has none, the file is made with O_EXCL.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self) -> tuple[bytes, str] | None:
        """Give the newest value with its number."""
        while numbers := self._numbers():
            try:
                return (self._folder / str(numbers[-1])).read_bytes(), str(numbers[-1])
            except FileNotFoundError:
                continue  # cleared away since: so there is a newer one
        return None

    def swap(self, content: bytes, *, tag: str | None) -> str | None:
        """Make the next number, if it is still free and nobody is further."""
        mine = int(tag or 0) + 1
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self._create(self._folder / str(mine), content):
            return None
        numbers = self._numbers()
        if numbers[-1] != mine:  # we had slept so long that our number was cleared away before
            (self._folder / str(mine)).unlink(missing_ok=True)
            return None
        for old in numbers[:-KEPT]:
            (self._folder / str(old)).unlink(missing_ok=True)
        return str(mine)

    def _numbers(self) -> list[int]:
        try:
            return sorted(int(name) for name in os.listdir(self._folder) if name.isdecimal())
        except FileNotFoundError:
            return []

    def _create(self, path: Path, content: bytes) -> bool:
        draft = self._folder / f"draft-{os.getpid()}-{os.urandom(6).hex()}"
        try:
            draft.write_bytes(content)
            os.link(draft, path)
        except FileExistsError:
            return False
        except PermissionError:  # FAT and some network shares: no hard links
            return _create_exclusively(path, content)
        finally:
            draft.unlink(missing_ok=True)
        return True


def _create_exclusively(path: Path, content: bytes) -> bool:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    except FileExistsError:
        return False
    with open(handle, "wb") as out:
        out.write(content)
    return True


def _build(token: str, expires: float) -> bytes:
    return json.dumps({"expires": expires, "token": token}, sort_keys=True).encode() + b"\n"


def _parse(content: bytes) -> tuple[str, float]:
    """Read holder and expiry; what cannot be read (torn by a crash) is free: still only one can swap it."""
    try:
        read = json.loads(content)
        return str(read["token"]), float(read["expires"])
    except (ValueError, KeyError, TypeError):
        return "", 0.0


def take(
    lock: Exclusive | None, policy: Policy, token: str, *, now: float, lasting: float = LASTING
) -> Held | None:
    """Take the lock as the policy wants it; None: go on without one.  Raises LockedError, UsageError."""
    if policy is Policy.OFF:
        return None
    if lock is None:
        if policy is Policy.REQUIRE:
            raise UsageError(
                "dlalock=require: this kind of special remote offers no lock",
                hints=["use dlalock=auto: no update is lost, but two pushes at once may both be refused"],
            )
        return None
    held = lock.acquire(token, now=now, lasting=lasting)
    if held is None:
        raise LockedError(
            "another push to this deposit is going on",
            hints=["push again when it has ended; a lock left by a crash expires by itself within minutes"],
        )
    return held
