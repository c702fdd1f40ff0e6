"""`rookery hub` on a terminal: accounts and tokens, and what it says when it cannot."""

from __future__ import annotations

import json
import re
import socket
import sys
from pathlib import Path

import pytest

import rookery
from rookery.hub.domain.errors import NeedsSignIn
from rookery.hub.settings import read_settings
from support.hubs import PASSWORD, HubServer
from support.programs import Program


@pytest.fixture
def server(tmp_path: Path, cli: Program) -> HubServer:
    return HubServer(tmp_path / "hub", cli.env)


def test_accounts_and_tokens_from_the_command_line(server: HubServer) -> None:
    add = ("user", "add", "ada", "--email", "ada@example.org", "--password-stdin")
    server.run(*add, "--admin", stdin=f"{PASSWORD}\n")
    taken = server.run(*add, stdin=PASSWORD, code=1)
    assert "taken" in taken.stderr
    token = server.run("user", "token", "ada", "--scopes", "read:repository", "--days", "1").lines[-1]
    server.run("user", "passwd", "ada", "--password-stdin", stdin="another one")
    with server.beside() as hub:
        identity = hub.opened.hub.identity
        assert identity.by_token(token, "").admin
        assert identity.by_basic("ada", "another one", "").name == "ada"
        with pytest.raises(NeedsSignIn):
            identity.by_basic("ada", PASSWORD, "")


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("user", "token", "nobody"), "there is no account nobody", 1),
        (("user", "add", "api", "--email", "a@b", "--password-stdin"), "reserved", 1),
        (("user", "add", "ada"), "needs an e-mail address", 2),
        (("user", "frobnicate", "ada"), "add|passwd|token", 2),
        (("serve", "--http", "nowhere"), "is not HOST:PORT", 2),
    ],
)
def test_what_cannot_be_is_said(server: HubServer, words: tuple[str, ...], said: str, code: int) -> None:
    assert said in server.run(*words, stdin=PASSWORD, code=code).stderr


def test_a_mistyped_setting_is_not_ignored(server: HubServer) -> None:
    server.folder.mkdir()
    (server.folder / "hub.toml").write_text("[limits]\nqouta_account = 5\n")
    told = server.run("user", "token", "ada", code=2).stderr
    assert "hub.toml: there is no limit 'qouta_account'" in told and "quota_account" in told
    (server.folder / "hub.toml").write_text('titel = "x"\n')
    told = server.run("user", "token", "ada", code=2).stderr
    assert "titel: no such settings" in told and "title" in told
    (server.folder / "hub.toml").write_text('title = "x"\n')
    server.env["ROOKERY_HUB_LIMITS_QOUTA_ACCOUNT"] = "5"
    assert "ROOKERY_HUB_LIMITS_QOUTA_ACCOUNT" in server.run("user", "token", "ada", code=2).stderr


def test_without_the_extra_the_message_says_what_to_install(cli: Program) -> None:
    # without site-packages there is the package itself, and nothing else
    source = Path(rookery.__file__).parents[1]
    bare = Program([sys.executable, "-S", "-m", "rookery"], {**cli.env, "PYTHONPATH": str(source)}, cli.cwd)
    answer = bare("hub", "serve", code=1)
    assert "pip install 'rookery[hub]'" in answer.stderr
    assert "sqlalchemy" in answer.stderr


def test_a_port_that_is_taken_is_said_before_anything_is_made(server: HubServer) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = server.run("serve", "--http", f"127.0.0.1:{taken.getsockname()[1]}", code=1)
    assert "cannot listen" in answer.stderr
    assert not (server.folder / "hub.sqlite3").exists()


def test_machines_read_the_token_from_a_record(server: HubServer, cli: Program) -> None:
    server.add_user("ada")
    answer = Program(cli.argv, server.env, server.folder)("-f", "json", "hub", "user", "token", "ada")
    assert json.loads(answer.text)["token"].startswith("rkh_")


def test_the_settings_on_the_page_are_settings(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "hub.md").read_text()
    examples = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        (tmp_path / "hub.toml").write_text(example)
        read_settings(tmp_path, {})


def test_a_hub_that_is_stopped_before_it_serves_ends_well(server: HubServer) -> None:
    for _ in range(3):
        server.start()  # until it says its address
        assert server.stop() == (0, "")
