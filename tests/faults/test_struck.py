"""A command is killed at any of its system calls, or one of them fails: nothing is lost, nothing is claimed falsely."""

from __future__ import annotations

import errno
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from support.datasets import DatasetFactory
from support.home import Home
from support.killing import spread
from support.programs import Answer, Program
from support.scenes import SCENES, Tools, World
from support.striking import Call, Kind, Striking, compiled

COMMANDS = ("save", "get", "drop", "push", "unlock", "update")

# What a call can fail with, each on its own: a full disk, no right to write, a disk that gives up.
FAILURES = {"write": (errno.ENOSPC, errno.EACCES, errno.EIO), "read": (errno.EIO, errno.EACCES)}


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("striking"))


@pytest.fixture
def tools(dataset_factory: DatasetFactory, datalad: Program, git: Program) -> Tools:
    return Tools(dataset_factory, datalad, git)


class Stage(NamedTuple):
    """A prepared world, a command in it, and what the command leaves and must not lose."""

    world: World
    words: list[str]
    at: str
    striking: Striking
    wanted: dict[str, str]
    needed: set[str]
    calls: list[Call]

    def copy(self, call: Call) -> Path:
        return self.world.copy(self.world.original.with_name(f"{call.kind}-{call.number}"))

    def is_finished_by_the_next(self, root: Path, why: str) -> None:
        """See that nothing is lost, that git-annex accepts it, and that the same command finishes the job."""
        self.world.is_valid(root)
        assert not self.needed - self.world.contents(root), f"{why}: content lost"
        answer = self.striking.again(self.words, root, self.at)
        assert answer.code in (0, 1), f"{why}: {answer}"
        assert self.world.outcome(root) == self.wanted, f"{why}, and run again: {answer}"
        assert_logs_are_right(self.world, root, why)
        shutil.rmtree(root)


def assert_logs_are_right(world: World, root: Path, why: str) -> None:
    """See that the git-annex branch says of the content here what is so."""
    for repository in world.repositories(root):
        if not ((repository / ".git/annex").exists() or (repository / "annex").exists()):
            continue
        told = world.tools.git("annex", "fsck", "--fast", "--all", "--json", cwd=repository, code=None)
        for line in told.lines:
            note = json.loads(line)
            assert note["success"], f"{why}: {note}"
            assert "fixing location log" not in note.get("note", ""), f"{why}: {repository.name}: {note}"


@pytest.fixture
def stage(command: str, library: Path, home: Home, tools: Tools, tmp_path: Path) -> Stage:
    original = tmp_path / "original"
    original.mkdir()
    prepare, line, at = SCENES[command]
    prepare(original, tools)
    world = World(original, tools)
    striking = Striking(home.env, library, tmp_path / "calls")
    words = shlex.split(line)
    calls: list[Call] = []
    kinds: tuple[Kind, ...] = ("write", "read")
    for kind in kinds:
        whole = world.copy(tmp_path / f"whole-{kind}")
        calls += striking.calls(words, whole, at, kind)
    needed = world.contents(original) & world.contents(whole)
    return Stage(world, words, at, striking, world.outcome(whole), needed, calls)


def is_killed(stage: Stage, call: Call) -> None:
    root = stage.copy(call)
    stage.striking.kill(stage.words, root, stage.at, call)
    stage.is_finished_by_the_next(root, f"killed before {call}")


def fails(stage: Stage, call: Call, error: int) -> None:
    why = f"{os.strerror(error)} at {call}"
    root = stage.copy(call)
    answer = stage.striking.fail(stage.words, root, stage.at, call, error)
    if answer.code == 0:
        assert stage.world.outcome(root) == stage.wanted, f"{why}: was said to have worked: {answer}"
    else:
        assert_says_why(answer, error, why)
    stage.is_finished_by_the_next(root, why)


def all_of(checks: Iterable[Callable[[], None]]) -> None:
    """Make all checks, so that one run of hours tells all that is wrong."""
    wrong = []
    for check in checks:
        try:
            check()
        except (AssertionError, subprocess.TimeoutExpired) as e:
            wrong.append(str(e))
    assert not wrong, "\n\n".join(wrong)


def assert_says_why(answer: Answer, error: int, why: str) -> None:
    said = answer.stdout + answer.stderr
    assert answer.code == 1, f"{why}: {answer}"
    assert "Traceback" not in said, f"{why}: {said}"
    assert os.strerror(error).lower() in said.lower(), f"{why}: {said}"


def some(calls: Iterable[Call], kind: Kind, most: int) -> list[Call]:
    chosen = [call for call in calls if call.kind == kind]
    return [chosen[number - 1] for number in spread(len(chosen), most)]


@pytest.mark.parametrize("command", ["save", "get", "drop"])
def test_a_blow_at_some_calls(stage: Stage) -> None:
    for call in some(stage.calls, "write", 5)[1:-1:2]:
        is_killed(stage, call)
    for call in some(stage.calls, "write", 4)[1:-1]:
        fails(stage, call, errno.ENOSPC)


@pytest.mark.campaign
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("command", COMMANDS)
def test_death_at_every_call_that_writes(stage: Stage) -> None:
    all_of(partial(is_killed, stage, call) for call in some(stage.calls, "write", 10_000))


@pytest.mark.campaign
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kind", FAILURES)
@pytest.mark.parametrize("command", COMMANDS)
def test_failure_of_every_call(stage: Stage, kind: Kind) -> None:
    errors = FAILURES[kind]
    calls = some(stage.calls, kind, 10_000)
    all_of(partial(fails, stage, call, errors[number % len(errors)]) for number, call in enumerate(calls))
