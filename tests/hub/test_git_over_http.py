"""Git's smart HTTP with the real Git: clone, fetch, push, and what must not be."""

from __future__ import annotations

import gzip
import random
import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.hubs import PASSWORD, HubServer, serving
from support.programs import Program


@pytest.fixture(scope="module")
def ada(served: HubServer) -> str:
    return served.add_user("ada", password=PASSWORD)


@pytest.fixture(scope="module")
def bob(served: HubServer) -> str:
    return served.add_user("bob")


@pytest.fixture
def clone(git: Program, tmp_path: Path) -> Path:
    """Make a repository with one commit."""
    here = tmp_path / "clone"
    git("init", "-q", "-b", "master", here)
    (here / "file").write_text("text\n")
    git("add", ".", cwd=here)
    git("commit", "-qm", "first", cwd=here)
    return here


def test_push_and_clone_with_a_token(
    served: HubServer, ada: str, git: Program, clone: Path, tmp_path: Path
) -> None:
    made = served.api("POST", "user/repos", {"name": "one"}, 201, token=ada)
    assert made["private"]
    assert made["empty"]
    url = served.at("ada", ada, "ada/one")
    git("push", "-q", url, "master", cwd=clone)
    git("clone", "-q", url + ".git", tmp_path / "again")
    assert (tmp_path / "again" / "file").read_text() == "text\n"
    told = served.api("GET", "repos/ada/one", token=ada)
    assert (told["default_branch"], told["empty"]) == ("master", False), (
        "HEAD follows the branch that was pushed"
    )
    git("fsck", "--strict", cwd=served.folder / "repositories" / "1.git")


@pytest.mark.parametrize("who", ["password", "token as name", "token as password"])
def test_all_ways_to_say_who_one_is(served: HubServer, ada: str, git: Program, who: str) -> None:
    served.api("POST", "user/repos", {"name": who.replace(" ", "-")}, 201, token=ada)
    name, word = {
        "password": ("ada", PASSWORD.replace(" ", "%20")),
        "token as name": (ada, ""),
        "token as password": ("git", ada),
    }[who]
    git("ls-remote", served.at(name, word, f"ada/{who.replace(' ', '-')}"))


def test_strangers_and_outsiders_learn_nothing_of_what_is_private(
    served: HubServer, ada: str, bob: str, git: Program
) -> None:
    served.api("POST", "user/repos", {"name": "hidden"}, 201, token=ada)
    said = []
    for name in ("hidden", "nothing"):
        answer = git("ls-remote", f"{served.url}/ada/{name}", code=128, env={"GIT_TERMINAL_PROMPT": "0"})
        assert "could not read Username" in answer.stderr
        said.append(
            git("ls-remote", served.at("bob", bob, f"ada/{name}"), code=128).stderr.replace(name, "*")
        )
    assert said[0] == said[1]


def test_readers_do_not_push(served: HubServer, ada: str, bob: str, git: Program, clone: Path) -> None:
    served.api("POST", "user/repos", {"name": "open", "private": False}, 201, token=ada)
    git("ls-remote", f"{served.url}/ada/open")
    refused = git("push", served.at("bob", bob, "ada/open"), "master", cwd=clone, code=128)
    assert "403" in refused.stderr
    served.api("PUT", "repos/ada/open/collaborators/bob", {"permission": "write"}, 204, token=ada)
    git("push", "-q", served.at("bob", bob, "ada/open"), "master", cwd=clone)


def test_an_append_only_token_moves_branches_forward_alone(
    served: HubServer, ada: str, git: Program, clone: Path
) -> None:
    served.api("POST", "user/repos", {"name": "log"}, 201, token=ada)
    with served.beside() as hub:
        _, only = hub.opened.hub.accounts.add_token(hub.person("ada"), "only", append_only=True)
    url = served.at("ada", only, "ada/log")
    git("push", "-q", url, "master", cwd=clone)
    git("commit", "-q", "--allow-empty", "-m", "second", cwd=clone)
    git("push", "-q", url, "master", cwd=clone)
    git("reset", "-q", "--hard", "HEAD~1", cwd=clone)
    git("commit", "-q", "--allow-empty", "-m", "other", cwd=clone)
    git("push", "-q", "-f", url, "master", cwd=clone, code=1)
    git("push", "-q", url, ":master", cwd=clone, code=1)
    git("push", "-q", "-f", served.at("ada", ada, "ada/log"), "master", cwd=clone)


def test_a_large_push_goes_through_in_both_protocols(
    served: HubServer, ada: str, git: Program, clone: Path, tmp_path: Path
) -> None:
    served.api("POST", "user/repos", {"name": "large"}, 201, token=ada)
    (clone / "noise").write_bytes(random.Random(1).randbytes(12_000_000))
    git("add", ".", cwd=clone)
    git("commit", "-qm", "noise", cwd=clone)
    url = served.at("ada", ada, "ada/large")
    git("push", "-q", url, "master", cwd=clone)
    for version in ("0", "2"):
        git("-c", f"protocol.version={version}", "clone", "-q", url, tmp_path / version)
        assert (tmp_path / version / "noise").read_bytes() == (clone / "noise").read_bytes()
    git("fetch", "-q", "--depth=1", url, cwd=clone)
    git("clone", "-q", "--filter=blob:none", "--no-checkout", url, tmp_path / "partial")


def test_damaged_history_is_refused(served: HubServer, ada: str, git: Program, clone: Path) -> None:
    served.api("POST", "user/repos", {"name": "damaged"}, 201, token=ada)
    blob = git("hash-object", "-w", "--stdin", cwd=clone, stdin="x").text
    tree = git("mktree", cwd=clone, stdin=f"100644 blob {blob}\t.git\n").text
    commit = git("commit-tree", tree, "-m", "evil", cwd=clone).text
    url = served.at("ada", ada, "ada/damaged")
    refused = git("push", url, f"{commit}:refs/heads/master", cwd=clone, code=1)
    assert "hasDotgit" in refused.stderr
    assert git("ls-remote", url).text == ""


