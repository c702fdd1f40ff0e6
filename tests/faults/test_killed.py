"""A command killed at any moment leaves valid repositories with all content, and finishes when it is run again."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from support.datasets import DatasetFactory
from support.home import Home
from support.killing import AS_MANY, Killing, spread
from support.programs import Program
from support.scenes import SCENES, Tools, World

# Saved as many files are, though they are few.
MANY = "save of many"


@pytest.fixture(params=[*SCENES, MANY])
def scene(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def survive(name: str, most: int, home: Home, tools: Tools, tmp_path: Path) -> None:
    prepared = tmp_path / "original"
    prepared.mkdir()
    prepare, line, at = SCENES["save" if name == MANY else name]
    prepare(prepared, tools)
    world = World(prepared, tools)
    words = shlex.split(line)
    killing = Killing(home.env, tmp_path / "steps", before=AS_MANY if name == MANY else "")
    whole = world.copy(tmp_path / "whole")
    steps = killing.steps(words, whole / at)
    wanted = world.outcome(whole)
    needed = world.contents(prepared) & world.contents(whole)
    for step in spread(steps, most):
        root = world.copy(tmp_path / f"killed-{step}")
        killing.kill(words, root / at, step)
        world.is_valid(root)
        lost = needed - world.contents(root)
        assert not lost, f"killed at {step} of {steps}: content lost"
        said = killing.again(words, root / at)
        assert world.outcome(root) == wanted, f"killed at {step} of {steps} and run again\n{said}"
        world.is_valid(root)
        shutil.rmtree(root)


@pytest.fixture
def tools(dataset_factory: DatasetFactory, datalad: Program, git: Program) -> Tools:
    return Tools(dataset_factory, datalad, git)


def test_some_deaths(scene: str, home: Home, tools: Tools, tmp_path: Path) -> None:
    survive(scene, 3, home, tools, tmp_path)


@pytest.mark.campaign
@pytest.mark.timeout(1800)
def test_every_death(scene: str, home: Home, tools: Tools, tmp_path: Path) -> None:
    survive(scene, 10_000, home, tools, tmp_path)
