"""What the hub owes to those who trust it, where no other module's tests say it.

| what                                             | shown in                                              |
|--------------------------------------------------|-------------------------------------------------------|
| forms of other sites, sessions, cookies          | test_pages.py; cookies and programs here              |
| nothing that was pushed runs in a browser        | test_pages.py, test_api.py (raw)                      |
| names, paths, keys                               | tests/property/test_hub_policy.py, test_permissions.py |
| histories: fsck, sizes, hooks, places, time      | test_git_over_http.py, test_content_limits.py; hooks here |
| no git-annex on what was pushed                  | here                                                  |
| how often: passwords, accounts, tokens, locks    | test_pages.py (passwords); here                       |
| secrets: hashed, in no log                       | here                                                  |
| Host, X-Forwarded-For, X-Forwarded-Proto         | here                                                  |
| SSH: nothing but four commands                   | test_ssh.py                                           |
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from rookery.hub.app import make_app
from rookery.hub.domain.access import STRANGER, Actor, Visibility
from rookery.hub.domain.addresses import network_of
from rookery.hub.domain.errors import NeedsSignIn, TooMuch, TooOften
from rookery.hub.domain.records import Repository
from rookery.hub.services.history import Service
from rookery.hub.storage.tables import metadata
from rookery.hub.web.visit import COOKIE
from support.asgi import Caller
from support.home import Home, make_home
from support.hubs import PASSWORD, HubInside, HubServer, make_hub_inside, serving
from support.programs import Program

LIMITS = {
    "ROOKERY_HUB_LIMITS_SIGN_UPS_OF_ADDRESS": "2",
    "ROOKERY_HUB_LIMITS_WRONG_TOKENS_OF_ADDRESS": "3",
    "ROOKERY_HUB_LIMITS_LOCKS_OF_STRANGER": "2",
    "ROOKERY_HUB_LIMITS_LOCKS_OF_ONE": "3",
}


@pytest.fixture
def hub(tmp_path: Path, new_database: Callable[[], str]) -> Iterator[HubInside]:
    made = make_hub_inside(tmp_path / "hub", database=new_database(), **LIMITS)
    yield made
    made.opened.database.close()


@pytest.fixture
def ask(hub: HubInside) -> Iterator[Caller]:
    caller = Caller(make_app(hub.opened.hub, hub.opened.settings))
    yield caller
    caller.close()


# --- how often ------------------------------------------------------------------------------------


def test_few_accounts_are_made_from_one_address(hub: HubInside) -> None:
    accounts = hub.opened.hub.accounts
    for name in ("one", "two"):
        accounts.sign_up(STRANGER._replace(address="2001:db8::1"), name, f"{name}@x.org", PASSWORD)
    with pytest.raises(TooOften):  # IPv6: a customer has a whole network of addresses
        accounts.sign_up(STRANGER._replace(address="2001:db8::2"), "three", "three@x.org", PASSWORD)
    accounts.sign_up(STRANGER._replace(address="2001:db8:1::"), "three", "three@x.org", PASSWORD)
    hub.clock.go(hub.opened.settings.limits.failures_within + 1)
    accounts.sign_up(STRANGER._replace(address="2001:db8::1"), "four", "four@x.org", PASSWORD)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("10.1.2.3", "10.1.2.3"),
        ("::ffff:10.1.2.3", "10.1.2.3"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("nonsense", "nonsense"),
    ],
)
def test_what_a_limit_counts_an_address_as(address: str, counted: str) -> None:
    assert network_of(address) == counted


def test_wrong_tokens_are_counted_and_good_ones_heard(hub: HubInside) -> None:
    identity = hub.opened.hub.identity
    good = hub.opened.hub.accounts.add_token(hub.person("ada"), "good")[1]
    for _ in range(3):
        with pytest.raises(NeedsSignIn):
            identity.by_token("rkh_guessed", "10.0.0.1")
    for _ in range(2):
        with pytest.raises(TooOften):
            identity.by_basic("ada", "rkh_guessed", "10.0.0.1")
    with hub.opened.database.reading() as work:
        assert sum(line.subject == "by token" for line in work.audit.newest(limit=100)) == 3
    assert identity.by_token(good, "10.0.0.1").name == "ada"
    with pytest.raises(NeedsSignIn):
        identity.by_token("rkh_guessed", "10.0.0.2")


DATA = b"counted on"
KEY = f"SHA256-s{len(DATA)}--{hashlib.sha256(DATA).hexdigest()}"


def stored(hub: HubInside) -> tuple[Actor, Repository]:
    """Give the owner of a public repository with one content."""
    ada = hub.person("ada")
    where = hub.repository(ada, visibility=Visibility.PUBLIC)
    with hub.opened.hub.contents.receive(ada, where.id, KEY, length=len(DATA)) as coming:
        coming.write(DATA)
        assert coming.finish()
    return ada, where


def test_a_stranger_cannot_take_all_locks_of_a_repository(hub: HubInside) -> None:
    _, where = stored(hub)
    contents = hub.opened.hub.contents
    visitor, bob = STRANGER._replace(address="10.0.0.1"), hub.person("bob")
    held = [contents.lock(visitor, where.id, KEY) for _ in range(2)]
    with pytest.raises(TooMuch):
        contents.lock(visitor, where.id, KEY)
    assert contents.lock(STRANGER._replace(address="10.0.0.2"), where.id, KEY)
    assert all(contents.lock(bob, where.id, KEY) for _ in range(3))
    with pytest.raises(TooMuch):
        contents.lock(bob, where.id, KEY)
    assert held[0]
    assert contents.unlock(held[0])
    assert contents.lock(visitor, where.id, KEY), "one was given back"
    hub.let_pass(601)
    assert contents.lock(visitor, where.id, KEY), "the others have expired"


# --- browsers and programs ------------------------------------------------------------------------


def test_a_cookie_opens_nothing_but_pages(hub: HubInside, ask: Caller) -> None:
    ada = hub.person("ada")
    where = hub.repository(ada)
    cookie = {"Cookie": f"{COOKIE}={hub.opened.hub.identity.begin(ada)}"}
    assert ask("GET", "/ada/data", headers=cookie).status == 200
    for method, url in (
        ("GET", "/api/v1/user"),
        ("GET", "/api/v1/repos/ada/data"),
        ("POST", "/api/v1/user/repos"),
        ("GET", "/ada/data/info/refs?service=git-upload-pack"),
        ("GET", "/ada/data.git/config"),
        ("POST", f"/git-annex/{where.uuid}/v4/checkpresent?key={KEY}"),
    ):
        body = {**cookie, "Content-Type": "application/json"}
        assert ask(method, url, b'{"name": "forged"}', body).status in (401, 404), url


def test_a_session_travels_encrypted_where_the_site_is(tmp_path: Path) -> None:
    made = make_hub_inside(tmp_path / "tls", ROOKERY_HUB_URL="https://hub.example.org")
    made.person("ada", password=PASSWORD)
    ask = Caller(make_app(made.opened.hub, made.opened.settings))
    body = f"name=ada&password={PASSWORD.replace(' ', '+')}".encode()
    told = ask("POST", "/user/login", body, {"Content-Type": "application/x-www-form-urlencoded"})
    assert "; secure" in told.headers["set-cookie"].lower()
    ask.close()
    made.opened.database.close()


def test_scripts_of_other_sites_read_the_api_only_if_the_site_says_so(
    hub: HubInside, ask: Caller, tmp_path: Path
) -> None:
    said = {"Origin": "https://viewer.example.org"}
    first = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    stored(hub)
    allowed = "access-control-allow-origin"
    for told in (
        ask("GET", "/api/v1/repos/ada/data", headers=said),
        ask("OPTIONS", "/api/v1/user", headers=said | first),
    ):
        assert allowed not in told.headers
    made = make_hub_inside(tmp_path / "open", ROOKERY_HUB_ORIGINS="https://viewer.example.org")
    made.repository(made.person("ada"), visibility=Visibility.PUBLIC)
    opened = Caller(make_app(made.opened.hub, made.opened.settings))
    told = opened("GET", "/api/v1/repos/ada/data", headers=said)
    assert told.headers[allowed] == said["Origin"]
    assert "access-control-allow-credentials" not in told.headers
    assert opened("OPTIONS", "/api/v1/user", headers=said | first).headers[allowed] == said["Origin"]
    changing = {**first, "Access-Control-Request-Method": "DELETE"}
    assert opened("OPTIONS", "/api/v1/repos/ada/data", headers=said | changing).status == 400
    foreign = {"Origin": "https://evil.example"}
    assert allowed not in opened("GET", "/api/v1/repos/ada/data", headers=foreign).headers
    assert allowed not in opened("GET", "/ada/data", headers=said).headers, "pages are nobody else's"
    opened.close()
    made.opened.database.close()


# --- what a request says of itself ----------------------------------------------------------------


@pytest.mark.parametrize(
    "host", ["[", "a b", "x:99999", "x:y", "", "evil@hub", "hub/../x", "a\tb", '"', "[::1", "hub#"]
)
def test_a_host_that_is_no_address_is_refused(ask: Caller, hub: HubInside, host: str) -> None:
    stored(hub)
    for url in ("/", "/ada/data/config", "/api/v1/users/ada/repos?limit=1", "/healthz"):
        assert ask("GET", url, headers={"host": host}).status == 400


@pytest.mark.parametrize("host", ["hub", "hub.example.org:443", "10.0.0.1:1", "[2001:db8::1]:8910", "[::1]"])
def test_answers_lead_to_where_the_client_came(ask: Caller, hub: HubInside, host: str) -> None:
    stored(hub)
    config = ask("GET", "/ada/data/config", headers={"host": host}).body.decode()
    assert f"annex+http://{host}" in config


def test_a_site_with_an_address_of_its_own_believes_no_host(tmp_path: Path) -> None:
    made = make_hub_inside(tmp_path / "own", ROOKERY_HUB_URL="https://hub.example.org")
    made.repository(made.person("ada"), visibility=Visibility.PUBLIC)
    ask = Caller(make_app(made.opened.hub, made.opened.settings))
    for url in ("/ada/data/config", "/api/v1/repos/ada/data", "/ada/data"):
        told = ask("GET", url, headers={"host": "evil.example"}).body
        assert b"evil" not in told, url
        assert b"hub.example.org" in told or url == "/ada/data", url
    ask.close()
    made.opened.database.close()


def test_who_is_in_front_is_believed_if_the_site_says_so(served: HubServer, tmp_path: Path) -> None:
    assert asked_through_a_proxy(served) == ("https", True), "on this machine, unless the site says otherwise"
    env = make_home(tmp_path / "home", os.environ).env
    told = {"ROOKERY_HUB_PROXIES": "10.0.0.0/8", "FORWARDED_ALLOW_IPS": "*"}
    with serving(tmp_path / "hub", env | told) as server:
        assert asked_through_a_proxy(server) == ("http", False)


def asked_through_a_proxy(server: HubServer) -> tuple[str, bool]:
    """Give the scheme of the answer's addresses, and whether the address that was told is in the audit log."""
    said = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"}
    token = server.add_user("proxied")
    server.ask("GET", "api/v1/user", token="rkh_wrong", headers=said)
    seen = json.loads(server.ask("GET", "api/v1/user", token=token, headers=said).body)
    with server.beside() as inside, inside.opened.database.reading() as work:
        addresses = {line.address for line in work.audit.newest(limit=100)}
    return seen["html_url"].partition(":")[0], "203.0.113.7" in addresses


