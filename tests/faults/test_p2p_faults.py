"""Connections that break, servers that lie, processes that are killed: nothing is claimed that did not happen."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.annex import content
from rookery.annex.outcome import Outcome
from support import relay
from support.clones import NOW, World, build
from support.far import by_shell, large, stand_in
from support.home import Home
from support.killing import Killing, spread
from support.locking import held
from support.programs import Program

pytestmark = pytest.mark.native

RELAY = Path(relay.__file__)


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


def through(world: World, mode: str = "whole") -> World:
    """Let the repositories reach each other by a relay (support.relay), which cuts the first connection alone."""
    folder = world.root / "ssh"
    log = folder / "log"
    words = f'exec {sys.executable} {RELAY} %s 1000000 {log}.said "$command"'
    later = words % ("whole" if mode in ("comes", "goes") else mode)
    first = f"[ $(wc -l < {log}) = 1 ] && {words % mode}"
    return by_shell(world, stand_in(folder, f"{first}\n{later}"))


def starts(world: World) -> int:
    return len((world.root / "ssh/log").read_text().splitlines())


def is_here(world: World, name: str, path: str) -> tuple[bool, bool]:
    """Say whether a repository has the content, and whether its log says so."""
    told = world.annex(name, "whereis", path, code=None)
    return (world.root / name / path).exists(), "[here]" in told


def failed(outcomes: list[Outcome]) -> bool:
    return [o.ok for o in outcomes] == [False]


def test_a_get_goes_on_where_the_connection_was_cut(world: World) -> None:
    large(world)
    (outcome,) = through(world, "comes").act("clone", "get", ["large.bin"])
    assert outcome.ok and outcome.note == "from origin..."
    said = (world.root / "ssh/log.said").read_bytes()
    assert starts(world) == 2
    offset = int(said.rpartition(b"GET ")[2].split()[0])
    assert 900_000 < offset <= 1_000_000
    assert is_here(world, "clone", "large.bin") == (True, True)
    assert world.annex("clone", "fsck", "--quiet", "large.bin") == ""
    assert not list((world.root / "clone/.git/annex/tmp").iterdir())


def test_a_send_goes_on_where_the_connection_was_cut(world: World) -> None:
    key = large(world)
    cut = through(world, "goes").repo("source")
    (sent,) = content.transfer_keys(cut, "copy", [key], to_remote="bare", clock=lambda: NOW)
    assert sent.ok and sent.note == "to bare..."
    assert starts(world) == 2
    said = (world.root / "ssh/log.said").read_bytes()
    rest = int(said.rpartition(b"DATA ")[2].split(b"\n")[0])
    assert 2_000_000 <= rest < 3_000_000
    assert key in world.annex("bare", "findkeys")
    assert world.annex("bare", "fsck", "--quiet") == ""


def test_git_annex_goes_on_with_what_we_have_left_and_we_with_what_it_has(world: World) -> None:
    key = large(world)
    half = (world.root / "source/large.bin").read_bytes()[:1_500_000]
    for engine in ("native", "stock"):
        drafts = world.root / "clone/.git/annex/tmp"
        drafts.mkdir(exist_ok=True)
        (drafts / key).write_bytes(half)
        world.set("clone", "rookery.engine", engine)
        shutil.rmtree(world.root / "ssh", ignore_errors=True)
        (outcome,) = through(world).act("clone", "get", ["large.bin"])
        assert outcome.ok
        assert b"GET 1500000 " in (world.root / "ssh/log.said").read_bytes()
        assert world.annex("clone", "fsck", "--quiet", "large.bin") == ""
        world.annex("clone", "drop", "-q", "--force", "large.bin")


def test_a_former_attempt_that_was_something_else_is_thrown_away(world: World) -> None:
    key = large(world)
    drafts = world.root / "clone/.git/annex/tmp"
    drafts.mkdir(exist_ok=True)
    (drafts / key).write_bytes(os.urandom(1_500_000))
    (outcome,) = through(world).act("clone", "get", ["large.bin"])
    assert outcome.ok and outcome.note == "from origin..."
    assert starts(world) == 1
    assert world.annex("clone", "fsck", "--quiet", "large.bin") == ""


def test_what_another_process_is_getting_is_left_to_it(world: World) -> None:
    key = large(world)
    folder = world.root / "clone/.git/annex/transfer/download/lck"
    folder.mkdir(parents=True)
    with held(folder / f"lck.{key}", "LOCK_EX"):
        outcomes = through(world).act("clone", "get", ["large.bin"])
    assert failed(outcomes)  # git-annex says so too
    assert is_here(world, "clone", "large.bin") == (False, False)


@pytest.mark.parametrize("size", [None, 3_000_000])
def test_wrong_content_is_refused_and_nobody_is_told_that_it_came(world: World, size: int | None) -> None:
    path = "run.sh"
    if size is not None:
        large(world, size)
        path = "large.bin"
        place = world.object("source", path)
        place.chmod(0o644)
        with place.open("r+b") as content:
            content.write(b"something else")
    outcomes = through(world, "lie").act("clone", "get", [path])
    assert failed(outcomes)
    assert is_here(world, "clone", path) == (False, False)
    world.annex("clone", "fsck", "--quiet", "--all", "--numcopies=1")


def test_a_server_without_room_is_not_said_to_have_anything(world: World) -> None:
    world.set("bare", "annex.diskreserve", "1000000 TB")
    sent = through(world).send("source", "bare")
    assert not any(o.ok for o in sent)
    bare = world.git("config", "annex.uuid", cwd=world.root / "bare").text
    assert bare not in world.annex("source", "whereis", "--all", "--json", code=None)


def test_a_server_that_cannot_write_is_not_said_to_have_anything(world: World) -> None:
    world.env["GIT_ANNEX_SHELL_READONLY"] = "1"
    sent = through(world).send("source", "bare")
    assert not any(o.ok for o in sent)
    bare = world.git("config", "annex.uuid", cwd=world.root / "bare").text
    assert bare not in world.annex("source", "whereis", "--all", "--json", code=None)


def test_a_copy_is_locked_there_before_ours_goes(world: World) -> None:
    world.annex("clone", "get", "-q", "run.sh")
    key = world.annex("clone", "lookupkey", "run.sh").strip()
    (outcome,) = through(world).act("clone", "drop", ["run.sh"])
    assert outcome.ok
    said = (world.root / "ssh/log.said").read_text().splitlines()
    assert said == ["VERSION 4", f"CHECKPRESENT {key}", f"LOCKCONTENT {key}", "UNLOCKCONTENT"]


def test_a_copy_that_is_being_dropped_there_does_not_count(world: World) -> None:
    world.annex("clone", "get", "-q", "run.sh")
    place = world.object("source", "run.sh")
    with held(place.with_name(f"{place.name}.lck"), "LOCK_EX"):
        outcomes = through(world).act("clone", "drop", ["run.sh"])
    assert failed(outcomes)
    assert "origin had the content and does not lock it" in outcomes[0].why
    assert is_here(world, "clone", "run.sh") == (True, True)


COMMANDS = [["get", "."], ["push", "--to", "bare"], ["drop", "."]]


@pytest.mark.parametrize(
    ("words", "times"),
    [
        *((words, 1) for words in COMMANDS),
        *(pytest.param(w, 25, marks=pytest.mark.campaign) for w in COMMANDS),
    ],
)
@pytest.mark.timeout(1200)
def test_a_killed_command_is_finished_by_the_next(
    words: list[str], times: int, world: World, killing: Callable[[World], Killing]
) -> None:
    shell = through(world)
    large(shell, 1_100_000)
    if words[0] != "get":
        shell.annex("clone", "get", "-q")
    target = "bare" if words[0] == "push" else "clone"
    whole = shell.moved("whole")
    steps = killing(shell).steps(words, whole.root / "clone")
    # The first steps are those of the start; the last one is after all is done.
    for step in list(spread(steps, times + 2))[1:-1]:
        killed = shell.moved(f"killed-{step}")
        killing(shell).kill(words, killed.root / "clone", step)
        killed.moved(f"seen-{step}").claims_nothing_that_is_not_there()
        killing(shell).again(words, killed.root / "clone")
        killed.claims_nothing_that_is_not_there()
        assert killed.annex(target, "findkeys") == whole.annex(target, "findkeys")
        shutil.rmtree(killed.root)


@pytest.fixture
def killing(tmp_path: Path) -> Callable[[World], Killing]:
    return lambda world: Killing(world.env, tmp_path / "counter")
