"""A hub for tests: opened in this process, or served in one of its own."""

from __future__ import annotations

import base64
import functools
import hashlib
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import Message
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import select, update

from rookery.hub.domain.access import Actor, Means, Visibility
from rookery.hub.domain.names import OwnerName
from rookery.hub.domain.records import Account, Repository
from rookery.hub.opening import Opened, open_hub
from rookery.hub.settings import read_settings
from rookery.hub.storage.database import SqlDatabase
from rookery.hub.storage.object_names import object_name, tail_name
from rookery.hub.storage.object_rows import BAD, ObjectRows
from rookery.hub.storage.object_tables import object_other
from rookery.hub.storage.s3 import S3
from rookery.hub.storage.s3_objects import S3Objects
from rookery.hub.storage.tables import content_lock
from support.objectstore import BUCKET, KEY_ID, SECRET
from support.programs import Answer, Program

PASSWORD = "correct horse"

# The S3 server in which all hubs have their contents, where the tests run on one.
STORE: list[str] = []


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

    def let_pass(self, seconds: float) -> None:
        """Let time pass for locks, also where the clock is PostgreSQL's own and cannot be turned."""
        engine = self.opened.database.engine
        if engine.dialect.name == "sqlite":
            self.clock.go(seconds)
            return
        with engine.begin() as connection:
            connection.execute(update(content_lock).values(expires=content_lock.c.expires - seconds))
            connection.execute(update(object_other).values(until=object_other.c.until - seconds))

    def behind(self, where: int) -> Behind:
        """Give the bytes behind a repository."""
        return Behind(self, where)

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


def store_settings(folder: Path) -> dict[str, str]:
    """Give the settings by which a hub in a folder has its contents in the store of the tests, if there is one."""
    prefix = hashlib.sha256(bytes(folder)).hexdigest()[:16]
    return {name: value for url in STORE for name, value in in_store(url, prefix).items()}


def in_store(endpoint: str, prefix: str) -> dict[str, str]:
    """Give the settings by which a hub has its contents in a bucket below a prefix."""
    return {
        "ROOKERY_HUB_CONTENT": f"s3://{BUCKET}/{prefix}",
        "ROOKERY_HUB_S3_ENDPOINT": endpoint,
        "ROOKERY_HUB_S3_KEY_ID": KEY_ID,
        "ROOKERY_HUB_S3_SECRET": SECRET,
    }


def make_hub_inside(folder: Path, *, database: str = "", **settings: str) -> HubInside:
    """Open a hub in a folder, on a clock that stands; `database` is a URL, else it is SQLite."""
    clock = Clock()
    if not database and not folder.exists():
        folder.mkdir(mode=0o700)
        (folder / "hub.sqlite3").write_bytes(_template())
    env = {"PATH": os.environ["PATH"], "ROOKERY_HUB_DATABASE": database, **store_settings(folder), **settings}
    return HubInside(open_hub(read_settings(folder, env), env, clock), clock)


class Behind:
    """The bytes behind a repository of a hub, as who runs its disk or its store can get at them."""

    def __init__(self, hub: HubInside, where: int) -> None:
        self.opened, self.where = hub.opened, where

    def _object(self, key: str) -> tuple[S3, str]:
        objects = self.opened.objects
        assert isinstance(objects, S3Objects)
        with self.opened.database.engine.connect() as connection:
            stored = ObjectRows(connection, time.time).stored(self.where, key)
        assert stored is not None
        return objects.s3, object_name(stored.origin, key, stored.suffix)

    def damage(self, key: str, data: bytes) -> None:
        """Put other bytes where a content is."""
        file = self.opened.objects.path(self.where, key)
        if file is None:
            s3, name = self._object(key)
            s3.put(name, data)
            return
        file.chmod(0o600)
        file.write_bytes(data)

    def lose(self, key: str) -> None:
        """Remove the bytes of a content."""
        file = self.opened.objects.path(self.where, key)
        if file is None:
            s3, name = self._object(key)
            s3.remove(name)
            return
        file.parent.chmod(0o700)
        file.unlink()

    def _part(self) -> Path:
        return next((self.opened.histories.place(self.where) / "annex" / "tmp").iterdir())

    def damage_part(self, data: bytes) -> None:
        """Put other bytes where the only upload that stopped is."""
        if not isinstance(self.opened.objects, S3Objects):
            self._part().write_bytes(data)
            return
        with self.opened.database.engine.connect() as connection:
            suffix = connection.scalar(select(object_other.c.suffix))
        self.opened.objects.s3.put(tail_name(suffix or ""), data)

    def age_part(self, at: float) -> None:
        """Let the only upload that stopped have stopped then."""
        if not isinstance(self.opened.objects, S3Objects):
            os.utime(self._part(), (at, at))
            return
        with self.opened.database.engine.begin() as connection:
            connection.execute(update(object_other).values(touched=at))

    def aside(self) -> list[bytes]:
        """Give what was found corrupt and set aside."""
        if not isinstance(self.opened.objects, S3Objects):
            folder = self.opened.histories.place(self.where) / "annex" / "bad"
            return [one.read_bytes() for one in folder.iterdir()]
        with self.opened.database.engine.connect() as connection:
            rows = connection.execute(select(object_other).where(object_other.c.state == BAD)).all()
        names = [object_name(row.repository_id, row.key, row.suffix) for row in rows]
        return [self.opened.objects.s3.get(name, 0)[0].read() for name in names]


