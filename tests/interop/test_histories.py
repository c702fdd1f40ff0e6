"""Random histories, done by Rookery's own engine and by git-annex, leave repositories that are equal."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given, seed, settings
from hypothesis import strategies as st

from support.histories import CONTENTS, NAMES, PLACES, Side, Step, build, copied
from support.home import Home
from support.inside import Inside
from support.programs import Program

# What changes files comes more often than what there is to it.
KINDS = (
    *("write",) * 4, *("save",) * 4, *("get",) * 2, *("drop",) * 2, *("unlock",) * 2, *("update",) * 2, *("copy",) * 2,
    "append", "remove", "rename", "executable", "lock", "publish", "branch", "switch", "merge", "annex add",
    "annex get", "annex drop", "annex metadata", "annex numcopies",
)  # fmt: skip

STEP = st.builds(
    Step,
    st.sampled_from(KINDS),
    st.sampled_from(PLACES),
    st.sampled_from(NAMES),
    st.sampled_from(NAMES),
    st.integers(0, len(CONTENTS) - 1),
)
HISTORY = st.lists(STEP, min_size=6, max_size=14)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("histories") / "template"


@pytest.fixture
def prepared(template: Path, home: Home, git: Program) -> Path:
    if not template.exists():
        build(template, git)
    return template


def done_by(side: Side, history: list[Step]) -> Side:
    for number, step in enumerate(history):
        side.do(step, number)
    side.settle()
    return side


def assert_same(history: list[Step], prepared: Path, git: Program, folder: Path) -> None:
    ours = done_by(copied(prepared, folder / "ours", git, Inside()), history)
    theirs = done_by(copied(prepared, folder / "theirs", git, None), history)
    mine, wanted = ours.state(), theirs.state()
    assert mine == wanted
    ours.check()
    shutil.rmtree(folder)


QUICKLY = settings(
    max_examples=4,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],
)


# `git annex lock` of what came in the place of a link, and is the same: the log does not tell of it.
LOCKED_AGAIN = [Step("write", "other", "a.dat", "a.dat", 2), Step("lock", "other", "a.dat", "a.dat", 0)]


@QUICKLY
@example(history=LOCKED_AGAIN)
@given(history=HISTORY)
def test_some_histories(history: list[Step], prepared: Path, git: Program, tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "sides", ignore_errors=True)
    assert_same(history, prepared, git, tmp_path / "sides")


@pytest.mark.campaign
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("number", range(20))
def test_many_histories(number: int, prepared: Path, git: Program, tmp_path: Path) -> None:
    @seed(number)
    @settings(QUICKLY, max_examples=25, phases=[Phase.generate, Phase.shrink], derandomize=False)
    @given(history=HISTORY)
    def check(history: list[Step]) -> None:
        shutil.rmtree(tmp_path / "sides", ignore_errors=True)
        assert_same(history, prepared, git, tmp_path / "sides")

    check()
