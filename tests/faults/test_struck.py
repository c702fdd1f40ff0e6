"""A command is killed at any of its system calls, or one of them fails: nothing is lost, nothing is claimed falsely."""

from __future__ import annotations

import errno
import json
import os
import random
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
from support.killing import AS_MANY, spread
from support.programs import Answer, Program
from support.scenes import SCENES, Tools, World
from support.striking import Call, Kind, Striking, compiled

# Saved as many files are, though they are few.
MANY = "save of many"

COMMANDS = ("save", MANY, "get", "drop", "push", "unlock", "update")

# Of these all calls fail, one at a time; killed at what they do they are by test_killed.py.
MORE_COMMANDS = ("create", "create in", "clone", "copy-file", "run", "remove")

# What a call can fail with: a full disk, no right to do it, a disk that gives up.
FULL, DENIED, BROKEN = errno.ENOSPC, errno.EACCES, errno.EIO
READING = (BROKEN, DENIED)
WRITING = (FULL, DENIED, BROKEN)
# A handle that could be opened for writing may be written to; what only takes away needs no room.
INTO_HANDLES = ("write", "pwrite", "ftruncate", "copy_file_range", "sendfile", "fsync", "fdatasync")
TAKING_AWAY = ("unlink", "rmdir", "chmod", "fchmod", "utimensat", "futimens")

# At most so many failures of one command are tried in a campaign; which ones is drawn by lot.
MOST = 60
SEED = 4


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

    def copy(self, name: str) -> Path:
        return self.world.copy(self.world.original.with_name(name))

    def is_finished_by_the_next(self, root: Path, why: str, *, in_parts: bool = False) -> None:
        """See that nothing is lost, that git-annex accepts it, and that the same command finishes the job.

        Where one part of it had failed and the rest was saved (`in_parts`), there may be a commit for each.
        """
        self.world.is_valid(root)
        assert not self.needed - self.world.contents(root), f"{why}: content lost"
        answer = self.striking.again(self.words, root, self.at)
        assert answer.code in (0, 1), f"{why}: {answer}"
        left, wanted = self.world.outcome(root), self.wanted
        if in_parts:
            left, wanted = ({k: v for k, v in d.items() if not k.endswith(" length")} for d in (left, wanted))
        assert left == wanted, f"{why}, and run again: {answer}"
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
    prepare, line, at = SCENES["save" if command == MANY else command]
    prepare(original, tools)
    world = World(original, tools)
    before = AS_MANY if command == MANY else ""
    striking = Striking(home.env, library, tmp_path / "calls", before=before)
    words = shlex.split(line)
    calls: list[Call] = []
    kinds: tuple[Kind, ...] = ("write", "read")
    for kind in kinds:
        whole = world.copy(tmp_path / f"whole-{kind}")
        calls += striking.calls(words, whole, at, kind)
    needed = world.contents(original) & world.contents(whole)
    return Stage(world, words, at, striking, world.outcome(whole), needed, calls)


def is_killed(stage: Stage, call: Call) -> None:
    root = stage.copy(f"killed-{call.number}")
    stage.striking.kill(stage.words, root, stage.at, call)
    stage.is_finished_by_the_next(root, f"killed before {call}")


def fails(stage: Stage, call: Call, error: int) -> None:
    why = f"{os.strerror(error)} at {call}"
    root = stage.copy(f"{call.kind}-{call.number}-{error}")
    answer = stage.striking.fail(stage.words, root, stage.at, call, error)
    if answer.code == 0:
        assert stage.world.outcome(root) == stage.wanted, f"{why}: was said to have worked: {answer}"
    else:
        assert_says_why(answer, error, why)
    stage.is_finished_by_the_next(root, why, in_parts=answer.code != 0)


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


def failures(calls: Iterable[Call], kind: Kind) -> list[tuple[Call, int]]:
    """Give each call with each error that makes sense for it; by lot some of them where there are too many."""
    every = [(call, error) for call in calls if call.kind == kind for error in _errors(call)]
    return every if len(every) <= MOST else sorted(random.Random(SEED).sample(every, MOST))


def _errors(call: Call) -> tuple[int, ...]:
    if call.kind == "read":
        return READING
    if call.text.startswith(INTO_HANDLES):
        return (FULL, BROKEN)
    return (DENIED, BROKEN) if call.text.startswith(TAKING_AWAY) else WRITING


def some(calls: Iterable[Call], kind: Kind, most: int) -> list[Call]:
    chosen = [call for call in calls if call.kind == kind]
    return [chosen[number - 1] for number in spread(len(chosen), most)]


@pytest.mark.parametrize("command", ["save", MANY, "get", "drop", "push"])
def test_a_blow_at_some_calls(stage: Stage) -> None:
    for call in some(stage.calls, "write", 5)[1:-1:2]:
        is_killed(stage, call)
    for call in some(stage.calls, "write", 4)[1:-1]:
        fails(stage, call, FULL)
    for call in some(stage.calls, "read", 3)[1:-1]:
        fails(stage, call, BROKEN)


@pytest.mark.campaign
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("command", COMMANDS)
def test_death_at_every_call_that_writes(stage: Stage) -> None:
    all_of(partial(is_killed, stage, call) for call in some(stage.calls, "write", 10_000))


@pytest.mark.campaign
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("kind", ["write", "read"])
@pytest.mark.parametrize("command", [*COMMANDS, *MORE_COMMANDS])
def test_failure_of_every_call(stage: Stage, kind: Kind) -> None:
    all_of(partial(fails, stage, call, error) for call, error in failures(stage.calls, kind))
