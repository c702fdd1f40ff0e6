"""Processes that work for a command, and the command itself, killed in the middle: nothing lost, nothing claimed, no lock kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.home import Home
from support.inside import Inside
from support.killing import until_alone
from support.programs import Program
from support.samples import write_tree

pytestmark = pytest.mark.native

COUNT = 120

# Runs a command whose workers kill one of their number, all of it, or the command, before their nth step.
PROGRAM = """
import contextlib, os, signal, sys
victim, limit, *words = sys.argv[1:]
main_process, seen = os.getpid(), 0
EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "open"}
def step(event, args):
    global seen
    if event in EVENTS and os.getpid() != main_process:
        seen += 1
        if seen == int(limit):
            with contextlib.suppress(ProcessLookupError):
                os.kill(os.getpid() if victim == "worker" else main_process, NUMBER)
from rookery.annex.nearby import side_by_side
from rookery.cli.main import main
from rookery.core import forks
forks.WORTHWHILE, side_by_side.TOGETHER = 40, 4
forked = []
os.register_at_fork(after_in_parent=lambda: forked.append(1))
sys.addaudithook(step)
code = main(words)
assert len(forked) > 1, "nobody worked for it"
sys.exit(code)
"""


class Places:
    """A dataset, a clone of it and a bare sibling, with 120 files."""

    def __init__(self, root: Path, home: Home, git: Program, annex: Program, inside: Inside) -> None:
        self.root, self.env, self.git, self.annex, self.inside = root, home.env, git, annex, inside

    def built(self, ds: Path) -> None:
        write_tree(ds, {f"{n % 7}/{n}.dat": f"content {n}" for n in range(COUNT)})
        self.inside("save", "-m", "all", cwd=ds)
        self.inside("clone", ds, self.root / "clone")
        self.git("init", "-q", "--bare", self.root / "bare")
        self.annex("init", "-q", cwd=self.root / "bare")
        self.git("remote", "add", "bare", self.root / "bare", cwd=ds)

    def struck(self, victim: str, limit: int, *words: str, cwd: Path, number: int = signal.SIGKILL) -> int:
        program = PROGRAM.replace("NUMBER", str(number))
        line = [sys.executable, "-c", program, victim, str(limit), *words]
        with subprocess.Popen(
            line,
            cwd=cwd,
            env={**self.env, "PWD": str(cwd)},
            start_new_session=True,
            stdout=subprocess.DEVNULL,
        ) as process:
            code = process.wait(timeout=100)
        until_alone(process.pid)
        return code

    def claimed(self, where: str) -> set[str]:
        return set(self.annex("find", "--in=here", "--format=${key}\\n", cwd=self.root / where).lines)

    def at(self, where: str) -> set[str]:
        objects = "annex" if where == "bare" else ".git/annex"
        return {
            p.name
            for p in (self.root / where / objects / "objects").rglob("*")
            if p.is_file() and p.suffix == ".dat"
        }

    def is_sound(self) -> None:
        for where in ("ds", "clone", "bare"):
            self.git("fsck", "--no-dangling", cwd=self.root / where)
            said = self.annex("fsck", *(["--all"] if where == "bare" else []), cwd=self.root / where).text
            assert "failed" not in said
            assert "fixing" not in said.lower(), said


@pytest.fixture
def places(
    tmp_path: Path, home: Home, git: Program, annex: Program, inside: Inside, new_dataset: Callable[..., Path]
) -> Places:
    made = Places(tmp_path, home, git, annex, inside)
    made.built(new_dataset("ds", files={}))
    return made


@pytest.mark.parametrize("victim", ["worker", "command"])
@pytest.mark.parametrize("limit", [1, 30, 61])
@pytest.mark.parametrize("verb", ["get", "drop", "push"])
def test_killed_in_the_middle_the_same_command_finishes(
    places: Places, verb: str, victim: str, limit: int
) -> None:
    where, words = ("ds", ("push", "--to", "bare")) if verb == "push" else ("clone", (verb, "."))
    other = "bare" if verb == "push" else "clone"
    if verb == "drop":
        places.inside("get", ".", cwd=places.root / "clone")
    code = places.struck(victim, limit, *words, cwd=places.root / where)
    assert code == (1 if victim == "worker" else -signal.SIGKILL)
    assert len(places.at("ds")) == COUNT
    there = places.at(other)
    assert len(there) not in (0, COUNT) or limit == 1, "the workers went on, or had not begun"
    if other == "clone":
        assert places.claimed("clone") <= there
    places.inside(*words, cwd=places.root / where)
    assert len(places.at(other)) == (0 if verb == "drop" else COUNT)
    if other == "clone":
        assert places.claimed("clone") == places.at("clone")
    assert len(places.at("ds")) == COUNT
    places.is_sound()
