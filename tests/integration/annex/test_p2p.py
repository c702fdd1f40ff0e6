"""Content from and to siblings that speak git-annex's P2P protocol: what we leave is what git-annex would have left."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from rookery.annex import content
from rookery.annex.files import index_files
from rookery.annex.outcome import Outcome
from support.clones import NOW, REPOSITORIES, World, build
from support.counting import Started
from support.deeds import (
    drops,
    drops_some_that_need_two_copies,
    drops_what_an_untrusted_place_has,
    drops_what_is_only_claimed_to_be_elsewhere,
    gets,
    gets_from_the_source,
    gets_what_is_spoilt_or_gone,
    sends,
    sends_by_the_log,
    sends_what_is_there,
)
from support.far import Transport, by_http, by_shell, large, served, stand_in
from support.former import former
from support.home import Home
from support.programs import Program
from support.secure_shell import SecureShell
from support.tls import listening, make_certificate, tls_before

pytestmark = pytest.mark.native

Count = Callable[[], AbstractContextManager[Started]]
Act = Callable[[World], list[Outcome]]

# Files that have a name and a content of their own, locked.
PLAIN = ["deep/er/b.dat", "run.sh", "worm.dat", "empty.dat"]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("template")


@pytest.fixture
def world(template: Path, home: Home, git: Program, tmp_path: Path) -> World:
    made = World(template / "world", home.env, git)
    if not made.root.exists():
        build(made)
    shutil.copytree(made.root, tmp_path / "world", symlinks=True)
    return made._replace(root=tmp_path / "world")


@contextlib.contextmanager
def apart(world: World, transport: Transport) -> Iterator[World]:
    if transport == "ssh":
        yield by_shell(world, stand_in(world.root.with_name(f"{world.root.name}-ssh")))
    else:
        with served(world):
            yield world


def sends_what_is_spoilt(world: World) -> list[Outcome]:
    place = world.object("source", "a.dat")
    place.chmod(0o644)
    place.write_bytes(b"CONTENT 0")
    return world.send("source", "bare")


ACTS: list[tuple[Act, Transport]] = [
    (gets, "ssh"),
    (gets_what_is_spoilt_or_gone, "http"),
    (sends_what_is_there, "ssh"),
    (sends_what_is_spoilt, "http"),
    (drops_some_that_need_two_copies, "ssh"),
    (drops_what_is_only_claimed_to_be_elsewhere, "http"),
]

MORE_ACTS: list[tuple[Act, Transport]] = [
    (gets, "http"),
    (gets_from_the_source, "ssh"),
    (gets_what_is_spoilt_or_gone, "ssh"),
    (sends, "ssh"),
    (sends, "http"),
    (sends_by_the_log, "http"),
    (sends_what_is_there, "http"),
    (sends_what_is_spoilt, "ssh"),
    (drops, "ssh"),
    (drops, "http"),
    (drops_what_is_only_claimed_to_be_elsewhere, "ssh"),
    (drops_what_an_untrusted_place_has, "ssh"),
]


def comparable(outcomes: list[Outcome]) -> list[tuple[Any, ...]]:
    return sorted((o.path or "", o.key, o.ok, o.silent, sorted(o.note.splitlines())) for o in outcomes)


def every(outcomes: Iterable[Outcome], note: str) -> None:
    """Check that all went well and by us: git-annex would have come last, and by another connection."""
    assert [o for o in outcomes if not o.ok or o.silent or o.note != note] == []


@pytest.mark.parametrize(
    ("act", "transport"),
    [*ACTS, *(pytest.param(*one, marks=pytest.mark.campaign) for one in MORE_ACTS)],
)
def test_it_is_as_git_annex_would_have_left_it(
    act: Act, transport: Transport, world: World, count_programs: Count
) -> None:
    with apart(world.copy("other"), transport) as other:
        for name in REPOSITORIES:
            other.set(name, "rookery.engine", "stock")
        theirs = act(other)
        their_state = other.state(times=False)
    with apart(world, transport) as mine:
        with count_programs() as by_us:
            ours = act(mine)
        assert comparable(ours) == comparable(theirs)
        assert mine.state(times=False) == their_state
    assert any("fast-import" in argv for argv in by_us.programs)


# --- over a real ssh ------------------------------------------------------------------------------


def test_ssh_is_started_once_and_git_annex_never(
    world: World, sshbox: SecureShell, count_programs: Count
) -> None:
    world.set("clone", "remote.origin.url", f"{sshbox.host}:{world.root}/source")
    world.set("clone", "remote.bare.url", sshbox.url(world.root / "bare"))
    with count_programs() as started:
        every(world.act("clone", "get", PLAIN), "from origin...")
        keys = [f.key for f in index_files(world.repo("clone")) if f.path in PLAIN]
        sent = content.transfer_keys(world.repo("clone"), "copy", keys, to_remote="bare", clock=lambda: NOW)
        every(sent, "to bare...")
        every(world.act("clone", "drop", PLAIN), "locking origin...")
    programs = [Path(argv[0]).name for argv in started.programs]
    assert programs.count("ssh") == 3
    assert "git-annex" not in programs
    assert sorted(world.annex("bare", "findkeys").split()) == sorted(set(keys))


def test_a_setting_of_gits_says_how_ssh_is_called(world: World) -> None:
    script = stand_in(world.root / "ssh")
    world.set("clone", "remote.origin.url", f"elsewhere:{world.root}/source")
    world.set("clone", "remote.origin.annex-ssh-options", "-4 -o A='b c'")
    world.set("clone", "core.sshCommand", f"{script} -v")
    (outcome,) = world.act("clone", "get", ["run.sh"])
    assert outcome.ok
    assert (script.parent / "log").read_text().startswith("git-annex-shell p2pstdio ")


def test_a_path_below_the_home_there_is_found(world: World) -> None:
    env = {**world.env, "HOME": str(world.root), "GIT_SSH_COMMAND": str(stand_in(world.root / "ssh"))}
    world.set("clone", "remote.origin.url", "elsewhere:source")
    (outcome,) = world._replace(env=env).act("clone", "get", ["run.sh"])
    assert outcome.ok and outcome.note == "from origin..."
    assert len((world.root / "ssh/log").read_text().splitlines()) == 1


# --- whom we speak with ---------------------------------------------------------------------------


def test_another_repository_than_expected_gets_and_gives_nothing(world: World) -> None:
    shell = by_shell(world, stand_in(world.root / "ssh"))
    shell.set("clone", "remote.origin.url", f"ssh://elsewhere{world.root}/bare")
    world.annex("source", "copy", "-q", f"--to={world.root}/bare", code=None)
    (outcome,) = shell.act("clone", "get", ["run.sh"])
    assert not outcome.ok
    assert not os.path.exists(world.root / "clone/run.sh")


def test_a_server_in_a_private_network_is_asked_only_if_that_is_allowed(world: World) -> None:
    with served(world, allowed="10.0.0.1 [127.0.0.1]:1") as apart_:
        (outcome,) = apart_.act("clone", "get", ["run.sh"])
    assert not outcome.ok
    assert not os.path.exists(world.root / "clone/run.sh")


@pytest.mark.parametrize("setting", ["http.sslCAInfo", "http.sslCAPath", None])
def test_a_server_with_an_authority_of_its_own_is_believed_as_git_annex_is_told(
    world: World, setting: str | None, count_programs: Count
) -> None:
    authorities = world.root / "authorities"
    authorities.mkdir()
    certificate = make_certificate(authorities, "localhost")
    listener = listening()
    with served(world, allowed="all") as apart_:
        plain = world.git("config", "remote.origin.annexurl", cwd=world.root / "clone").text
        port = int(plain.rpartition(":")[2])
        url = f"annex+https://localhost:{listener.getsockname()[1]}"
        world.set("clone", "remote.origin.annexurl", url)
        if setting is not None:
            world.set("clone", setting, str(certificate[0] if setting.endswith("Info") else authorities))
        with tls_before(port, listener, certificate):
            with count_programs() as started:
                outcomes = apart_.act("clone", "get", PLAIN)
            if setting is None:
                assert not any(o.ok for o in outcomes)
                return
            every(outcomes, "from origin...")
            assert not [argv for argv in started.programs if argv[0] == "git-annex"]
            world.annex("clone", "drop", "-q", "--force", *PLAIN)
            world.annex("clone", "get", "-q", *PLAIN)  # it goes by the same


@pytest.mark.parametrize("right", [True, False])
def test_a_server_that_wants_a_login_gets_gits(world: World, right: bool) -> None:
    people = {"GIT_ANNEX_P2PHTTP_PASSWORD_robin": "sesame"}
    helper = world.root / "helper"
    helper.write_text(f'#!/bin/sh\necho "$1" >> {world.root}/asked\necho username=robin\necho password=$PW\n')
    helper.chmod(0o755)
    world.set("clone", "credential.helper", str(helper))
    with served(world, "--authenv-http", env=people) as apart_:
        env = {**world.env, "PW": "sesame" if right else "guess"}
        outcomes = apart_._replace(env=env).act("clone", "get", PLAIN)
    asked = (world.root / "asked").read_text().split()
    if right:
        every(outcomes, "from origin...")
        assert asked == ["get", "store"]
    else:
        assert not any(o.ok for o in outcomes)
        assert asked[:2] == ["get", "erase"]
        assert "[here]" not in world.annex("clone", "whereis", "run.sh")


@pytest.mark.parametrize("version", [0, 1, *(pytest.param(n, marks=pytest.mark.campaign) for n in (2, 3))])
def test_a_server_of_former_times_is_understood(world: World, version: int) -> None:
    older = f"VERSION {version}" if version else "WERSION"
    program = (
        "import os, shutil; there = open(0, 'rb', 0); assert there.read(10) == b'VERSION 4\\n'; "
        f"os.write(1, b'{older}\\n'); shutil.copyfileobj(there, open(1, 'wb', 0))"
    )
    through = f'{sys.executable} -c {shlex.quote(program)} | sh -c "$command"; exit'
    shell = by_shell(world, stand_in(world.root / "ssh", through))
    every(shell.act("clone", "get", PLAIN), "from origin...")
    keys = [f.key for f in index_files(world.repo("clone")) if f.path in PLAIN]
    sent = list(content.transfer_keys(shell.repo("clone"), "copy", keys, to_remote="bare", clock=lambda: NOW))
    every(sent, "to bare...")
    every(shell.act("clone", "drop", PLAIN), "locking origin...")
    assert len((world.root / "ssh/log").read_text().splitlines()) == 3
    assert world.annex("clone", "fsck", "--quiet") == world.annex("bare", "fsck", "--quiet") == ""


@pytest.mark.parametrize("version", [0, *(pytest.param(n, marks=pytest.mark.campaign) for n in (1, 2, 3, 4))])
def test_a_server_over_http_of_former_times_is_understood(world: World, version: int) -> None:
    large(world)
    with served(world) as apart_:
        url = world.git("config", "remote.origin.annexurl", cwd=world.root / "clone").text
        with former(int(url.rpartition(":")[2]), version) as server:
            by_http(apart_, server.server_port)
            wanted = [*PLAIN, "large.bin"]
            every(apart_.act("clone", "get", wanted), "from origin...")
            keys = [f.key for f in index_files(world.repo("clone")) if f.path in wanted]
            repo = apart_.repo("clone")
            sent = list(content.transfer_keys(repo, "copy", keys, to_remote="bare", clock=lambda: NOW))
            every(sent, "to bare...")
            every(apart_.act("clone", "drop", wanted), "locking origin...")
    assert {int(asked[1]) for asked in server.asked} == {version}
    assert sorted(world.annex("bare", "findkeys").split()) == sorted(set(keys))
    assert world.annex("clone", "fsck", "--quiet") == world.annex("bare", "fsck", "--quiet") == ""


# What a server says first that follows no version of the protocol, or one that is not out yet.
STRANGE = {
    "a version to come": b"AUTH-SUCCESS %s\nVERSION 99\n",
    "no number": b"AUTH-SUCCESS %s\nVERSION four\n",
    "a greeting": b"Welcome to %s!\n",
    "a refusal": b"AUTH-FAILURE\n",
    "nothing": b"",
}


@pytest.mark.parametrize("said", STRANGE)
def test_a_server_that_speaks_strangely_is_refused_in_words_and_nothing_is_claimed(
    world: World, said: str
) -> None:
    world.annex("clone", "get", "-q", "worm.dat")
    uuid = world.git("config", "annex.uuid", cwd=world.root / "source").text.encode()
    first = STRANGE[said] % uuid if b"%s" in STRANGE[said] else STRANGE[said]
    wait = "open(0, 'rb', 0).read(64)" if first else "None"  # who says nothing is gone
    program = f"import os; os.write(1, {first!r}); {wait}"
    script = stand_in(world.root / "ssh", f"exec {sys.executable} -c {shlex.quote(program)}")
    shell = by_shell(world, script)
    outcomes = [*shell.act("clone", "get", ["run.sh"]), *shell.act("clone", "drop", ["worm.dat"])]
    assert [o.ok for o in outcomes] == [False, False]
    assert all(o.why for o in outcomes)
    assert [f.path for f in index_files(world.repo("clone")) if f.present] == ["worm.dat"]
    told = world.annex("clone", "whereis", "run.sh", "worm.dat")
    assert told.count("[here]") == 1
