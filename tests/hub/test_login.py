"""`rookery hub login` and `logout`: what they write is what Git, git-annex and DataLad go by, and is gone again."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from rookery import api
from support.home import Home, make_home
from support.hub_keys import Keyring
from support.hubs import PASSWORD, HubServer, serving
from support.killing import Killing, spread
from support.programs import Program
from support.tls import listening, make_certificate, tls_before


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    folder = tmp_path_factory.mktemp("login")
    with serving(folder / "hub", make_home(folder / "home", os.environ).env, ssh=True) as server:
        server.add_user("ada", password=PASSWORD)
        server.add_user("bob", password=PASSWORD)
        yield server


@pytest.fixture
def settings(home: Home) -> Path:
    """Give the person's settings, with nothing allowed to git-annex yet."""
    file = home.path / ".gitconfig"
    file.write_text(file.read_text().partition('[annex "security"]')[0])
    return file


def sign_in(hub: HubServer, cli: Program, *more: str, name: str = "ada", code: int = 0) -> dict[str, str]:
    words = ("-f", "json", "hub", "login", hub.url, "--user", name, "--password-stdin", *more)
    answer = cli(*words, stdin=f"{PASSWORD}\n", code=code)
    assert "rkh_" not in answer.stdout + answer.stderr
    assert PASSWORD not in answer.stdout + answer.stderr
    return {record["type"]: record["status"] for record in answer.records}


def publish(hub: HubServer, rookery: Program, datalad: Program, dataset: Path, name: str) -> None:
    """Make a sibling with a name alone, and push with both tools."""
    rookery("create-sibling-hub", name, cwd=dataset)
    rookery("push", "--to", "hub", cwd=dataset)
    datalad("create-sibling-gin", f"{name}-gin", "--api", hub.url, "--access-protocol", "https", cwd=dataset)
    datalad("push", "--to", "gin", cwd=dataset)
    datalad("clone", f"{hub.url}/ada/{name}", "clone", cwd=dataset.parent)
    datalad("get", "data/one.dat", cwd=dataset.parent / "clone")
    shutil.rmtree(dataset.parent / "clone", ignore_errors=True)


@pytest.mark.parametrize("vault", ["keyring", pytest.param("file", marks=pytest.mark.campaign)])
def test_after_signing_in_everything_goes_over_http_without_asking(
    hub: HubServer,
    cli: Program,
    datalad: Program,
    tiny_dataset: Path,
    settings: Path,
    home: Home,
    vault: str,
    request: pytest.FixtureRequest,
) -> None:
    if vault == "keyring":
        request.getfixturevalue("keyring_file")
    before = settings.read_text()
    done = sign_in(hub, cli)
    assert done == {
        "token": "ok",
        "git": "ok",
        "address": "ok",
        "ssh-key": "notneeded",  # there is none, and it is said how to make one
        "hub": "ok",
    }
    publish(hub, cli, datalad, tiny_dataset, f"by-{vault}")
    for file in (home.path / ".config" / "rookery").iterdir():
        assert file.stat().st_mode & 0o077 == 0, file
    again = json.loads(cli("-f", "json", "hub", "login", hub.url).lines[0])
    assert again["status"] == "notneeded", "who is signed in is asked nothing"
    token = cli("credentials", "get", hub.url.removeprefix("http://"), "--show-secret", code=None).stdout
    out = cli("hub", "logout", hub.url)
    assert "does not take it any more" in out.stdout
    assert not any("rkh_" in path.read_text() for path in texts_below(home.path)), token
    assert sorted(lines_of(settings.read_text())) == sorted(lines_of(before))
    assert not [t for t in hub.api("GET", "users/ada/tokens", basic=("ada", PASSWORD)) if t["name"] != "test"]
    cli("hub", "logout", hub.url)


def texts_below(folder: Path) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink() and b"\0" not in path.read_bytes()[:1000]
    ]


def lines_of(text: str) -> set[str]:
    """Give the lines that mean something: Git leaves empty sections behind."""
    lines = (line.strip() for line in text.splitlines())
    return {line for line in lines if line and not line.startswith("[") and "tokens.gitconfig" not in line}


