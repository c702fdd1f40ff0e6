"""Several processes over one PostgreSQL and one object store are one hub."""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from starlette.datastructures import Headers

from rookery.hub.storage.s3_upload import PART
from support.asgi import Answer
from support.browser import Ask, Browser
from support.home import Home, make_home
from support.hubs import PASSWORD, HubServer, in_store, serving
from support.objectstore import ObjectStore
from support.p2p import P2p, key_of
from support.postgresql import PostgreSQL
from support.programs import Program

DATA = b"some content\n" * 100

# How git-annex imitates a server that is away does not reach ours, nor its own (seen with 10.20261026).
UNAVAILABLE = {"removeKey", "storeKey", "checkPresent"}


class Pair(NamedTuple):
    """Two servers of one hub."""

    one: HubServer
    two: HubServer
    token: str

    def annexes(self, name: str) -> tuple[P2p, P2p]:
        """Make a repository, and give its annex as it is seen at each."""
        self.one.api("POST", "user/repos", {"name": name, "private": True}, 201, token=self.token)
        config = self.two.ask("GET", f"ada/{name}/config", token=self.token).body.decode()
        headers = {"Authorization": f"token {self.token}"}
        first = P2p(self.one.url, re.findall(r"uuid = (\S+)", config)[0], headers)
        return first, first._replace(url=self.two.url)


@pytest.fixture(scope="module")
def pair(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgreSQL, bucket_server: ObjectStore
) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("pair")
    env = make_home(folder / "home", os.environ).env
    database, settings = postgres.create(), in_store(bucket_server.url, os.urandom(8).hex())
    settings["ROOKERY_HUB_S3_LINKS"] = "60"
    with serving(folder / "hub", env, database=database, settings=settings) as one:
        with serving(folder / "hub", env, database=database, settings=settings) as two:
            yield Pair(one, two, one.add_user("ada", password=PASSWORD))


def test_what_one_worker_knows_the_other_knows(pair: Pair) -> None:
    one, two = pair.annexes("known")
    key = key_of(DATA)
    assert one.stored(key, DATA)
    assert two.get(key).body == DATA
    lock = two.told("lockcontent", key=key)
    assert lock["locked"]
    assert not one.told("remove", key=key)["removed"], "a lock that was taken at the other holds"
    assert two.told("gettimestamp")["timestamp"] <= one.told("gettimestamp")["timestamp"] + 1
    first, second = (Browser(asking(server)) for server in (pair.one, pair.two))
    origin = {"Origin": pair.one.url}
    first.go("/user/login").submit("Sign in", name="ada", password=PASSWORD, headers=origin)
    second.cookies = first.cookies
    second.go("/user/settings/keys")
    assert second.at == "/user/settings/keys", "who signed in at one is signed in at the other"


def test_a_worker_is_killed_and_the_client_goes_on_at_the_other(
    pair: Pair, bucket_server: ObjectStore, home: Home, git: Program, annex: Program, tmp_path: Path
) -> None:
    one, two = pair.annexes("resumed")
    git("config", "--global", "credential.helper", "store")
    logins = (server.at("ada", pair.token) for server in (pair.one, pair.two))
    (home.path / ".git-credentials").write_text("\n".join(logins))
    here = tmp_path / "clone"
    git("init", "-q", here)
    annex("init", "-q", cwd=here)
    data = os.urandom(60_000_000)
    (here / "file").write_bytes(data)
    annex("add", "-q", "file", cwd=here)
    for name, server in (("one", pair.one), ("two", pair.two)):
        git("remote", "add", name, f"{server.url}/ada/resumed.git", cwd=here)
        annex("info", name, cwd=here)  # it asks for the address once, and not in the copies below
    key = annex("lookupkey", "file", cwd=here).text
    argv = ["git", "annex", "copy", "--to", "one", "file"]
    held, deadline = 0, time.monotonic() + 60
    with subprocess.Popen(argv, cwd=here, env=home.env, stderr=subprocess.DEVNULL) as client:
        while held < PART:
            assert time.monotonic() < deadline
            held = two.told("putoffset", key=key).get("offset", len(data))
        pair.one.kill()
        assert client.wait(60) != 0
    held = two.told("putoffset", key=key)["offset"]
    assert held >= PART, "the parts are there"
    before = len(bucket_server.requests)
    while annex("copy", "--to", "two", "file", cwd=here, code=None).code:
        assert time.monotonic() < deadline  # the killed one is taken for alive for some seconds
    sent = sum(one.sent for one in bucket_server.requests[before:] if one.method == "PUT")
    assert sent <= len(data) - held + PART, "what was there was not sent again"
    assert hashlib.sha256(two.get(key).body).digest() == hashlib.sha256(data).digest()
    assert "good" in pair.two.run("fsck").stdout
    pair.one.start()
    assert one.get(key).body == data


