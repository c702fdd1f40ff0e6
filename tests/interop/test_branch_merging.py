"""Merging git-annex branches: the same commit as git-annex's, whatever was written on either side."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from rookery.annex.branch_merging import joined_lines, merge_fetched
from rookery.core.environment import program_environment
from rookery.core.process import Runner
from rookery.git.repo import open_repo
from support.counting import Started
from support.home import Home
from support.killing import Killing
from support.programs import Program

NOW = 1_900_000_000.0

HERE, THERE = "11111111-2222-4333-8444-555555555555", "66666666-7777-4888-8999-000000000000"
KEY = "000/111/MD5E-s5--d41d8cd98f00b204e9800998ecf8427e.dat"
OTHER = "000/222/WORM-s3-m5--x&cy"

STAMPS = st.sampled_from(["1795678911s", "1795678912s", "1795678912.5s", "1s"])
UUIDS = st.sampled_from([HERE, THERE])
PRESENCE = st.builds("{} {} {}".format, STAMPS, st.sampled_from("01X"), UUIDS)
LINES = {
    f"{KEY}.log": PRESENCE,
    f"{OTHER}.log": st.one_of(PRESENCE, st.sampled_from(["", " ", "what a later version writes", "\r", "é"])),
    f"{KEY}.log.web": st.builds("{} {} http://{}".format, STAMPS, st.sampled_from("01"), st.sampled_from("ab")),
    f"{KEY}.log.met": st.builds("{} {}".format, STAMPS, st.sampled_from(["x +1", "x -1 +2", "y +!YQ=="])),
    f"{KEY}.log.cnk": st.builds("{} {}:100 {}".format, STAMPS, UUIDS, st.sampled_from("0123")),
    "uuid.log": st.builds("{} name timestamp={}".format, UUIDS, STAMPS),
    "trust.log": st.builds("{} {} timestamp={}".format, UUIDS, st.sampled_from("?X10"), STAMPS),
    "numcopies.log": st.builds("{} {}".format, STAMPS, st.sampled_from("123")),
    "group.log": st.builds("{} client timestamp={}".format, UUIDS, STAMPS),
}  # fmt: skip
REFS = ("refs/heads/synced/git-annex", "refs/remotes/a/b/git-annex", "refs/remotes/origin/git-annex")


class Made(NamedTuple):
    """A commit: which of those before it is its parent, and what it changes (None: the log goes)."""

    parent: int
    logs: dict[str, bytes | None]


@st.composite
def texts(draw: st.DrawFn, name: str) -> bytes | None:
    lines = draw(st.lists(LINES[name], min_size=1, max_size=4))
    end = draw(st.sampled_from(["\n", "\n", "\n", ""]))
    return None if draw(st.integers(0, 9)) == 0 else ("\n".join(lines) + end).encode()


@st.composite
def histories(draw: st.DrawFn) -> list[Made]:
    made = []
    for number in range(draw(st.integers(2, 5))):
        names = draw(st.lists(st.sampled_from(sorted(LINES)), max_size=4, unique=True))
        made.append(Made(draw(st.integers(0, number)), {name: draw(texts(name)) for name in names}))
    return made


@pytest.fixture
def original(new_dataset: Callable[..., Path]) -> Path:
    return new_dataset("original", files={})


def build(
    git: Program, at: Path, history: list[Made], heads: dict[str, int], base: str = "git-annex"
) -> None:
    """Write commits on top of the branch as it is, or of `base`, and point refs to them (0 is what they are on)."""
    base = git("rev-parse", base, cwd=at).text
    script = []
    for number, (parent, logs) in enumerate(history, 1):
        script.append(
            b"commit refs/made/%d\nmark :%d\ncommitter A <a@b> %d +0000\ndata 1\nx\n"
            % (number, number, number)
        )
        script.append(b"from %s\n" % (b":%d" % parent if parent else base.encode()))
        for name, text in sorted(logs.items(), key=lambda one: one[1] is not None):
            if text is None:
                script.append(b"D %s\n" % name.encode())
            else:
                script.append(b"M 100644 inline %s\ndata %d\n%s\n" % (name.encode(), len(text), text))
    git("fast-import", "--quiet", cwd=at, stdin=b"".join(script))
    for ref, number in heads.items():
        git("update-ref", ref, f"refs/made/{number}" if number else base, cwd=at)
    for number in range(1, len(history) + 1):
        git("update-ref", "-d", f"refs/made/{number}", cwd=at)


def tip_of(git: Program, at: Path) -> str:
    return git("log", "-1", "--format=%T %P %B", "git-annex", cwd=at).text


def noted(at: Path) -> set[str]:
    return set((at / ".git/annex/mergedrefs").read_text().splitlines())


def merge(at: Path, home: Home) -> None:
    repo = open_repo(at, Runner(program_environment(home.env)))
    merge_fetched(repo, clock=lambda: NOW)


class Bench(NamedTuple):
    """What an example needs: a repository to begin with, and the programs."""

    original: Path
    home: Home
    git: Program
    annex: Program
    count_programs: Callable[[], AbstractContextManager[Started]]

    def compare(self, history: list[Made], heads: dict[str, int], *, indexed: bool) -> None:
        """Have git-annex and us merge the same, each in a copy, and compare what is there then."""
        git, annex, top = self.git, self.annex, self.original.parent
        theirs, ours = top / "theirs", top / "ours"
        for old in (theirs, ours):
            shutil.rmtree(old, ignore_errors=True)
        shutil.copytree(self.original, theirs, symlinks=True)
        build(git, theirs, history, heads)
        (theirs / ".git/annex/index").unlink()
        index = {"GIT_INDEX_FILE": ".git/annex/index"}
        if indexed:
            git("read-tree", "git-annex", cwd=theirs, env=index)
            (theirs / ".git/annex/index.lck").write_text(git("rev-parse", "git-annex", cwd=theirs).stdout)
        shutil.copytree(theirs, ours, symlinks=True)
        before = tip_of(git, ours)
        annex("merge", "--quiet", cwd=theirs)
        with self.count_programs() as started:
            merge(ours, self.home)
        assert all(argv[0] == "git" for argv in started.programs)
        assert tip_of(git, ours) == tip_of(git, theirs)
        if tip_of(git, ours) != before:  # git-annex also notes that it had nothing to do
            assert noted(ours) <= noted(theirs)
        tip, tree = git("rev-parse", "git-annex", "git-annex^{tree}", cwd=ours).lines
        if indexed:
            assert (ours / ".git/annex/index.lck").read_text() == f"{tip}\n"
            assert git("write-tree", cwd=ours, env=index).text == tree
        annex("merge", "--quiet", cwd=ours)
        assert git("rev-parse", "git-annex", cwd=ours).text == tip, "git-annex had to do something more"
        git("fsck", "--no-dangling", cwd=ours)


@pytest.fixture
def bench(
    original: Path, home: Home, git: Program, annex: Program,
    count_programs: Callable[[], AbstractContextManager[Started]],
) -> Bench:  # fmt: skip
    return Bench(original, home, git, annex, count_programs)


@pytest.mark.native
@pytest.mark.parametrize("examples", [8, pytest.param(200, marks=pytest.mark.campaign)])
def test_the_merge_is_the_one_that_git_annex_makes(examples: int, bench: Bench) -> None:
    # An example takes a second, so that to make a failing one smaller would take many minutes.
    @settings(max_examples=examples, phases=[Phase.explicit, Phase.generate])
    @given(history=histories(), data=st.data())
    def compare(history: list[Made], data: st.DataObject) -> None:
        chosen = data.draw(st.lists(st.sampled_from(REFS), min_size=1, unique=True))
        some = st.integers(0, len(history))
        heads = {ref: data.draw(some) for ref in ("refs/heads/git-annex", *chosen)}
        bench.compare(history, heads, indexed=data.draw(st.booleans()))

    compare()


TEXTS = st.lists(st.sampled_from([b"a", b"b", b"", b"c c", b"\r"]), max_size=5).map(b"\n".join)


@given(one=TEXTS, other=TEXTS, third=TEXTS)
def test_the_order_of_merging_changes_no_line(one: bytes, other: bytes, third: bytes) -> None:
    def lines(text: bytes) -> list[bytes]:
        return sorted(text.removesuffix(b"\n").split(b"\n")) if text else []

    left = joined_lines(joined_lines(one, other), third)
    right = joined_lines(one, joined_lines(other, third))
    assert set(lines(left)) == set(lines(right))
    assert set(lines(joined_lines(one, other))) == set(lines(one)) | set(lines(other))
    assert joined_lines(one, one) == one


@pytest.mark.parametrize("oddity", ["transitions.log", "difference.log", "journal", "setting", "folder"])
def test_what_is_more_than_a_union_is_left_to_git_annex(
    oddity: str,
    original: Path,
    home: Home,
    git: Program,
    annex: Program,
    count_programs: Callable[[], AbstractContextManager[Started]],
) -> None:
    line = b"1795678911s 1 %s\n" % HERE.encode()
    logs: dict[str, bytes | None] = {f"{KEY}.log": line}
    if oddity.endswith(".log"):
        logs[oddity] = b"" if oddity == "difference.log" else b"ForgetGitHistory 1795678911s\n"
    if oddity == "folder":
        logs[f"uuid.log/{KEY}.log"] = line
        logs["uuid.log"] = None
    build(
        git, original, [Made(0, logs), Made(0, {"x/y/z.log": line})], {REFS[2]: 1, "refs/heads/git-annex": 2}
    )
    if oddity == "setting":
        git("config", "annex.merge-annex-branches", "false", cwd=original)
    if oddity == "journal":
        annex(
            "numcopies",
            "2",
            "-c",
            "annex.alwayscommit=false",
            "-c",
            "annex.merge-annex-branches=false",
            cwd=original,
        )
    with count_programs() as started:
        merge(original, home)
    assert any(argv[0] == "git-annex" for argv in started.programs)
    if oddity == "journal":
        assert "numcopies.log" in git("ls-tree", "-r", "--name-only", "git-annex", cwd=original).text


def test_merging_while_git_annex_writes_loses_no_line(
    new_dataset: Callable[..., Path], home: Home, git: Program, annex: Program, tmp_path: Path
) -> None:
    ds = new_dataset("busy", files={f"f{number}.dat": f"{number}\n" for number in range(8)})
    lines = [f"1795678911s 1 {HERE[:-2]}{number:02}\n".encode() for number in range(8)]
    base = git("rev-parse", "git-annex", cwd=ds).text
    script = "for n in 0 1 2 3 4 5 6 7; do git annex metadata -q f$n.dat -s n=$n || exit 1; done"
    with subprocess.Popen(["sh", "-c", script], cwd=ds, env=home.env, stdout=subprocess.DEVNULL) as writer:
        for number, line in enumerate(lines):
            # always on top of what the branch was at first, so that no line is taken away by it
            made = [Made(0, {f"{KEY}.log": line})]
            build(git, ds, made, {f"refs/remotes/r{number}/git-annex": 1}, base)
            merge(ds, home)
        assert writer.wait(60) == 0
    merge(ds, home)
    annex("merge", "--quiet", cwd=ds)
    assert set(git("show", f"git-annex:{KEY}.log", cwd=ds).stdout.encode().splitlines(keepends=True)) == set(
        lines
    )
    told = annex("metadata", "--json", cwd=ds).records
    assert sorted(one["fields"]["n"][0] for one in told) == [str(number) for number in range(8)]
    annex("fsck", "--quiet", cwd=ds)
    git("fsck", "--no-dangling", cwd=ds)


def test_a_killed_merge_is_made_again(
    original: Path, home: Home, git: Program, annex: Program, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    git("clone", "-q", original, source)
    annex("init", "source", cwd=source)
    git("remote", "add", "source", source, cwd=original)
    annex("numcopies", "2", cwd=source)
    annex("untrust", "here", cwd=original)
    killing = Killing(home.env, tmp_path / "steps")
    words = ["update", "--how", "merge", "-s", "source"]
    shutil.copytree(original, tmp_path / "whole", symlinks=True)
    steps = killing.steps(words, tmp_path / "whole")
    expected = git("rev-parse", "git-annex^{tree}", cwd=tmp_path / "whole").text
    for step in range(max(1, steps - 12), steps + 1):
        copy = tmp_path / f"killed-{step}"
        shutil.copytree(original, copy, symlinks=True)
        killing.kill(words, copy, step)
        # With git-annex's engine there are so few steps that the fetch is one of them.
        git("fetch", "-q", "source", cwd=copy)
        annex("merge", "--quiet", cwd=copy)
        assert git("rev-parse", "git-annex^{tree}", cwd=copy).text == expected
        git("fsck", "--no-dangling", cwd=copy)