def test_what_the_person_has_stays(
    hub: HubServer, cli: Program, git: Program, settings: Path, home: Home
) -> None:
    mine = home.path / "mine"
    git("config", "--global", "credential.helper", f"store --file={mine}")
    git("config", "--global", "annex.security.allowed-ip-addresses", "10.0.0.5")
    sign_in(hub, cli)
    allowed = "annex.security.allowed-ip-addresses"
    port = hub.url.rpartition(":")[2]
    assert git("config", "--global", allowed).text == f"10.0.0.5 [127.0.0.1]:{port}"
    assert "rkh_" in mine.read_text()
    assert not (home.path / ".config/rookery/git-credentials").exists()
    cli("hub", "logout", hub.url)
    assert git("config", "--global", allowed).text == "10.0.0.5"
    assert mine.read_text() == ""


def test_with_a_key_ssh_works_at_once(
    hub: HubServer, cli: Program, datalad: Program, tiny_dataset: Path, home: Home
) -> None:
    keys = Keyring(home, hub)
    keys.make("ada")
    keys.come_as("ada")
    config = home.path / ".ssh" / "config"
    config.write_text(config.read_text().replace("accept-new", "yes"))
    foretold = sign_in(hub, cli, "--dry-run")
    assert foretold["ssh-key"] == "ok"
    assert not (home.path / ".ssh" / "known").exists()
    assert sign_in(hub, cli)["ssh"] == "ok"
    assert sign_in(hub, cli)["ssh-key"] == "notneeded"
    cli("create-sibling-hub", "by-ssh", "--access-protocol", "ssh", cwd=tiny_dataset)
    cli("push", "--to", "hub", cwd=tiny_dataset)
    datalad("clone", f"{hub.ssh}/ada/by-ssh.git", "clone", cwd=tiny_dataset.parent)
    datalad("get", "data/one.dat", cwd=tiny_dataset.parent / "clone")
    known = home.path / ".ssh" / "known"
    known.write_text(known.read_text().replace("AAAA", "AAAB"))
    assert sign_in(hub, cli, code=1)["ssh"] == "error", "another host key is never written over"
    cli("hub", "logout", hub.url)
    assert hub.api("GET", "user/keys", basic=("ada", PASSWORD)) == []
    known.unlink()
    narrow = hub.run("user", "token", "ada", "--scopes", "write:repository,read:user").lines[-1]
    limited = cli("hub", "login", hub.url, "--token-stdin", stdin=narrow, code=1).stdout
    assert "ssh-key (error)" in limited
    assert "--password-stdin" in limited
    assert "signed in as ada" in limited
    cli("hub", "logout", hub.url)
    assert sign_in(hub, cli)["ssh-key"] == "ok", "with the password"
    cli("hub", "logout", hub.url)


def test_a_token_of_ones_own(
    hub: HubServer, cli: Program, git: Program, settings: Path, tmp_path: Path
) -> None:
    token = hub.add_user("eve")
    words = ("hub", "login", hub.url, "--token-stdin")
    assert "eve's, not ada's" in cli(*words, "--user", "ada", stdin=token, code=1).stderr
    answer = cli(*words, stdin=f"{token}\n")
    assert token not in answer.stdout + answer.stderr
    assert "signed in as eve" in answer.stdout
    assert "so the hub still takes it" in cli("hub", "logout", hub.url).stdout
    hub.api("GET", "user", token=token)


def test_from_python(hub: HubServer, settings: Path) -> None:
    done = api.hub("login", hub.url, token=hub.add_user("python"), result_renderer="disabled")
    assert {record["type"]: record["status"] for record in done}["hub"] == "ok"
    assert "rkh_" not in str(done)
    assert [r["action"] for r in api.hub("logout", [hub.url], result_renderer="disabled")][-1] == "hub-logout"


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("login",), "takes one URL", 2),
        (("login", "ftp://x"), "is not the address of a server", 2),
        (("login", "http://ada:pw@127.0.0.1:1"), "has a login in it", 2),
        (("login", "http://127.0.0.1:1"), "could not be reached", 1),
        (("login", "{web}"), "is not a Rookery hub", 1),
        (("login", "{hub}"), "a name and a password are needed", 2),
        (("login", "{hub}", "--user", "ada", "--password-stdin"), "unauthorized", 1),
        (("login", "{hub}", "--token-stdin"), "unauthorized", 1),
    ],
)
def test_nothing_is_written_when_it_cannot_be(
    hub: HubServer,
    cli: Program,
    web: object,
    settings: Path,
    home: Home,
    words: tuple[str, ...],
    said: str,
    code: int,
) -> None:
    before = settings.read_text()
    places = {"{hub}": hub.url, "{web}": str(getattr(web, "url", ""))}
    answer = cli("hub", *(places.get(word, word) for word in words), stdin="wrong secret\n", code=code)
    assert said in answer.stdout + answer.stderr
    assert "wrong secret" not in answer.stdout + answer.stderr
    assert settings.read_text() == before
    assert not (home.path / ".config/rookery").exists()


