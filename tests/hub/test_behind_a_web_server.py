"""A hub behind nginx and Caddy with TLS, configured as the documentation says, with Git and git-annex as clients."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from sqlalchemy import select

from rookery.hub.settings import read_settings
from rookery.hub.storage.tables import attempt
from support.far import free_port
from support.home import make_home
from support.hubs import HubServer, Reply, serving
from support.p2p import key_of
from support.programs import Program
from support.tls import make_certificate
from support.waiting import until

PAGE = Path(__file__).parents[2] / "docs" / "running-a-larger-hub.md"
EVERYTHING_INSTALLED = os.environ.get("CI") == "true"
# An object store is sent parts of 8 MiB, and notes one when it sends the next.
DATA = os.urandom(24_000_000)
FIRST = 20_000_000


class Front(NamedTuple):
    """A web server with TLS, and the hub behind it."""

    url: str
    hub: HubServer
    certificate: Path
    log: Path

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Reply:
        """Make one request through it."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        wire = http.client.HTTPSConnection(self.url.removeprefix("https://"), timeout=60, context=context)
        try:
            wire.request(
                method, path, body, {name.replace("_", "-"): value for name, value in headers.items()}
            )
            answer = wire.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            wire.close()


def block(language: str) -> str:
    """Give the first example of the page in that language."""
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def nginx(folder: Path, port: int, hub: str, certificate: tuple[Path, Path]) -> list[str]:
    """Write the page's configuration for nginx; give the command that serves it."""
    text = block("nginx")
    ours = {
        "127.0.0.1:8910": hub,
        "443": str(port),
        "hub.example.org": "localhost",
        "/etc/ssl/hub.pem": str(certificate[0]),
        "/etc/ssl/hub.key": str(certificate[1]),
    }
    assert all(theirs in text for theirs in ours)
    # In one pass: a port of ours may have "443" in it.
    text = re.sub("|".join(map(re.escape, ours)), lambda found: ours[found[0]], text)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;\n" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user}daemon off;\nmaster_process off;\npid {folder}/pid;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{text}}}\n"
    )
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]


def caddy(folder: Path, port: int, hub: str, certificate: tuple[Path, Path]) -> list[str]:
    """Write the page's configuration for Caddy; give the command that serves it."""
    text = block("caddy").replace("127.0.0.1:8910", hub)
    text = text.replace(
        "hub.example.org {", f"https://localhost:{port} {{\n    tls {certificate[0]} {certificate[1]}"
    )
    (folder / "Caddyfile").write_text(f"{{\n    admin off\n    auto_https disable_redirects\n}}\n{text}")
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


FRONTS: dict[str, Callable[[Path, int, str, tuple[Path, Path]], list[str]]] = {"nginx": nginx, "caddy": caddy}


@contextmanager
def running(argv: list[str], log: Path, port: int, env: dict[str, str]) -> Iterator[None]:
    """Run a server for the length of the block, from when it listens."""
    with open(log, "wb") as said, subprocess.Popen(argv, stdout=said, stderr=said, env=env) as process:
        try:
            until(lambda: _listens(port) or process.poll() is not None)
            assert process.poll() is None, log.read_text()
            yield
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


@pytest.fixture(params=["nginx", pytest.param("caddy", marks=pytest.mark.campaign)])
def front(request: pytest.FixtureRequest, tmp_path: Path, new_database: Callable[[], str]) -> Iterator[Front]:
    path = f"{os.environ['PATH']}:/usr/sbin"
    if shutil.which(request.param, path=path) is None:
        if EVERYTHING_INSTALLED:
            pytest.fail(f"no {request.param} on this machine")
        pytest.skip(f"no {request.param} on this machine")
    certificate = make_certificate(tmp_path, "localhost")
    inside, outside = free_port(), free_port()
    url = f"https://localhost:{outside}"
    env = make_home(tmp_path / "server", os.environ).env | {"ROOKERY_HUB_URL": url}
    folder = tmp_path / request.param
    folder.mkdir()
    argv = FRONTS[request.param](folder, outside, f"127.0.0.1:{inside}", certificate)
    with ExitStack() as servers:
        hub = serving(tmp_path / "hub", env, database=new_database(), http=f"127.0.0.1:{inside}")
        made = servers.enter_context(hub)
        servers.enter_context(running(argv, folder / "log", outside, env | {"PATH": path}))
        yield Front(url, made, certificate[0], folder / "log")