class Reply(NamedTuple):
    """An answer of a server."""

    status: int
    headers: Message
    body: bytes


class HubServer:
    """A hub in a process of its own: `rookery hub serve`, and the command line beside it."""

    def __init__(
        self,
        folder: Path,
        env: Mapping[str, str],
        *,
        database: str = "",
        ssh: bool = False,
        http: str = "",
        settings: Mapping[str, str] | None = None,
        workers: int = 1,
    ) -> None:
        self.folder = folder
        self.http = http  # where to listen, if something else stands before it under `url`
        self.wants_ssh = ssh
        told = {"ROOKERY_HUB_DATA": str(folder), "ROOKERY_HUB_DATABASE": database, "ROOKERY_HUB_SSH": ""}
        self.env = {**env, **told, **store_settings(folder), **(settings or {})}
        self.workers = workers
        self.url = ""
        self.ssh = ""  # ssh://git@127.0.0.1:PORT, if it is wanted
        self.process: subprocess.Popen[str] | None = None

    def run(self, *words: str, stdin: str = "", code: int = 0) -> Answer:
        """Call `rookery hub ...` on its data."""
        argv = [sys.executable, "-m", "rookery", "hub"]
        return Program(argv, self.env, self.folder.parent)(*words, stdin=stdin, code=code)

    def start(self) -> None:
        """Serve, at the address of the last time if there was one."""
        http = self.http or self.url.removeprefix("http://") or "127.0.0.1:0"
        argv = [sys.executable, "-m", "rookery", "hub", "serve", "--http", http]
        if self.workers > 1:
            argv += ["--workers", str(self.workers)]
        if self.wants_ssh:
            argv += ["--ssh", self.ssh.rpartition("@")[2] or "127.0.0.1:0"]
        self.process = subprocess.Popen(
            argv,
            cwd=self.folder.parent,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if "://" not in line:
            _, said = self.process.communicate(timeout=10)
            raise AssertionError(f"the hub did not start: {line}{said}")
        self.url = line.split()[-1]
        if self.wants_ssh:
            self.ssh = self.process.stdout.readline().split()[-1]

    def stop(self) -> tuple[int, str]:
        """Stop it as a person would; give its exit code and what it said on standard error."""
        assert self.process is not None
        self.process.terminate()
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self.process is not None
        self.process.kill()
        self.process.communicate()

    def add_user(self, name: str, *, admin: bool = False, password: str | None = None) -> str:
        """Make an account, from beside the server; give a token of it.  Hashing a password takes long."""
        with self.beside() as inside:
            who = inside.person(name, admin=admin, password=password)
            return inside.opened.hub.accounts.add_token(who, "test")[1]

    @contextmanager
    def beside(self) -> Iterator[HubInside]:
        """Open the same data in this process."""
        settings = read_settings(self.folder, self.env)
        opened = open_hub(settings, self.env, time.time)
        try:
            yield HubInside(opened, Clock())
        finally:
            opened.database.close()

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        token: str = "",
        basic: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        patience: float = 60,
    ) -> Reply:
        """Make one request, as a token's or a name's and password's owner, or as a stranger.

        Raises TimeoutError if nothing comes for `patience` seconds.
        """
        told = dict(headers or {})
        if token:
            told["Authorization"] = f"token {token}"
        if basic:
            told["Authorization"] = f"Basic {base64.b64encode(':'.join(basic).encode()).decode()}"
        wire = http.client.HTTPConnection(self.url.removeprefix("http://"), timeout=patience)
        try:
            wire.request(method, f"/{path}", body, told)
            answer = wire.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            wire.close()

    def api(
        self,
        method: str,
        path: str,
        body: Any = None,
        code: int = 200,
        *,
        token: str = "",
        basic: tuple[str, str] | None = None,
    ) -> Any:
        """Call the API, and give what it tells; it must answer with `code`."""
        raw = b"" if body is None else json.dumps(body).encode()
        kind = {"Content-Type": "application/json"}
        reply = self.ask(method, f"api/v1/{path}", raw, token=token, basic=basic, headers=kind)
        assert reply.status == code, f"{reply.status} {reply.body!r}"
        return json.loads(reply.body) if reply.body else None

    def at(self, user: str, password: str, path: str = "") -> str:
        """Give an address with a name and a password in it."""
        return f"{self.url.replace('://', f'://{user}:{password}@')}/{path}"


@contextmanager
def serving(
    folder: Path,
    env: Mapping[str, str],
    *,
    database: str = "",
    ssh: bool = False,
    http: str = "",
    settings: Mapping[str, str] | None = None,
    workers: int = 1,
) -> Iterator[HubServer]:
    """Serve a hub for the length of the block."""
    server = HubServer(folder, env, database=database, ssh=ssh, http=http, settings=settings, workers=workers)
    server.start()
    try:
        yield server
    finally:
        if server.process is not None and server.process.poll() is None:
            code, said = server.stop()
            assert code == 0, said
            assert "Traceback" not in said, said
