"""update and DataLad's: the same histories give the same trees, states and records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from support.comparison import SideBySide, missing_from
from support.programs import Program
from support.samples import write_tree


class World(NamedTuple):
    """A folder with a dataset `source` and a clone of it, `clone`, which knows it by a relative path."""

    root: Path
    datalad: Program

    def change(self, which: str, **files: str) -> None:
        for name in files:
            (self.root / which / name).unlink(missing_ok=True)
        write_tree(self.root / which, files)
        self.datalad("save", cwd=self.root / which)


@pytest.fixture
def world(new_dataset: Callable[..., Path], datalad: Program, git: Program, tmp_path: Path) -> World:
    root = tmp_path / "world"
    root.mkdir()
    new_dataset("world/source")
    datalad("clone", "source", "clone", cwd=root)
    git("config", "remote.origin.url", "../source", cwd=root / "clone")
    return World(root, datalad)


def news(world: World) -> None:
    world.change("source", new="news\n")


def nothing(world: World) -> None:
    pass


def both_sides(world: World) -> None:
    world.change("source", theirs="theirs\n")
    world.change("clone", ours="ours\n")


@pytest.mark.parametrize("how", ["fetch", "merge", "ff-only", "reset", "checkout"])
@pytest.mark.parametrize("history", [nothing, news, both_sides])
def test_every_way_ends_where_datalad_ends(
    world: World,
    side_by_side: Callable[[Path], SideBySide],
    git: Program,
    history: Callable[[World], None],
    how: str,
) -> None:
    history(world)
    both = side_by_side(world.root)
    ours, theirs = both.run("-f", "json", "update", "-s", "origin", "--how", how, at="clone")
    assert ours.code == theirs.code
    assert [(r["action"], r["status"]) for r in ours.records] == [
        (r["action"], r["status"]) for r in theirs.records
    ]
    if ours.code == 0:
        again, expected = both.records("update", "-s", "origin", "--how", how, at="clone")
        assert missing_from(again, expected) == []
    states = [
        [
            git("rev-parse", "HEAD^{tree}", "refs/remotes/origin/main", cwd=place).text,
            git("status", "--porcelain", cwd=place).text,
            git("branch", "--show-current", cwd=place).text,
        ]
        for place in (both.root / "ours" / "clone", both.root / "theirs" / "clone")
    ]
    assert states[0] == states[1]


def test_a_conflict_leaves_the_same_state(
    world: World, side_by_side: Callable[[Path], SideBySide], git: Program
) -> None:
    world.change("source", both="theirs\n")
    world.change("clone", both="ours\n")
    both = side_by_side(world.root)
    ours, theirs = both.run("update", "--how", "merge", at="clone", code=1)
    assert ours.lines[-4:] == theirs.lines[-4:]
    for question in (["ls-files", "-u"], ["rev-parse", "HEAD", "MERGE_HEAD"], ["status", "--porcelain"]):
        here, there = (git(*question, cwd=both.root / side / "clone").text for side in ("ours", "theirs"))
        assert here == there


def test_adjusted_branches_go_both_ways(
    world: World, cli: Program, datalad: Program, annex: Program, git: Program
) -> None:
    source, clone = world.root / "source", world.root / "clone"
    git("init", "-q", "--bare", world.root / "hub")
    for place in (source, clone):
        git("remote", "add", "hub", "../hub", cwd=place)
    annex("adjust", "--unlock", cwd=clone)
    cli("push", "--to", "hub", cwd=source)
    write_tree(clone, {"ours": "ours\n"})
    cli("save", cwd=clone)
    cli("update", "-s", "hub", "--how", "merge", cwd=clone)
    cli("push", "--to", "hub", cwd=clone)
    datalad("update", "-s", "hub", "--how", "merge", cwd=source)
    assert (source / "ours").is_symlink()
    write_tree(source, {"theirs": "theirs\n"})
    datalad("save", cwd=source)
    datalad("push", "--to", "hub", cwd=source)
    cli("update", "-s", "hub", "--how", "merge", cwd=clone)
    cli("get", "theirs", cwd=clone)
    assert (clone / "theirs").read_text() == "theirs\n"
    assert not (clone / "theirs").is_symlink()


def test_recursion_says_what_datalad_says(
    world: World, side_by_side: Callable[[Path], SideBySide], datalad: Program, git: Program
) -> None:
    source, clone = world.root / "source", world.root / "clone"
    datalad("create", "-d", source, "sub", cwd=source)
    datalad("update", "--how", "merge", cwd=clone)
    datalad("get", "-n", "sub", cwd=clone)
    git("config", "remote.origin.url", "../../source/sub", cwd=clone / "sub")
    world.change("source/sub", new="news\n")
    both = side_by_side(world.root)
    mine, other = both.lines("update", "-r", "--how", "merge", at="clone")
    assert mine == other
    trees = {
        git("rev-parse", "HEAD^{tree}", cwd=both.root / side / "clone").text for side in ("ours", "theirs")
    }
    assert len(trees) == 1