def test_git_and_git_annex_through_a_web_server(
    front: Front, cli: Program, git: Program, annex: Program, tiny_dataset: Path, tmp_path: Path
) -> None:
    token = front.hub.add_user("ada")
    cli("hub", "login", front.url, "--token-stdin", "--ca", str(front.certificate), stdin=token)
    (tiny_dataset / "large.dat").write_bytes(DATA)
    cli("save", "-m", "large", cwd=tiny_dataset)
    cli("create-sibling-hub", "secure", cwd=tiny_dataset)
    git("push", "-q", "hub", "--all", cwd=tiny_dataset)
    annex("copy", "--to", "hub", ".", cwd=tiny_dataset)
    assert git("config", "remote.hub.annexurl", cwd=tiny_dataset).text.startswith("annex+https://")
    git("push", "-q", "hub", "--all", cwd=tiny_dataset)
    clone = tmp_path / "clone"
    git("clone", "-q", f"{front.url}/ada/secure", clone)
    annex("get", "-J2", ".", cwd=clone)
    assert (clone / "large.dat").read_bytes() == DATA
    assert "ok" in annex("fsck", "--from", "origin", cwd=clone).stdout
    annex("drop", ".", cwd=clone)
    key = annex("lookupkey", "large.dat", cwd=clone).text
    place = f"/git-annex/{git('config', 'remote.origin.annex-uuid', cwd=clone).text}/key/{key}"
    mine = f"token {token}"
    part = front.ask("GET", f"/{place}", Authorization=mine, Range="bytes=5-9")
    assert (part.status, part.body) == (206, DATA[5:10]), "addresses pass as they came"
    assert front.ask("HEAD", place, Authorization=mine).headers["Content-Length"] == str(len(DATA))
    assert "buffered to a temporary file" not in front.log.read_text()


def test_a_client_cannot_say_that_it_is_somebody_else(front: Front) -> None:
    front.hub.add_user("ada")
    lies = {"X_Forwarded_For": "6.6.6.6", "X_Forwarded_Proto": "http", "Forwarded": "for=6.6.6.6"}
    wrong = front.ask("GET", "/api/v1/user", Authorization="Basic YWRhOndyb25n", **lies)
    assert wrong.status == 401
    with front.hub.beside() as inside, inside.opened.database.engine.connect() as connection:
        subjects = list(connection.scalars(select(attempt.c.subject)))
    assert subjects and not any("6.6.6.6" in subject for subject in subjects)
    assert any("127.0.0.1" in subject for subject in subjects)


def test_an_upload_passes_while_it_comes(front: Front) -> None:
    token = front.hub.add_user("ada")
    wish = b'{"name": "data", "private": true}'
    made = front.ask(
        "POST", "/api/v1/user/repos", wish, Authorization=f"token {token}", Content_Type="application/json"
    )
    assert made.status == 201, made
    assert json.loads(made.body)["clone_url"] == f"{front.url}/ada/data.git"
    config = front.ask("GET", "/ada/data/config", Authorization=f"token {token}").body.decode()
    uuid = re.findall(r"uuid = (\S+)", config)[0]
    context = ssl.create_default_context(cafile=str(front.certificate))
    key = key_of(DATA)
    wire = http.client.HTTPSConnection(front.url.removeprefix("https://"), timeout=60, context=context)
    wire.putrequest("POST", f"/git-annex/{uuid}/v4/put?clientuuid=x&key={key}")
    for name, value in (
        ("Authorization", f"token {token}"),
        ("X-git-annex-data-length", str(len(DATA))),
        ("Content-Type", "application/octet-stream"),
        ("Content-Length", str(len(DATA))),
    ):
        wire.putheader(name, value)
    wire.endheaders()
    wire.send(DATA[:FIRST])

    def held() -> bool:
        with front.hub.beside() as inside, inside.opened.database.reading() as work:
            where = work.repositories.by_uuid(uuid)
            assert where is not None
            return inside.opened.objects.held(where.id, key) > 0

    until(held)  # before all of it came: nothing gathers it first
    wire.send(DATA[FIRST:])
    answer = wire.getresponse()
    assert answer.status == 200 and b'"stored":true' in answer.read()
    wire.close()


def test_the_examples_of_settings_are_settings(tmp_path: Path) -> None:
    examples = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    read = []
    for example in examples:
        (tmp_path / "hub.toml").write_text(example)
        read.append(read_settings(tmp_path, {}))
    proxied, stored, large = read
    assert proxied.proxies == large.proxies == "10.0.0.5"
    assert stored.content is not None and stored.content.endpoint == "https://s3.example.org"
    assert "secret" not in repr(stored) and stored.content.key_id == "AKEXAMPLE"
    assert large.content is not None and large.database.startswith("postgresql")
