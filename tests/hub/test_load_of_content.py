"""Fifty clients at once, with content and with Git: no error, no byte lost, and the server's memory stays bounded."""

from __future__ import annotations

import random
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.annex.p2p import several
from support.home import Home
from support.hubs import serving
from support.p2p import P2p, key_of
from support.programs import Program

CLIENTS, SECONDS = 50, 240
WITH_GIT = 10  # of them; the others bring and get content, alone and several in a request
PATIENCE = 300
MOST_MEMORY = 700 << 20  # of the server: 50 uploads have two blocks of 1 MiB each in flight, at most


class Client(threading.Thread):
    """Does something again and again; remembers what did not come back as it was."""

    def __init__(self, number: int, until: float) -> None:
        super().__init__(daemon=True)
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
        raise NotImplementedError


class ContentClient(Client):
    """Stores contents, gets them again, drops some."""

    def __init__(self, annex: P2p, number: int, until: float) -> None:
        super().__init__(number, until)
        self.annex = annex

    def _once(self) -> None:
        if self.chance.random() < 0.2:
            self._several()
        data = self.chance.randbytes(self.chance.choice([10, 1_000, 100_000, 4_000_000]))
        key = key_of(data)
        if not self.annex.stored(key, data):
            self.wrong.append(f"{key} was not stored")
        half = len(data) // 2
        if self.annex.get(key, offset=half).body != data[half:]:
            self.wrong.append(f"{key} did not come back")
        if self.chance.random() < 0.3 and not self.annex.told("remove", key=key)["removed"]:
            self.wrong.append(f"{key} was not dropped")

    def _several(self) -> None:
        contents = {key_of(data): data for data in (self.chance.randbytes(2_000) for _ in range(50))}
        told = self.annex.ask("POST", several.PUT, several.packed(contents.items())).body
        if set(several.keys_of(told)) != contents.keys():
            self.wrong.append("several were not all stored")
        came = self.annex.ask("POST", several.GET, several.listed(contents)).body
        if dict(several.unpacked(came)) != contents:
            self.wrong.append("several did not come back")


class GitClient(Client):
    """Pushes commits to a repository of its own, and clones it."""

    def __init__(self, url: str, folder: Path, git: Program, number: int, until: float) -> None:
        super().__init__(number, until)
        self.url, self.folder, self.git = url, folder, git
        git("init", "-q", "-b", "main", folder / "here", timeout=PATIENCE)

    def _once(self) -> None:
        here, again = self.folder / "here", self.folder / "again"
        data = self.chance.randbytes(self.chance.choice([1_000, 300_000]))
        (here / "file").write_bytes(data)
        self.git("add", ".", cwd=here, timeout=PATIENCE)
        self.git("commit", "-qm", f"{self.done}", cwd=here, timeout=PATIENCE)
        self.git("push", "-q", self.url, "main", cwd=here, timeout=PATIENCE)
        self.git("clone", "-q", self.url, again, timeout=PATIENCE)
        if (again / "file").read_bytes() != data:
            self.wrong.append(f"{self.url} did not come back")
        shutil.rmtree(again)


@pytest.mark.campaign
@pytest.mark.timeout(SECONDS + 900)
def test_fifty_clients_at_once(
    home: Home, git: Program, tmp_path: Path, new_database: Callable[[], str]
) -> None:
    env = home.env
    with serving(tmp_path / "hub", env, database=new_database()) as server:
        token = server.add_user("ada")
        server.api("POST", "user/repos", {"name": "data"}, 201, token=token)
        config = server.ask("GET", "ada/data/config", token=token).body.decode()
        uuid = config.partition("uuid = ")[2].split()[0]
        annex = P2p(server.url, uuid, {"Authorization": f"token {token}"})
        until = time.monotonic() + SECONDS
        clients: list[Client] = []
        for number in range(WITH_GIT):
            name, folder = f"history{number}", tmp_path / f"client{number}"
            server.api("POST", "user/repos", {"name": name}, 201, token=token)
            folder.mkdir()
            clients.append(GitClient(server.at("ada", token, f"ada/{name}"), folder, git, number, until))
        clients += [ContentClient(annex, number, until) for number in range(WITH_GIT, CLIENTS)]
        for client in clients:
            client.start()
        for client in clients:
            client.join(SECONDS + PATIENCE)
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
        server.run("fsck")  # ends with 0 only if nothing is bad