def test_a_packed_body_that_grows_beyond_the_limit_is_refused(served: HubServer, ada: str) -> None:
    served.api("POST", "user/repos", {"name": "bomb"}, 201, token=ada)
    packed = gzip.compress(bytes(70 << 20))
    reply = served.ask(
        "POST", "ada/bomb/git-upload-pack", packed, token=ada, headers={"Content-Encoding": "gzip"}
    )
    assert reply.status == 413


def test_a_push_that_breaks_off_changes_nothing(
    served: HubServer, ada: str, git: Program, clone: Path
) -> None:
    served.api("POST", "user/repos", {"name": "broken"}, 201, token=ada)
    sha = git("rev-parse", "HEAD", cwd=clone).text
    line = f"{'0' * 40} {sha} refs/heads/master\0report-status".encode()
    body = b"%04x%s0000" % (len(line) + 4, line) + b"PACK\0\0\0\x02\0\0\0\x03"
    host, _, port = served.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as wire:
        login = b64encode(f"ada:{ada}".encode()).decode()
        head = f"POST /ada/broken/git-receive-pack HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {login}\r\n"
        wire.sendall(f"{head}Content-Length: {len(body) + 1000}\r\n\r\n".encode() + body)
    assert git("ls-remote", served.at("ada", ada, "ada/broken")).text == ""


def git_processes(served: HubServer) -> list[str]:
    """Give the Git programs that work on the hub's repositories."""
    listed = Program(["ps", "-e", "-o", "args"], {"PATH": "/usr/bin:/bin"}, "/")()
    return [line for line in listed.lines if "-pack" in line and str(served.folder) in line]


def test_the_audit_log_says_what_a_push_moved_and_what_was_refused(
    served: HubServer, ada: str, git: Program, clone: Path
) -> None:
    served.api("POST", "user/repos", {"name": "audited"}, 201, token=ada)
    url = served.at("ada", ada, "ada/audited")
    git("push", "-q", url, "master", "master:old", cwd=clone)
    commit = git("rev-parse", "master", cwd=clone).text
    changed = served.api("GET", "repos/ada/audited", token=ada)["updated_at"]
    tokens = served.api(
        "POST", "users/ada/tokens", {"name": "adds", "append_only": True}, 201, basic=("ada", PASSWORD)
    )
    git("push", "-q", served.at("ada", tokens["sha1"], "ada/audited"), ":old", cwd=clone, code=1)
    assert served.api("GET", "repos/ada/audited", token=ada)["updated_at"] == changed
    git("push", "-q", url, ":old", cwd=clone)
    with served.beside() as hub, hub.opened.database.reading() as work:
        pushes = [event for event in work.audit.newest(subject="ada/audited") if event.action == "push"]
    assert [event.outcome for event in reversed(pushes)] == [
        f"master {commit[:10]}, old {commit[:10]}",
        "nothing changed",
        "old removed",
    ]


@pytest.fixture
def hasty(tmp_path: Path, cli: Program) -> Iterator[HubServer]:
    """Serve a hub that lets Git work for four seconds, in two places."""
    limits = {"ROOKERY_HUB_LIMITS_GIT_SECONDS": "4", "ROOKERY_HUB_LIMITS_GIT_PROCESSES": "2"}
    with serving(tmp_path / "hub", {**cli.env, **limits}) as server:
        yield server


@pytest.mark.campaign
def test_who_reads_slowly_keeps_no_git_and_no_place(
    hasty: HubServer, git: Program, clone: Path, tmp_path: Path
) -> None:
    eve = hasty.add_user("eve")
    hasty.api("POST", "user/repos", {"name": "slow", "private": False}, 201, token=eve)
    git("branch", "tiny", cwd=clone)
    (clone / "noise").write_bytes(random.Random(1).randbytes(30_000_000))
    git("add", ".", cwd=clone)
    git("commit", "-qm", "noise", cwd=clone)
    git("push", "-q", hasty.folder / "repositories" / "1.git", "master", "tiny", cwd=clone)
    sha = git("rev-parse", "HEAD", cwd=clone).text
    lines = [f"want {sha}\n", "", "done\n"]
    body = "".join(f"{len(line) + 4:04x}{line}" if line else "0000" for line in lines).encode()
    head = f"POST /eve/slow/git-upload-pack HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    host, _, port = hasty.url.removeprefix("http://").partition(":")
    with ExitStack() as wires:
        for _ in range(3):  # more than there are places
            wire = wires.enter_context(socket.create_connection((host, int(port))))
            wire.sendall(head.encode() + body)
            assert wire.recv(1) == b"H"
        git("init", "-q", tmp_path / "other")
        git("fetch", "-q", f"{hasty.url}/eve/slow", "tiny", cwd=tmp_path / "other", timeout=60)
        while git_processes(hasty):
            time.sleep(0.1)


def test_the_hub_stops_and_starts_again_with_all_it_had(
    tmp_path: Path, cli: Program, git: Program, clone: Path
) -> None:
    server = HubServer(tmp_path / "hub", cli.env)
    token = server.add_user("eve")
    server.start()
    server.api("POST", "user/repos", {"name": "kept"}, 201, token=token)
    git("push", "-q", server.at("eve", token, "eve/kept"), "master", cwd=clone)
    server.kill()
    server.start()
    assert "refs/heads/master" in git("ls-remote", server.at("eve", token, "eve/kept")).text
    code, said = server.stop()
    assert (code, said) == (0, "")
