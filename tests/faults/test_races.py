"""Rookery, git-annex and Git at work in one repository at once: no commit, no line of a log, no copy is lost."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.histories import REPOSITORIES, build, locations, objects
from support.programs import Answer, Program

# Content that comes and goes: moved by us alone, and by everybody.
OURS = tuple(f"ours{n}.dat" for n in range(4))
SHARED = tuple(f"shared{n}.dat" for n in range(4))

# What Git says when another process is at it; whoever wrote the command gives it again.
BUSY = re.compile(r"index\.lock|cannot lock ref|unable to lock|is at \w+ but expected|Another git process")


class Arena:
    """The repositories, and what those who were told that something worked may rely on."""

    def __init__(self, root: Path, cli: Program, git: Program) -> None:
        self.work = root / "work"
        self.root = root
        self.cli = cli.at(self.work)
        self.git = git.at(self.work)
        self.commits: list[str] = []
        self.saved: dict[str, bytes] = {}

    def prepare(self) -> None:
        build(self.root, self.git)
        for name in (*OURS, *SHARED):
            (self.work / name).write_bytes(b"\0content of " + name.encode())
        self.git("annex", "add", "-q", ".")
        self.git("commit", "-qm", "Content that comes and goes")
        self.git("annex", "copy", "-q", "--to=bare")
        self.git("push", "-q", "bare", "main", "git-annex:refs/heads/synced/git-annex")
        self.git("annex", "merge", "-q", cwd=self.root / "bare")

    def insisting(self, *words: str) -> Answer:
        """Give a Git command until no other one is in its way.

        `git annex add` ends well also where another one held the index, and says
        only on standard error that nothing was staged (10.20261026).
        """
        for _ in range(200):
            answer = self.git(*words, code=None)
            if not BUSY.search(answer.stderr):
                return answer
        raise AssertionError(answer)

    def new(self, kind: str, number: int, data: bytes) -> str:
        name = f"{kind}{number}.dat"
        (self.work / name).write_bytes(data)
        return name

    def saves(self, number: int) -> None:
        for kind in ("save", "same"):
            data = f"\0{kind} {number // 2 if kind == 'same' else number}".encode()
            name = self.new(kind, number, data)
            answer = self.cli("-f", "json", "save", "-m", name, name, code=None)
            assert answer.code == 0, answer
            self.saved[name] = data
            self.commits += [r["commit"] for r in answer.records if r["action"] == "save" and "commit" in r]

    def adds(self, number: int) -> None:
        data = b"\0added %d" % number
        name = self.new("added", number, data)
        self.saved[name] = data
        self._commits(name, "annex", "add", name)

    def tracks(self, number: int) -> None:
        name = f"text{number}.txt"
        (self.work / name).write_text(name)
        self.saved[name] = name.encode()
        self._commits(name, "add", name)

    def _commits(self, name: str, *add: str) -> None:
        """Stage a file and commit it.

        Git reads the index before it locks it (2.39.5): `git commit -- FILE` now and
        then takes back what a `git add` of another file staged meanwhile (one of 1,239
        beside 605 commits, without us and git-annex).  It is staged again then.
        """
        for _ in range(20):
            staged = self.insisting(*add)
            assert staged.code == 0, staged
            answer = self.insisting("commit", "-m", name, "--", name)
            if "did not match any file" not in answer.stderr:
                break
        if answer.code == 0:
            short = re.match(r"\[\S+ (\w+)\]", answer.stdout)
            assert short, answer
            self.commits.append(short[1])
        else:
            # a sync was there first
            assert "nothing" in answer.stdout or "no changes" in answer.stdout, answer

    def moves(self, number: int) -> None:
        chance = random.Random(number)
        for verb in ("drop", "get"):
            self.cli(verb, *chance.sample((*OURS, *SHARED), 4), code=None)

    def moves_by_git_annex(self, number: int) -> None:
        chance = random.Random(number)
        for verb in ("drop", "get"):
            self.git("annex", verb, "-q", *chance.sample(SHARED, 2), code=None)

    def publishes(self, number: int) -> None:
        if number % 2:
            self.git("annex", "sync", "-q", "--no-content", "bare", code=None)
        else:
            self.cli("push", "--to", "bare", code=None)

    def everybody(self) -> Iterator[Callable[[int], None]]:
        yield from (self.saves, self.saves_too, self.adds, self.tracks)
        yield from (self.moves, self.moves, self.moves_by_git_annex, self.publishes)

    def saves_too(self, number: int) -> None:
        self.saves(number + 100_000)


def run(arena: Arena, rounds: int) -> None:
    def act(numbered: tuple[int, Callable[[int], None]]) -> None:
        number, actor = numbered
        for turn in range(rounds):
            actor(1000 * number + turn)

    with ThreadPoolExecutor(8) as pool:
        for _ in pool.map(act, enumerate(arena.everybody())):
            pass  # what went wrong is raised here


def check(arena: Arena) -> None:
    git = arena.git
    git("annex", "merge", "-q", cwd=arena.root / "bare")
    git("fetch", "-q", "bare")
    git("annex", "merge", "-q")
    history = git("rev-list", "main").lines
    lost = [commit for commit in arena.commits if not any(known.startswith(commit) for known in history)]
    assert not lost
    tree = set(git("ls-tree", "-r", "--name-only", "main").lines)
    assert set(arena.saved) - tree == set()
    stored = {name: set(objects(arena.root / name)) for name in REPOSITORIES}
    for name in (*OURS, *SHARED):
        assert git("annex", "lookupkey", name).text in stored["work"] | stored["bare"], f"{name} is lost"
    for name, data in arena.saved.items():
        assert (arena.work / name).read_bytes() == data
    check_logs(arena, stored)
    for name in REPOSITORIES:
        git("fsck", "--no-dangling", "--no-progress", cwd=arena.root / name)
        git("annex", "fsck", "--quiet", "--all", "--numcopies=1", cwd=arena.root / name, code=None)
    assert not list(arena.root.rglob("annex/bad/*")), "there was corrupt content"


def check_logs(arena: Arena, stored: dict[str, set[str]]) -> None:
    """See that the logs say what is so, but for content that git-annex moved too: it may overtake itself there."""
    moved = {arena.git("annex", "lookupkey", name).text for name in SHARED}
    uuid = {name: arena.git("config", "annex.uuid", cwd=arena.root / name).text for name in REPOSITORIES}
    told = dict(locations(arena.git))
    for name in ("work", "bare"):
        claimed = {key for key, places in told.items() if uuid[name] in places}
        assert claimed - moved == stored[name] - moved, f"{name}: the log is wrong"


@pytest.mark.parametrize("rounds", [2, pytest.param(60, marks=pytest.mark.campaign)])
@pytest.mark.timeout(3600)
def test_nothing_is_lost_where_all_work_at_once(
    rounds: int, cli: Program, git: Program, tmp_path: Path
) -> None:
    arena = Arena(tmp_path / "arena", cli, git)
    arena.root.mkdir()
    arena.prepare()
    run(arena, rounds)
    check(arena)
