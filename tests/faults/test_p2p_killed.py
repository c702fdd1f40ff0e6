"""Clients and servers of the P2P protocol are killed at any moment: nothing is lost, and the next command goes on."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from support import relay
from support.clones import World, build
from support.cutting import Cutting
from support.far import by_http, by_shell, free_port, kill_server, large, stand_in, start_server
from support.home import Home
from support.killing import Killing, spread
from support.programs import Answer, Program

COMMANDS = (("get", "."), ("push", "--to", "bare"), ("drop", "."))


def times(few: int, many: int, commands: Sequence[Sequence[str]] = COMMANDS) -> pytest.MarkDecorator:
    """Have a test done at a few moments of one command by default, and at many of all in a campaign."""
    campaign = [pytest.param(c, many, marks=pytest.mark.campaign, id=f"{c[0]}-{many}") for c in COMMANDS]
    return pytest.mark.parametrize(
        ("command", "moments"), [*(pytest.param(c, few, id=c[0]) for c in commands), *campaign]
    )


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("template")


@pytest.fixture
def world(template: Path, home: Home, git: Program, tmp_path: Path) -> World:
    made = World(template / "world", home.env, git)
    if not made.root.exists():
        build(made)
        large(made, 1_100_000)
    shutil.copytree(made.root, tmp_path / "world", symlinks=True)
    return made._replace(root=tmp_path / "world")


def rookery(world: World) -> Program:
    return Program([sys.executable, "-m", "rookery"], world.env, world.root / "clone")


def made_ready(world: World, command: Sequence[str]) -> None:
    """Have the content in the clone that a command wants to send or drop."""
    if command[0] != "get":
        world.annex("clone", "get", "-q")


def receiver(command: Sequence[str]) -> str:
    return "bare" if command[0] == "push" else "clone"


def is_whole(struck: World) -> None:
    """See that nothing is claimed that is not so; no server may run, which could write while this copies and looks."""
    struck.moved(f"{struck.root.name}-seen").claims_nothing_that_is_not_there()


def is_finished(struck: World, whole: World, command: Sequence[str], why: str) -> None:
    """See that nothing is lost, and that the command goes on when given again."""
    had = set(whole.annex("source", "findkeys").split())
    assert had == set(struck.annex("source", "findkeys").split()), f"{why}: content lost"
    answer = rookery(struck)(*command, code=None)
    assert answer.code == 0, f"{why}: {answer}"
    struck.claims_nothing_that_is_not_there()
    name = receiver(command)
    wanted = sorted(whole.annex(name, "findkeys").split())
    assert sorted(struck.annex(name, "findkeys").split()) == wanted, f"{why}: {answer}"


def says_what_is_so(answer: Answer, struck: World, whole: World, command: Sequence[str], why: str) -> None:
    """See that what was said to be done is done, although somebody was struck down on the way."""
    if answer.code == 0:
        name = receiver(command)
        wanted = sorted(whole.annex(name, "findkeys").split())
        assert sorted(struck.annex(name, "findkeys").split()) == wanted, f"{why}: {answer}"
    else:
        assert answer.code == 1, f"{why}: {answer}"
        assert "Traceback" not in answer.stderr


@times(1, 25, COMMANDS[:1])
@pytest.mark.parametrize("way", ["comes", pytest.param("goes", marks=pytest.mark.campaign)])
@pytest.mark.timeout(3600)
def test_a_server_over_ssh_that_is_killed(
    command: Sequence[str], moments: int, way: str, world: World
) -> None:
    """The relay kills the server of the first connection when so many bytes have passed in one direction."""
    made_ready(world, command)
    whole = _by_relay(world.moved("whole"), "whole", 0)
    rookery(whole)(*command)
    column = ("comes", "goes").index(way)
    counts = (whole.root / "ssh/log.passed").read_text().splitlines()
    total = sum(int(line.split()[column]) for line in counts)
    for limit in list(spread(total, moments + 2))[1:-1]:
        struck = _by_relay(world.moved(f"{way}-{limit}"), way, limit)
        why = f"the server was killed when {limit} bytes of {total} had passed ({way})"
        says_what_is_so(rookery(struck)(*command, code=None), struck, whole, command, why)
        is_whole(struck)
        is_finished(struck, whole, command, why)
        shutil.rmtree(struck.root)


def _by_relay(world: World, mode: str, limit: int) -> World:
    folder = world.root / "ssh"
    log = folder / "log"
    words = f'exec {sys.executable} {relay.__file__} %s {limit} {log}.said "$command"'
    first = f"[ $(wc -l < {log}) = 1 ] && {words % mode}"
    return by_shell(world, stand_in(folder, f"{first}\n{words % 'whole'}"))


@times(1, 25, COMMANDS[:1])
@pytest.mark.timeout(3600)
def test_a_client_over_http_that_is_killed(
    command: Sequence[str], moments: int, world: World, tmp_path: Path
) -> None:
    made_ready(world, command)
    port = free_port()
    killing = Killing(world.env, tmp_path / "counter")
    whole = world.moved("whole")
    server = start_server(whole, port)
    try:
        by_http(whole, port)
        steps = killing.steps(command, whole.root / "clone")
        for step in list(spread(steps, moments + 2))[1:-1]:
            kill_server(server)
            struck = world.moved(f"step-{step}")
            server = start_server(struck, port)
            by_http(struck, port)
            killing.kill(command, struck.root / "clone", step)
            kill_server(server)
            is_whole(struck)
            server = start_server(struck, port)
            is_finished(struck, whole, command, f"killed at {step} of {steps}")
            shutil.rmtree(struck.root)
    finally:
        kill_server(server)


class Killed:
    """A server over HTTP that is killed and started again when so many bytes have passed."""

    def __init__(self, world: World, port: int, limit: int | None) -> None:
        self.world = world
        self.port = port
        self.server = start_server(world, port)
        self.cutting = Cutting(port, self._again)
        if limit is not None:
            self.cutting.after(limit)
        by_http(world, self.cutting.port)

    def _again(self) -> None:
        self.stop()
        self.server = start_server(self.world, self.port)

    def stop(self) -> None:
        """Kill the server."""
        kill_server(self.server)

    def is_whole(self) -> None:
        """See without the server that nothing is claimed that is not so, and start it again."""
        self.stop()
        is_whole(self.world)
        self.server = start_server(self.world, self.port)

    def close(self) -> None:
        """End it."""
        self.cutting.close()
        self.stop()


@pytest.fixture
def port() -> int:
    return free_port()


@times(1, 25, COMMANDS[:1])
@pytest.mark.timeout(3600)
def test_a_server_over_http_that_is_killed(
    command: Sequence[str], moments: int, world: World, port: int
) -> None:
    made_ready(world, command)
    whole = world.moved("whole")
    served = Killed(whole, port, None)
    try:
        rookery(whole)(*command)
    finally:
        served.close()
    total = served.cutting.passed
    for limit in list(spread(total, moments + 2))[1:-1]:
        struck = world.moved(f"bytes-{limit}")
        why = f"the server was killed when {limit} bytes of {total} had passed"
        served = Killed(struck, port, limit)
        try:
            says_what_is_so(rookery(struck)(*command, code=None), struck, whole, command, why)
            served.is_whole()
            is_finished(struck, whole, command, why)
        finally:
            served.close()
        shutil.rmtree(struck.root)
