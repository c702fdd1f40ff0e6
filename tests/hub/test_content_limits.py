"""Limits, where content and SSH meet them: quotas, connections, and how long Git may take."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.home import Home, make_home
from support.hub_keys import Keyring
from support.hubs import HubServer, serving
from support.p2p import P2p, key_of
from support.programs import Program

LIMITS = {"QUOTA_REPOSITORY": "5000", "SSH_CONNECTIONS": "1", "GIT_SECONDS": "1"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Iterator[HubServer]:
    folder = tmp_path_factory.mktemp("served")
    env = make_home(folder / "home", os.environ).env
    env |= {f"ROOKERY_HUB_LIMITS_{name}": value for name, value in LIMITS.items()}
    with serving(folder / "hub", env, database=new_database(), ssh=True) as server:
        yield server


def test_what_exceeds_a_quota_is_refused_with_its_reason(
    served: HubServer, home: Home, git: Program, annex: Program, tmp_path: Path
) -> None:
    token = Keyring(home, served).person("ada")
    served.api("POST", "user/repos", {"name": "full"}, 201, token=token)
    uuid = served.ask("GET", "ada/full/config", token=token).body.decode().partition("uuid = ")[2].split()[0]
    hub = P2p(served.url, uuid, {"Authorization": f"token {token}"})
    assert hub.stored(key_of(b"x" * 4000), b"x" * 4000)
    refused = hub.put(key_of(b"y" * 4000), b"y" * 4000)
    assert refused.status == 413
    assert b"has a quota of 5.0 kB" in refused.body
    here = tmp_path / "clone"
    git("init", "-q", here)
    annex("init", "-q", cwd=here)
    (here / "file").write_bytes(b"z" * 4000)
    annex("add", "-q", ".", cwd=here)
    git("remote", "add", "hub", f"{served.ssh}/ada/full.git", cwd=here)
    answer = annex("copy", "--to", "hub", "file", cwd=here, code=1)
    assert "has a quota of 5.0 kB" in answer.stderr
    git("remote", "add", "web", f"{served.url}/ada/full.git", cwd=here)
    git("config", "--global", "credential.helper", "store", cwd=here)
    git("config", "--global", "annex.security.allowed-ip-addresses", "127.0.0.1", cwd=here)
    (home.path / ".git-credentials").write_text(f"{served.at('ada', token)}\n")
    answer = annex("copy", "--to", "web", "file", cwd=here, code=1)
    assert "413 the repository ada/full has a quota of 5.0 kB" in answer.stderr
    assert hub.told("checkpresent", key=key_of(b"z" * 4000, extension="")) == {"present": False}


def test_connections_are_limited_and_git_may_not_take_for_ever(served: HubServer, home: Home) -> None:
    keys = Keyring(home, served)
    token = keys.person("bob")
    served.api("POST", "user/repos", {"name": "data"}, 201, token=token)
    host, _, port = served.ssh.removeprefix("ssh://").rpartition(":")
    argv = ["ssh", "-p", port, host, "git-upload-pack '/bob/data'"]
    with subprocess.Popen(argv, env=home.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        assert first.stdout.read(4)
        assert "kex_exchange" in Program(argv, home.env, home.path)(code=255).stderr
        assert first.wait(30) != 0, "it said nothing, and was ended"
