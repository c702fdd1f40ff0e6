"""Keys that are coming or going, noted before: if we are killed, the next one tells the log which are here."""

from __future__ import annotations

import fcntl
import itertools
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rookery.annex import identity
from rookery.annex.nearby.knowledge import arrived
from rookery.annex.outcome import Clock
from rookery.core import files
from rookery.core.process import decode, encode
from rookery.git.repo import Repo

_serial = itertools.count()

_PREFIX = "arrivals-"
_DRAFT = "arriving-"


@contextmanager
def noted(repo: Repo, keys: Iterable[str]) -> Iterator[None]:
    """Keep a note of keys for the block, which stays behind if it ends with an error or not at all."""
    folder = _folder(repo)
    files.make_folder(folder)
    name = f"{os.getpid()}-{time.monotonic_ns()}-{next(_serial)}"
    draft = folder / f"{_DRAFT}{name}"
    note = folder / f"{_PREFIX}{name}"
    with open(draft, "wb") as out:
        fcntl.flock(out, fcntl.LOCK_EX)  # before it has its name: a note without a lock has no owner
        out.write(b"\n".join(map(encode, keys)))
        out.flush()
        os.replace(draft, note)
        yield
        note.unlink(missing_ok=True)


def settle(repo: Repo, *, clock: Clock) -> None:
    """Tell the log what is here of the notes that killed ones have left; no process if there are none."""
    try:
        names = os.listdir(_folder(repo))
    except FileNotFoundError:
        return
    for name in names:
        if name.startswith(_DRAFT) and not _alive(name):
            (_folder(repo) / name).unlink(missing_ok=True)
        elif name.startswith(_PREFIX):
            _settle_one(repo, _folder(repo) / name, clock)


def _settle_one(repo: Repo, note: Path, clock: Clock) -> None:
    try:
        with open(note, "rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            keys = [decode(line) for line in held.read().split(b"\n") if line]
            here = identity.uuid(repo)
            if here is not None:
                arrived([repo], repo, here, keys, clock=clock)
            note.unlink(missing_ok=True)
    except (FileNotFoundError, BlockingIOError):
        return  # settled by somebody else, or its owner is at work


def _alive(name: str) -> bool:
    try:
        os.kill(int(name.split("-")[1]), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, ValueError):
        return True
    return True


def _folder(repo: Repo) -> Path:
    return repo.commondir / "rookery"
