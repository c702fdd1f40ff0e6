"""Servers and clients that are killed in mid-transfer: what was acknowledged is there, what is served is whole."""

from __future__ import annotations

import hashlib
import http.client
import os
import random
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from rookery.hub.domain.access import Actor
from support.cutting import Cutting
from support.home import Home, make_home
from support.hubs import HubServer, serving
from support.p2p import P2p, key_of
from support.programs import Program

BIG = 3_000_000


def annex_of(server: HubServer, token: str, name: str) -> P2p:
    """Make a repository, and give its annex as its owner asks it."""
    server.api("POST", "user/repos", {"name": name, "private": True}, 201, token=token)
    config = server.ask("GET", f"ada/{name}/config", token=token).body.decode()
    uuid = re.findall(r"uuid = (\S+)", config)[0]
    return P2p(server.url, uuid, {"Authorization": f"token {token}"})


class Uploader(threading.Thread):
    """Uploads one content after another, going on where it was stopped, and remembers what was acknowledged."""

    def __init__(self, annex: P2p, seed: int, ended: threading.Event) -> None:
        super().__init__(daemon=True)
        self.annex = annex
        self.random = random.Random(seed)
        self.ended = ended
        self.stored: dict[str, bytes] = {}
        self.resumed = 0

    def run(self) -> None:
        """Upload until told to end."""
        while not self.ended.is_set():
            data = self.random.randbytes(self.random.choice([100, 5_000, BIG]))
            while not self.ended.is_set():
                try:
                    if self._put(key_of(data), data):
                        self.stored[key_of(data)] = data
                        break
                except (OSError, http.client.HTTPException):
                    time.sleep(0.05)  # the server is being killed and started again

    def _put(self, key: str, data: bytes) -> bool:
        told = self.annex.told("putoffset", key=key)
        offset = told.get("offset", 0)
        self.resumed += offset > 0
        if told.get("alreadyhave"):
            return True
        # 409: the upload of the killed connection is still being ended by a server that was not killed
        reply = self.annex.put(key, data[offset:], offset=offset)
        return reply.status == 200 and b'"stored":true' in reply.body


def kill_again_and_again(server: HubServer, annex: P2p, times: int, seed: int) -> list[Uploader]:
    """Kill a server at moments of chance while three clients upload; give them back when all is over."""
    chance, ended = random.Random(seed), threading.Event()
    uploaders = [Uploader(annex, seed + number, ended) for number in range(3)]
    for one in uploaders:
        one.start()
    for _ in range(times):
        time.sleep(chance.uniform(0.1, 0.8))
        server.kill()
        server.start()
    ended.set()
    for one in uploaders:
        one.join(60)
        assert not one.is_alive()
    return uploaders


def check_all(server: HubServer, annex: P2p, uploaders: list[Uploader]) -> None:
    """Get all that was acknowledged, and hash again all that the server has."""
    stored = {key: data for one in uploaders for key, data in one.stored.items()}
    assert stored
    for key, data in stored.items():
        assert annex.get(key).body == data
    with server.beside() as inside:
        contents, objects = inside.opened.hub.contents, inside.opened.objects
        with inside.opened.database.reading() as work:
            where = work.repositories.by_uuid(annex.uuid)
            assert where is not None
            claimed = {row.key for row in work.contents.keys(where.id, limit=1_000_000)}
        assert stored.keys() <= claimed
        ada: Actor = inside.person("ada")
        for key in claimed:
            assert objects.verified(where.id, key), f"{key} is not what it should be"
            assert contents.present(ada, where.id, key)


@pytest.fixture
def server(tmp_path: Path, new_database: Callable[[], str]) -> Iterator[HubServer]:
    env = make_home(tmp_path / "server-home", os.environ).env
    with serving(tmp_path / "hub", env, database=new_database()) as made:
        yield made


@pytest.mark.parametrize("times", [2, pytest.param(40, marks=pytest.mark.campaign)])
def test_nothing_that_a_killed_server_acknowledged_is_lost(server: HubServer, times: int) -> None:
    annex = annex_of(server, server.add_user("ada"), "killed")
    uploaders = kill_again_and_again(server, annex, times, seed=times)
    check_all(server, annex, uploaders)
    if times > 10:
        assert any(one.resumed for one in uploaders), "large ones go on where they were"
    server.run("fsck")  # ends with 0 only if nothing is bad