def test_git_annex_finds_a_hub_on_an_object_store_conforming(
    pair: Pair, home: Home, git: Program, annex: Program, tmp_path: Path
) -> None:
    pair.annexes("conforming")
    git("config", "--global", "credential.helper", "store")
    (home.path / ".git-credentials").write_text(pair.one.at("ada", pair.token))
    here = tmp_path / "clone"
    git("init", "-q", here)
    annex("init", "-q", cwd=here)
    git("remote", "add", "hub", f"{pair.one.url}/ada/conforming.git", cwd=here)
    answer = annex("testremote", "hub", "--fast", "--size=20KiB", cwd=here, code=None)
    failed = set(re.findall(r"^ *(\S[^:\n]*):.*FAIL", answer.stdout, re.MULTILINE))
    assert failed <= UNAVAILABLE, answer.stdout
    assert int(re.findall(r"(\d+) tests", answer.stdout)[-1]) >= 100


def test_a_browser_is_sent_to_the_store_and_a_program_is_not(pair: Pair, bucket_server: ObjectStore) -> None:
    one, _ = pair.annexes("visited")
    key = key_of(DATA)
    assert one.stored(key, DATA)
    place = f"api/v1/repos/ada/visited/annex/keys/{key}"
    visit = {"Sec-Fetch-Mode": "navigate"}
    reply = pair.two.ask("GET", place, token=pair.token, headers=visit)
    assert reply.status == 303 and reply.headers["Cache-Control"] == "no-store"
    assert bucket_server.fetch(reply.headers["Location"]).body == DATA
    assert pair.two.ask("GET", place, token=pair.token).body == DATA
    assert pair.two.ask("GET", place, headers=visit).status in (401, 404)
    for part in ({"Sec-Fetch-Mode": "no-cors"}, visit | {"Range": "bytes=0-3"}):
        assert pair.two.ask("GET", place, token=pair.token, headers=part).status in (200, 206)


def test_every_worker_answers_and_one_that_dies_is_replaced(tmp_path: Path) -> None:
    env = make_home(tmp_path / "server-home", os.environ).env
    with serving(tmp_path / "hub", env, workers=2) as server:
        assert server.process is not None
        first = server.process.pid
        second = worker_of(first)
        for stopped in (first, second):
            answers_without(server, stopped)
        os.kill(second, signal.SIGKILL)
        third = worker_of(first, but=second)
        answers_without(server, first)
        assert third != second
        code, said = server.stop()
        assert code == 0 and "started again" in said
        assert not Path(f"/proc/{third}").exists()


def answers_without(server: HubServer, stopped: int) -> None:
    """See that the hub answers while one of its processes stands still.

    Whoever is stopped while it holds the database's lock for writing keeps the others from beginning: tried again.
    """
    deadline = time.monotonic() + 60
    while True:
        os.kill(stopped, signal.SIGSTOP)
        try:
            assert server.ask("GET", "healthz", patience=3).status == 200
            return
        except TimeoutError:
            assert time.monotonic() < deadline
        finally:
            os.kill(stopped, signal.SIGCONT)
        time.sleep(0.2)


def asking(server: HubServer) -> Ask:
    """Let a browser ask a server."""

    def ask(method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        reply = server.ask(method, url.removeprefix("/"), body, headers=headers)
        raw = [(name.lower().encode(), value.encode()) for name, value in reply.headers.items()]
        return Answer(reply.status, Headers(raw=raw), reply.body)

    return ask


def serves(process: int) -> bool:
    """Tell if a process has begun to serve.

    Between its fork and its `exec` it has the memory and the arguments of the server that starts it, which also starts
    one that serves nobody (Python's tracker of resources): so its own arguments come first.
    """
    try:
        began = b"--multiprocessing-fork" in Path(f"/proc/{process}/cmdline").read_bytes()
        return began and "uvloop" in Path(f"/proc/{process}/maps").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def worker_of(parent: int, *, but: int = 0) -> int:
    """Give the process that serves beside the first one; wait until it needs nothing more of that one to begin."""
    deadline = time.monotonic() + 60
    while True:
        for name in Path(f"/proc/{parent}/task").glob("*/children"):
            for child in map(int, name.read_text().split()):
                if child != but and serves(child):
                    return child
        assert time.monotonic() < deadline