# --- programs on the server -----------------------------------------------------------------------


def test_nothing_that_was_pushed_runs_on_the_server(
    tmp_path: Path, home: Home, git: Program, annex: Program
) -> None:
    """A branch git-annex can name programs, folders and addresses that a git-annex there would use by itself."""
    programs = tmp_path / "programs"
    programs.mkdir()
    ran = tmp_path / "ran"
    for name in ("git-annex", "git-annex-shell", "git-annex-remote-evil"):
        (programs / name).write_text(f"#!/bin/sh\necho $0 $@ >> {ran}\n")
        (programs / name).chmod(0o755)
    env = {**home.env, "PATH": f"{programs}:{home.env['PATH']}"}
    with serving(tmp_path / "hub", env) as server:
        token = server.add_user("ada")
        server.api("POST", "user/repos", {"name": "data"}, 201, token=token)
        for place in (tmp_path / "hub" / "repositories").glob("*.git"):
            for hook in ("pre-receive", "update", "post-receive", "post-update", "reference-transaction"):
                (place / "hooks").mkdir(exist_ok=True)
                (place / "hooks" / hook).write_text(f"#!/bin/sh\necho {hook} >> {ran}\n")
                (place / "hooks" / hook).chmod(0o755)
        here = tmp_path / "clone"
        git("init", "-q", "-b", "main", here)
        annex("init", "-q", cwd=here)
        evil = ("evil", "type=directory", "encryption=none", f"directory={tmp_path}", "autoenable=true")
        annex("initremote", *evil, cwd=here)
        (here / "file").write_bytes(DATA)
        annex("add", "-q", "file", cwd=here)
        git("commit", "-qm", "file", cwd=here)
        git("config", "--global", "credential.helper", "store", cwd=here)
        git("config", "--global", "annex.security.allowed-ip-addresses", "127.0.0.1", cwd=here)
        (home.path / ".git-credentials").write_text(f"{server.at('ada', token)}\n")
        git("remote", "add", "hub", f"{server.url}/ada/data.git", cwd=here)
        git("push", "-q", "hub", "main", "git-annex", cwd=here)
        annex("copy", "--to", "hub", "file", cwd=here)
        annex("drop", "--force", "file", cwd=here)
        annex("get", "file", "--from", "hub", cwd=here)
        assert server.run("fsck").stdout
    assert not ran.exists(), ran.read_text()


