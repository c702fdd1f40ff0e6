"""Git and git-annex over SSH, with the real clients: what works, what is refused, what else a connection could try."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from support.home import Home, make_home
from support.hub_keys import Keyring
from support.hubs import HubServer, serving
from support.programs import Answer, Program

DATA = b"some content\n" * 100


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Iterator[HubServer]:
    folder = tmp_path_factory.mktemp("served")
    env = make_home(folder / "home", os.environ).env
    with serving(folder / "hub", env, database=new_database(), ssh=True) as server:
        yield server


@pytest.fixture
def keys(home: Home, served: HubServer) -> Keyring:
    return Keyring(home, served)


@pytest.fixture
def ada(keys: Keyring) -> str:
    return keys.person("ada")


@pytest.fixture
def place(served: HubServer, ada: str, request: pytest.FixtureRequest) -> str:
    """Make a repository with the test's name; give its path."""
    name = re.sub(r"\W+", "-", request.node.name).strip("-")[:90]
    served.api("POST", "user/repos", {"name": name, "private": True}, 201, token=ada)
    return f"ada/{name}"


@pytest.fixture
def clone(git: Program, annex: Program, served: HubServer, place: str, tmp_path: Path) -> Path:
    """Make a dataset with two annexed files, whose remote `hub` is the repository."""
    here = tmp_path / "clone"
    git("init", "-q", "-b", "main", here)
    annex("init", "-q", cwd=here)
    (here / "file").write_bytes(DATA)
    (here / "other").write_bytes(b"other\n")
    annex("add", "-q", ".", cwd=here)
    git("commit", "-qm", "two files", cwd=here)
    git("remote", "add", "hub", f"{served.ssh}/{place}.git", cwd=here)
    return here


class Ssh:
    """`ssh` to the hub."""

    def __init__(self, home: Home, served: HubServer) -> None:
        host, _, port = served.ssh.removeprefix("ssh://").rpartition(":")
        self.host, self.options = host, ["-p", port, "-o", "BatchMode=yes"]
        self.program = Program(["ssh"], home.env, home.path)

    def __call__(self, *words: str, code: int = 0, options: tuple[str, ...] = (), host: str = "") -> Answer:
        return self.program(*self.options, *options, host or self.host, *words, code=code, timeout=30)


@pytest.fixture
def ssh(home: Home, served: HubServer) -> Ssh:
    return Ssh(home, served)


def test_git_pushes_clones_fetches_and_archives(
    git: Program, clone: Path, served: HubServer, place: str, tmp_path: Path
) -> None:
    url = f"{served.ssh}/{place}"
    git("push", "-q", "hub", "main", cwd=clone)
    for number, form in enumerate((url, f"{url}.git", f"{served.ssh}/~/{place}")):
        git("clone", "-q", form, tmp_path / str(number))
    (clone / "more").write_bytes(os.urandom(3_000_000))
    git("add", "more", cwd=clone)
    git("commit", "-qm", "more", cwd=clone)
    git("push", "-q", "hub", "main", cwd=clone)
    git("pull", "-q", cwd=tmp_path / "0")
    assert (tmp_path / "0" / "more").read_bytes() == (clone / "more").read_bytes()
    git("archive", "--remote", url, "-o", tmp_path / "out.tar", "HEAD")
    assert "more" in Program(["tar"], git.env)("tf", tmp_path / "out.tar").lines


def test_git_annex_copies_drops_with_a_lock_and_gets(clone: Path, annex: Program, git: Program) -> None:
    git("push", "-q", "hub", "main", cwd=clone)
    annex("copy", "--to", "hub", ".", cwd=clone)
    git("push", "-q", "hub", "--all", cwd=clone)
    annex("drop", ".", cwd=clone)
    assert annex("find", "--in", "here", cwd=clone).text == ""
    annex("get", "-J2", ".", cwd=clone)
    assert (clone / "file").read_bytes() == DATA
    assert "ok" in annex("fsck", "--from", "hub", cwd=clone).stdout
    annex("drop", "--from", "hub", "file", cwd=clone)
    assert annex("find", "--in", "hub", cwd=clone).text == "other"


