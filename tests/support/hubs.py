"""A hub for tests: opened in this process, or served in one of its own."""

from __future__ import annotations

import functools
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

from rookery.hub.app import Opened, open_hub
from rookery.hub.domain.access import Actor, Means, Visibility
from rookery.hub.domain.names import OwnerName
from rookery.hub.domain.records import Account, Repository
from rookery.hub.settings import read_settings
from rookery.hub.storage.database import SqlDatabase

PASSWORD = "correct horse"


class Clock:
    """A clock that stands until it is told to go on."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def go(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


class HubInside(NamedTuple):
    """A hub in this process, and short ways to people and repositories."""

    opened: Opened
    clock: Clock

    def person(self, name: str, *, admin: bool = False, password: str | None = None) -> Actor:
        """Make an account (or find it), and give it as one that came with a password; hashing one takes long."""
        hub = self.opened.hub
        with self.opened.database.reading() as work:
            found: Account | None = work.accounts.by_name(name)
        stranger = hub.identity.stranger("127.0.0.1")
        made = found or hub.accounts.add(stranger, name, f"{name}@example.org", password, admin=admin)
        return Actor(made.id, made.name, made.admin, Means(), "password", address="127.0.0.1")

    def repository(
        self, owner: Actor, name: str = "data", visibility: Visibility = Visibility.PRIVATE
    ) -> Repository:
        """Make a repository."""
        return self.opened.hub.repositories.create(owner, OwnerName(owner.name), name, visibility=visibility)


@functools.cache
def _template() -> bytes:
    """Give an empty database, made once: migrations take half a second."""
    with tempfile.TemporaryDirectory() as name:
        database = SqlDatabase(f"sqlite:///{name}/hub.sqlite3", Clock())
        database.migrate()
        database.close()
        return (Path(name) / "hub.sqlite3").read_bytes()


def make_hub_inside(folder: Path, **settings: str) -> HubInside:
    """Open a hub in a folder, on a clock that stands; the database is where the tests say."""
    clock = Clock()
    if not folder.exists():
        folder.mkdir()
        (folder / "hub.sqlite3").write_bytes(_template())
    env = {"PATH": os.environ["PATH"], **settings}
    if url := os.environ.get("ROOKERY_TEST_DATABASE"):
        env["ROOKERY_HUB_DATABASE"] = url
    return HubInside(open_hub(read_settings(folder, env), env, clock), clock)
