"""Whatever moment a push is killed at, the deposit is whole for everybody, and the next push goes through."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support.deposits import Deposits
from support.killing import spread

MOST = 7


def killed(deposits: Deposits, url: str, work: Path, **watch: str) -> int:
    """Push with force, watched; give the exit code."""
    env = {**deposits.ours.env, "WATCH_PLACE": str(deposits.place()), **watch}
    asked = ["git", "push", "-q", "--force", url, "main"]
    return subprocess.run(asked, cwd=work, env=env, start_new_session=True, check=False).returncode


def start(deposits: Deposits, name: str, *, forced: bool) -> tuple[Path, str, dict[str, str]]:
    """Make a deposit with two branches, and something new to push to one."""
    source = deposits.repository(f"source-{name}")
    url = deposits.url(more="&dlalock=off")
    git = deposits.ours.at(source)
    git("push", "-q", "--mirror", url)
    git("push", "-q", url, "main", "main:other")
    before = deposits.refs(url)
    if forced:
        git("commit", "-q", "--amend", "-m", "otherwise")
    else:
        deposits.commit(source)
    return source, url, before


def _steps(deposits: Deposits, forced: bool) -> int:
    source, url, _ = start(deposits, "count", forced=forced)
    count = deposits.folder / "count"
    assert killed(deposits, url, source, WATCH_COUNT=str(count)) == 0
    return int(count.read_text())


@pytest.mark.parametrize(
    ("forced", "most"),
    [
        (False, MOST),
        pytest.param(True, MOST, marks=pytest.mark.campaign),
        pytest.param(False, 10_000, marks=pytest.mark.campaign),
    ],
)
def test_a_killed_push_leaves_a_whole_deposit(deposits: Deposits, forced: bool, most: int) -> None:
    steps = _steps(deposits, forced)
    assert steps > 20
    for step in spread(steps, most):
        _empty(deposits)
        source, url, before = start(deposits, str(step), forced=forced)
        new = deposits.at(source)
        assert killed(deposits, url, source, WATCH_KILL=str(step)) != 0
        there = deposits.refs(url)
        assert there in (before, {**before, "HEAD": new, "refs/heads/main": new}), step
        for number, (git, at) in enumerate(((deposits.ours, url), (deposits.theirs, deposits.url()))):
            clone = deposits.folder / f"clone-{step}-{number}"
            if git is deposits.theirs and most == MOST and step != steps // 2 + 1:
                continue  # takes long, and reads nothing but the pair
            git("clone", "-q", "--mirror", at, str(clone))
            git("fsck", "--full", cwd=clone)
        assert killed(deposits, url, source) == 0
        assert deposits.refs(url) == {**before, "HEAD": new, "refs/heads/main": new}, step
        assert not list((source / ".git" / "dl-repoannex").glob("*/session-*"))


def _empty(deposits: Deposits) -> None:
    subprocess.run(["chmod", "-R", "u+w", deposits.place()], check=True)
    subprocess.run(
        ["sh", "-c", f"rm -rf '{deposits.place()}'/* '{deposits.place()}'/.rookery-lock"], check=True
    )


@pytest.mark.parametrize(
    "which", ["XDLRA--repo-export", pytest.param("XDLRA--refs", marks=pytest.mark.campaign)]
)
def test_a_push_killed_while_git_annex_carries_it_leaves_a_whole_deposit(
    deposits: Deposits, which: str
) -> None:
    source = deposits.repository()
    url = deposits.url("external")
    git = deposits.ours.at(source)
    git("push", "-q", url, "main", "main:other")
    other = deposits.refs(url)["refs/heads/other"]
    new = deposits.commit(source)
    (deposits.place() / "kill-TRANSFER").write_text(f"STORE {which}")
    asked = ["git", "push", "-q", url, "main"]
    killed = subprocess.run(asked, cwd=source, env=git.env, start_new_session=True, check=False)
    assert killed.returncode < 0
    assert deposits.refs(url)["refs/heads/main"] == new, "the records were through before"
    git("push", "-q", url, "main")
    refs = deposits.place() / "content" / "XDLRA--refs"
    assert f"{new} refs/heads/main" in refs.read_text(), "peers see it after the next"
    assert f"{other} refs/heads/other" in refs.read_text()