def test_git_annex_finds_the_server_conforming(clone: Path, annex: Program) -> None:
    annex("copy", "--to", "hub", "file", cwd=clone)
    answer = annex("testremote", "hub", "--fast", "--size=20KiB", cwd=clone)
    assert int(re.findall(r"All (\d+) tests", answer.stdout)[-1]) >= 100


def test_datalad_makes_a_sibling_as_in_the_tutorial_pushes_clones_gets_and_drops(
    datalad: Program, git: Program, served: HubServer, ada: str, tmp_path: Path
) -> None:
    here, there = tmp_path / "made", tmp_path / "cloned"
    datalad("create", here)
    (here / "file").write_bytes(DATA)
    datalad("save", "-d", here, "-m", "a file")
    words = ("--api", served.url, "-s", "hub", "--credential", "hub", "--private")
    datalad("create-sibling-gin", "-d", here, "tutorial", *words, env={"DATALAD_CREDENTIAL_HUB_TOKEN": ada})
    url = served.api("GET", "repos/ada/tutorial", token=ada)["ssh_url"]
    assert url == f"{served.ssh}/ada/tutorial.git"
    assert git("config", "remote.hub.pushurl", cwd=here).text == url
    # the clone address is HTTP, where a token is wanted: here all goes over SSH, as with `--access-protocol ssh`
    git("config", "remote.hub.url", url, cwd=here)
    datalad("push", "-d", here, "--to", "hub")
    datalad("clone", url, there)
    datalad("get", "-d", there, there / "file")
    assert (there / "file").read_bytes() == DATA
    datalad("drop", "-d", there, there / "file")
    assert not (there / "file").exists()


def test_a_reader_reads_and_is_told_why_they_cannot_write(
    served: HubServer, keys: Keyring, ada: str, clone: Path, git: Program, annex: Program, place: str
) -> None:
    git("push", "-q", "hub", "main", cwd=clone)
    annex("copy", "--to", "hub", "file", cwd=clone)
    keys.person("bob")
    served.api("PUT", f"repos/{place}/collaborators/bob", {"permission": "read"}, 204, token=ada)
    git("fetch", "-q", "hub", cwd=clone)
    refused = git("push", "-q", "hub", "main:new", cwd=clone, code=128)
    assert "bob may not write" in refused.stderr
    copied = annex("copy", "--to", "hub", "other", cwd=clone, code=1)
    assert "bob may not store" in copied.stderr
    dropped = annex("drop", "--from", "hub", "--force", "file", cwd=clone, code=1)
    assert "removing content is a right of its own" in dropped.stdout + dropped.stderr
    annex("drop", "--force", "file", cwd=clone)
    annex("get", "file", cwd=clone)


def test_what_is_private_and_what_is_not_there_look_the_same(
    served: HubServer, keys: Keyring, place: str, ssh: Ssh
) -> None:
    keys.person("carol")
    commands = ("git-upload-pack '{}'", "git-receive-pack '{}'", "git-annex-shell configlist '{}'")
    for command in (*commands, "git-upload-archive '{}'", "git-annex-shell p2pstdio '{}' uuid"):
        hidden = ssh(command.format(f"/{place}.git"), code=1)
        absent = ssh(command.format("/ada/nothing.git"), code=1)
        assert hidden.stderr.replace(place, "ada/nothing") == absent.stderr
        assert hidden.stdout == ""


def test_an_append_only_deploy_key_adds_and_takes_nothing_away(
    served: HubServer,
    keys: Keyring,
    ada: str,
    clone: Path,
    git: Program,
    annex: Program,
    place: str,
    ssh: Ssh,
) -> None:
    body = {"title": "robot", "key": keys.make("robot"), "read_only": False, "append_only": True}
    served.api("POST", f"repos/{place}/keys", body, 201, token=ada)
    served.api("POST", "user/repos", {"name": "elsewhere"}, 201, token=ada)
    keys.come_as("robot")
    git("push", "-q", "hub", "main", cwd=clone)
    annex("copy", "--to", "hub", "file", cwd=clone)
    refused = annex("drop", "--from", "hub", "--force", "file", cwd=clone, code=1)
    assert "this repository is append-only; removal denied" in refused.stdout + refused.stderr
    git("commit", "-q", "--amend", "-m", "changed", cwd=clone)
    assert "non-fast-forward" in git("push", "-f", "hub", "main", cwd=clone, code=1).stderr
    assert "denying ref deletion" in git("push", "hub", ":main", cwd=clone, code=1).stderr
    ssh("git-upload-pack '/ada/elsewhere.git'", code=1)