def test_a_hub_behind_tls_with_an_authority_of_its_own(
    cli: Program, datalad: Program, git: Program, tiny_dataset: Path, settings: Path, tmp_path: Path
) -> None:
    certificate, key = make_certificate(tmp_path, "localhost")
    with ExitStack() as running:
        listener = listening()
        url = f"https://localhost:{listener.getsockname()[1]}"
        env = make_home(tmp_path / "server", os.environ).env | {"ROOKERY_HUB_URL": url}
        with listening() as free:
            port = free.getsockname()[1]
        hub = running.enter_context(serving(tmp_path / "hub", env, http=f"127.0.0.1:{port}"))
        running.enter_context(tls_before(port, listener, (certificate, key)))
        token = hub.add_user("ada")
        words = ("hub", "login", url, "--token-stdin")
        assert "--ca FILE" in cli(*words, stdin=token, code=1).stderr
        nonsense = tmp_path / "nonsense"
        nonsense.write_text("x")
        assert "holds no certificates" in cli(*words, "--ca", nonsense, stdin=token, code=1).stderr
        said = cli(*words, "--ca", "authority.pem", stdin=token, cwd=tmp_path).stdout
        assert "REQUESTS_CA_BUNDLE=" in said
        assert (settings.parent / ".config/rookery/authorities/machine.pem").is_file()
        cli("create-sibling-hub", "secure", cwd=tiny_dataset)
        cli("push", "--to", "hub", cwd=tiny_dataset)
        datalad("clone", f"{url}/ada/secure", "clone", cwd=tmp_path)
        datalad("get", "data/one.dat", cwd=tmp_path / "clone")
        datalad("push", "--to", "origin", cwd=tmp_path / "clone")
        cli("hub", "logout", url)
        assert "http." not in git("config", "--global", "--list").text


def test_a_token_that_a_killed_login_left_is_taken_back(hub: HubServer, cli: Program, git: Program) -> None:
    hub.add_user("eva", password=PASSWORD)
    basic = ("eva", PASSWORD)
    hub.api("POST", "users/eva/tokens", {"name": "rookery on here 123"}, 201, basic=basic)
    hub.api("POST", "users/eva/tokens", {"name": "of another"}, 201, basic=basic)
    git("config", "--global", f"rookery.login.{hub.url}.making", "rookery on here 123")
    sign_in(hub, cli, name="eva")
    left = {token["name"] for token in hub.api("GET", "users/eva/tokens", basic=basic)}
    assert "rookery on here 123" not in left
    assert {"test", "of another"} < left
    assert not git("config", "--global", f"rookery.login.{hub.url}.making", code=1).text
    cli("hub", "logout", hub.url)
    assert {token["name"] for token in hub.api("GET", "users/eva/tokens", basic=basic)} == {
        "test",
        "of another",
    }


@pytest.mark.campaign
def test_a_login_killed_at_any_moment_is_finished_by_the_next(hub: HubServer, tmp_path: Path) -> None:
    place = hub.url.removeprefix("http://")
    token = hub.add_user("killed")

    def person(name: str) -> tuple[Home, Killing, Killing]:
        home = make_home(tmp_path / name, os.environ)
        told = json.dumps({f"datalad.credential.{place}.token": token})
        env = {**home.env, "DATALAD_CONFIG_OVERRIDES_JSON": told}
        return home, Killing(env, tmp_path / "counter"), Killing(home.env, tmp_path / "counter")

    words, undo = ["hub", "login", hub.url], ["hub", "logout", hub.url]
    home, into, out = person("first")
    before = sorted(lines_of((home.path / ".gitconfig").read_text()))
    steps = {"in": into.steps(words, tmp_path), "out": out.steps(undo, tmp_path)}
    assert steps["in"] > 20
    assert steps["out"] > 5
    for way, total in steps.items():
        for step in spread(total, 10):
            home, into, out = person(f"{way}-{step}")
            if way == "in":
                into.kill(words, tmp_path, step)
            into.steps(words, tmp_path)
            fill = Program(["git", "credential", "fill"], home.env, tmp_path)
            assert f"password={token}" in fill(stdin=f"protocol=http\nhost={place}\n\n").lines
            if way == "out":
                out.kill(undo, tmp_path, step)
            out.steps(undo, tmp_path)
            assert sorted(lines_of((home.path / ".gitconfig").read_text())) == before, (way, step)
            assert not [file for file in texts_below(home.path) if token in file.read_text()], (way, step)