def test_git_hears_of_a_client_only_which_protocol_it_speaks(hub: HubInside) -> None:
    ada = hub.person("ada")
    where = hub.repository(ada)
    for said, heard in (
        ("version=2", "version=2"),
        ("version=2:x=$(id)", None),
        ("version=9", None),
        ("", None),
    ):
        talk = hub.opened.hub.history.prepare(ada, where.id, Service.UPLOAD, protocol=said, stateless=True)
        assert talk.repo.runner.env.get("GIT_PROTOCOL") == heard
    assert "GIT_DIR" not in talk.repo.runner.env
    assert talk.repo.runner.env["GIT_CONFIG_GLOBAL"] == os.devnull


# --- secrets --------------------------------------------------------------------------------------


def test_no_secret_is_kept_as_it_is(hub: HubInside) -> None:
    ada = hub.person("ada", password=PASSWORD)
    hubs = hub.opened.hub
    secrets = [PASSWORD, hubs.accounts.add_token(ada, "t")[1], hubs.identity.begin(ada)]
    everything = ""
    with hub.opened.database.engine.connect() as connection:
        for table in metadata.sorted_tables:
            everything += "".join(map(repr, connection.execute(select(table))))
    assert "ada" in everything
    assert [secret for secret in secrets if secret in everything] == []
    assert "$argon2id$" in everything


def test_no_secret_is_in_what_the_server_says(tmp_path: Path) -> None:
    env = make_home(tmp_path / "home", os.environ).env
    with serving(tmp_path / "hub", env) as server:
        token = server.add_user("ada", password=PASSWORD)
        server.api("POST", "user/repos", {"name": "data"}, 201, token=token)
        for words in ({"token": token}, {"token": "rkh_not-so"}, {"basic": ("ada", "wrong one")}):
            server.ask("GET", "api/v1/user", **words)
            server.ask("GET", "ada/data/info/refs?service=git-upload-pack", **words)
            server.ask("POST", "ada/data/git-upload-pack", b"not Git", **words)
        server.ask("POST", "user/login", b"name=ada&password=wrong+one", headers={"Content-Type": "x"})
        code, said = server.stop()
        assert code == 0
        with server.beside() as inside, inside.opened.database.reading() as work:
            said += repr(work.audit.newest(limit=1000))
    for secret in (token, PASSWORD, "rkh_not-so", "wrong one", "wrong+one"):
        assert secret not in said