@pytest.mark.parametrize(
    "command",
    [
        "ls",
        "sh -c true",
        "git-upload-pack",
        "git-upload-pack '/ada/x.git' '/ada/y.git'",
        "git-upload-pack '../../etc'",
        "git-upload-pack '/ada/x.git'; ls",
        "git upload-pack '/ada/x.git'",
        "git-annex-shell inannex '/ada/x.git' KEY",
        "git-annex-shell commit '/ada/x.git'",
        "scp -t /tmp",
        "git-lfs-authenticate ada/x.git download",
        "'",
    ],
)
def test_nothing_else_is_done(ada: str, ssh: Ssh, command: str) -> None:
    answer = ssh(command, code=1)
    assert answer.stdout == ""
    assert answer.stderr.startswith("hub: ")


def test_the_ways_in_are_keys_that_are_known(ada: str, keys: Keyring, ssh: Ssh) -> None:
    assert "You are ada" in ssh(code=0).stdout
    ssh("true")
    ssh("true", code=255, host="root@127.0.0.1")
    keys.make("nobody")
    keys.come_as("nobody")
    assert "Permission denied (publickey)" in ssh("true", code=255).stderr


def test_there_are_no_ways_out(ada: str, ssh: Ssh) -> None:
    forwarded = ssh("true", code=255, options=("-R", "0:127.0.0.1:1", "-o", "ExitOnForwardFailure=yes"))
    assert "forwarding failed" in forwarded.stderr
    assert ssh(code=255, options=("-W", "127.0.0.1:22")).stdout == ""
    ssh("sftp", code=255, options=("-s",))


def test_a_key_that_was_taken_away_is_good_for_nothing_on_an_open_connection(
    served: HubServer, ada: str, ssh: Ssh, tmp_path: Path
) -> None:
    multiplexed = ("-o", f"ControlPath={tmp_path}/line")
    ssh("true", options=(*multiplexed, "-M", "-o", "ControlPersist=60"))
    try:
        ssh("true", options=multiplexed)
        for key in served.api("GET", "user/keys", token=ada):
            served.api("DELETE", f"user/keys/{key['id']}", code=204, token=ada)
        assert "this key is not known here" in ssh("true", code=1, options=multiplexed).stderr
    finally:
        ssh.program(*ssh.options, *multiplexed, "-O", "exit", ssh.host, code=None)


def _processes(served: HubServer, words: str) -> set[int]:
    """Give the processes of a hub whose command line has some words in it."""
    assert served.process is not None
    known, found = {served.process.pid}, set()
    for _ in range(3):  # children, theirs, and theirs
        for pid in list(known):
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                known |= {int(child) for child in task.read_text().split()}
    for pid in known:
        with suppress(OSError):
            if words.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" "):
                found.add(pid)
    return found


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_server_comes_back_with_the_same_keys(ada: str, served: HubServer, ssh: Ssh) -> None:
    ssh("true")
    first = _processes(served, "spawn_main")
    assert first
    for pid in first:
        os.kill(pid, signal.SIGKILL)
    ssh("true")  # waits in the socket until somebody serves it again
    second = _processes(served, "spawn_main")
    assert not first & second
    served.kill()
    _until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in second))
    served.start()
    ssh("true")


def test_a_client_that_goes_away_leaves_no_git_behind(
    served: HubServer, place: str, clone: Path, git: Program, ssh: Ssh
) -> None:
    git("push", "-q", "hub", "main", cwd=clone)
    argv = ["ssh", *ssh.options, ssh.host, f"git-upload-pack '/{place}'"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ssh.program.env) as client:
        assert client.stdout is not None
        client.stdout.read(4)
        assert _processes(served, "upload-pack")
        client.kill()
    _until(lambda: not _processes(served, "upload-pack"))