def test_a_client_that_was_killed_goes_on_where_it_was(
    server: HubServer, home: Home, git: Program, annex: Program, tmp_path: Path
) -> None:
    token = server.add_user("ada")
    hub = annex_of(server, token, "data")
    git("config", "--global", "credential.helper", "store")
    (home.path / ".git-credentials").write_text(f"{server.url.replace('://', f'://ada:{token}@')}\n")
    here = tmp_path / "clone"
    git("init", "-q", here)
    annex("init", "-q", cwd=here)
    data = os.urandom(40_000_000)
    (here / "file").write_bytes(data)
    annex("add", "-q", "file", cwd=here)
    git("remote", "add", "hub", f"{server.url}/ada/data.git", cwd=here)
    annex("info", "hub", cwd=here)  # it asks for the address once, and not in the copy below
    key = annex("lookupkey", "file", cwd=here).text
    argv = ["git", "annex", "copy", "--to", "hub", "file"]
    held = 0
    with subprocess.Popen(argv, cwd=here, env=home.env, start_new_session=True) as client:
        deadline = time.monotonic() + 60
        while held < 4_000_000:
            assert time.monotonic() < deadline
            held = hub.told("putoffset", key=key).get("offset", len(data))
        os.killpg(client.pid, 9)
    held = hub.told("putoffset", key=key).get("offset", len(data))
    assert held >= 4_000_000, "the part is kept"
    annex("copy", "--to", "hub", "file", cwd=here)
    assert hashlib.sha256(hub.get(key).body).digest() == hashlib.sha256(data).digest()


@pytest.mark.parametrize("moments", [1, pytest.param(25, marks=pytest.mark.campaign)])
@pytest.mark.timeout(3600)
def test_push_get_and_drop_of_ours_go_on_when_the_hub_was_killed(
    moments: int, server: HubServer, home: Home, git: Program, cli: Program, tmp_path: Path
) -> None:
    token = server.add_user("ada")
    git("config", "--global", "credential.helper", "store", cwd=tmp_path)

    def again() -> None:
        server.kill()
        server.start()

    cutting = Cutting(int(server.url.rpartition(":")[2]), again)
    between = f"http://127.0.0.1:{cutting.port}"
    (home.path / ".git-credentials").write_text(f"{between.replace('://', f'://ada:{token}@')}\n")
    work = Work(server, cutting, git, cli, tmp_path, token)
    try:
        totals = work.once("whole", [None, None, None])
        for number in range(moments):
            parts = [total * (number + 1) // (moments + 1) for total in totals]
            work.once(f"struck{number}", parts)
    finally:
        cutting.close()


class Work(NamedTuple):
    """A dataset that is pushed to the hub, cloned and obtained from there, and dropped, while the hub is killed."""

    server: HubServer
    cutting: Cutting
    git: Program
    cli: Program
    folder: Path
    token: str

    def once(self, name: str, limits: Sequence[int | None]) -> list[int]:
        """Do all of it once, with a kill after so many bytes of each command; gives how many passed."""
        annex = annex_of(self.server, self.token, name)
        url = f"http://127.0.0.1:{self.cutting.port}/ada/{name}.git"
        here, there = self.folder / name, self.folder / f"{name}-clone"
        self.git("init", "-q", here, cwd=self.folder)
        self.git("annex", "init", "-q", cwd=here)
        contents = {f"file{n}.dat": os.urandom(1_200_000 if n == 0 else 500 + n) for n in range(6)}
        for file, data in contents.items():
            (here / file).write_bytes(data)
        self.git("annex", "add", "-q", ".", cwd=here)
        self.git("commit", "-qm", "Files", cwd=here)
        self.git("remote", "add", "hub", url, cwd=here)
        passed = [self._struck(limits[0], here, "push", "--to", "hub")]
        for data in contents.values():
            assert annex.get(key_of(data)).body == data
        self.cli("clone", url, there, cwd=self.folder)
        passed.append(self._struck(limits[1], there, "get", "."))
        assert {file: (there / file).read_bytes() for file in contents} == contents
        self.git("annex", "fsck", "-q", cwd=there)
        passed.append(self._struck(limits[2], there, "drop", "."))
        assert not any((there / file).exists() for file in contents)
        for data in contents.values():
            assert annex.get(key_of(data)).body == data
        return passed

    def _struck(self, limit: int | None, cwd: Path, *words: str) -> int:
        """Give a command, and once more if it says that it failed."""
        before = self.cutting.passed
        if limit is not None:
            self.cutting.after(limit)
        answer = self.cli(*words, cwd=cwd, code=None)
        assert answer.code in (0, 1) and "Traceback" not in answer.stderr, answer
        if answer.code:
            assert limit is not None, answer
            self.cli(*words, cwd=cwd)
        return self.cutting.passed - before


def test_two_servers_on_one_database_agree_on_locks_and_on_the_time(
    server: HubServer, tmp_path: Path
) -> None:
    token = server.add_user("ada")
    one = annex_of(server, token, "shared")
    second = HubServer(server.folder, server.env, database=server.env["ROOKERY_HUB_DATABASE"])
    second.start()
    try:
        other = one._replace(url=second.url)
        outcomes = set()
        with ThreadPoolExecutor(2) as pool:
            for number in range(25):
                data = b"content %d" % number
                key = key_of(data)
                assert (one, other)[number % 2].stored(key, data)
                locking = pool.submit(one.told, "lockcontent", key=key)
                removing = pool.submit(other.told, "remove", key=key)
                outcomes.add((locking.result()["locked"], removing.result()["removed"]))
        assert (True, True) not in outcomes, "content that is locked was dropped"
        assert (False, False) not in outcomes
        moments = [
            annex.told("gettimestamp")["timestamp"] for _ in range(10) for annex in (one, other, other, one)
        ]
        assert moments == sorted(moments)
    finally:
        second.stop()
