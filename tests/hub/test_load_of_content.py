"""Fifty clients at once: no error, no byte lost, and the server's memory stays bounded."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.home import make_home
from support.hubs import serving
from support.p2p import P2p, key_of

CLIENTS, SECONDS = 50, 90
MOST_MEMORY = 700 << 20  # of the server: 50 uploads have two blocks of 1 MiB each in flight, at most


class Client(threading.Thread):
    """Stores contents, gets them again, drops some; remembers what did not come back as it was."""

    def __init__(self, annex: P2p, number: int, until: float) -> None:
        super().__init__(daemon=True)
        self.annex = annex
        self.chance = random.Random(number)
        self.until = until
        self.done = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        """Work until it is time."""
        try:
            while time.monotonic() < self.until:
                self._once()
                self.done += 1
        except Exception as e:  # noqa: BLE001 - for the thread that waits for us
            self.wrong.append(repr(e))

    def _once(self) -> None:
        data = self.chance.randbytes(self.chance.choice([10, 1_000, 100_000, 4_000_000]))
        key = key_of(data)
        if not self.annex.stored(key, data):
            self.wrong.append(f"{key} was not stored")
        half = len(data) // 2
        if self.annex.get(key, offset=half).body != data[half:]:
            self.wrong.append(f"{key} did not come back")
        if self.chance.random() < 0.3 and not self.annex.told("remove", key=key)["removed"]:
            self.wrong.append(f"{key} was not dropped")


@pytest.mark.campaign
def test_fifty_clients_at_once(tmp_path: Path, new_database: Callable[[], str]) -> None:
    env = make_home(tmp_path / "home", os.environ).env
    with serving(tmp_path / "hub", env, database=new_database()) as server:
        token = server.add_user("ada")
        server.api("POST", "user/repos", {"name": "data"}, 201, token=token)
        config = server.ask("GET", "ada/data/config", token=token).body.decode()
        uuid = config.partition("uuid = ")[2].split()[0]
        annex = P2p(server.url, uuid, {"Authorization": f"token {token}"})
        until = time.monotonic() + SECONDS
        clients = [Client(annex, number, until) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join(SECONDS + 120)
        assert [wrong for client in clients for wrong in client.wrong] == []
        assert all(client.done for client in clients)
        assert server.process is not None
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        peak = int(status.partition("VmHWM:")[2].split()[0]) << 10
        done = sum(client.done for client in clients)
        assert peak < MOST_MEMORY, f"{peak >> 20} MiB for {done} contents"
        with server.beside() as inside, inside.opened.database.reading() as work:
            where = work.repositories.by_uuid(uuid)
            assert where is not None
            for row in work.contents.keys(where.id, limit=1_000_000):
                assert inside.opened.objects.verified(where.id, row.key)
