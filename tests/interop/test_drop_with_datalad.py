"""`drop` beside the real DataLad: the same folder, the same command, the same answer."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from support.comparison import SideBySide, missing_from, normalised, same_lines
from support.programs import Program

Sides = Callable[[Path], SideBySide]


@pytest.fixture
def cloned(tiny_dataset: Path, datalad: Program, tmp_path: Path) -> Path:
    """Give a clone with all content, its origin at `ds`."""
    path = tmp_path / "clone"
    datalad("clone", tiny_dataset, path)
    datalad("get", "-d", path, ".", cwd=path)
    return path


def compare(sides: SideBySide, *command: str, at: str = ".") -> None:
    ours, theirs = sides.run("-f", "json", *command, at=at)
    assert ours.code == theirs.code, ours.stderr + theirs.stderr
    mine = normalised(ours.records, sides.places)
    assert missing_from(mine, normalised(theirs.records, sides.places)) == []
    assert len(ours.records) == len(theirs.records)


COMMANDS = [
    ("drop", "notes.txt"),
    ("drop", "data"),
    ("drop", "."),
    ("drop", "-d", "."),
    ("drop", "notes.txt", "data/one.dat", ".gitattributes"),
    ("drop", "mistyped.txt"),
    ("drop", "../outside"),
    ("drop", "--what", "allkeys", "-d", "."),
    ("drop", "--what", "allkeys", "notes.txt"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_records_are_those_of_datalad(cloned: Path, side_by_side: Sides, command: tuple[str, ...]) -> None:
    sides = side_by_side(cloned)
    compare(sides, *command)
    compare(sides, *command)  # the second time there is nothing left to do


def test_lines_of_refusals_are_those_of_datalad(
    cloned: Path, tiny_dataset: Path, side_by_side: Sides
) -> None:
    shutil.move(tiny_dataset, tiny_dataset.with_name("gone"))
    sides = side_by_side(cloned)
    for command in (["drop", "data"], ["drop", "notes.txt", "data/one.dat"]):
        ours, theirs = sides.run(*command)
        mine, right = same_lines(ours, theirs, sides.places)
        assert mine == right
        assert ours.code == theirs.code == 1


def test_changed_and_untracked_files_are_refused_alike(cloned: Path, side_by_side: Sides) -> None:
    (cloned / "notes.txt").unlink()
    (cloned / "notes.txt").write_text("edited")
    (cloned / "new.txt").write_text("new")
    sides = side_by_side(cloned)
    ours, theirs = sides.run("drop", ".")
    mine, right = same_lines(ours, theirs, sides.places)
    assert sorted(mine) == sorted(right)
    assert ours.code == theirs.code == 1


def test_numcopies_is_honoured_alike(cloned: Path, annex: Program, side_by_side: Sides) -> None:
    annex("numcopies", "2", cwd=cloned)
    sides = side_by_side(cloned)
    compare(sides, "drop", "notes.txt")
    compare(sides, "drop", "--reckless", "availability", "notes.txt")


def test_required_content_stays(cloned: Path, annex: Program, side_by_side: Sides) -> None:
    annex("required", "here", "include=notes.txt", cwd=cloned)
    compare(side_by_side(cloned), "drop", ".")


def compare_whole(sides: SideBySide, cli: Program, datalad: Program, *options: str) -> None:
    mine = cli("drop", *options, "-d", sides.root / "ours", cwd=sides.root, code=None)
    right = datalad("drop", *options, "-d", sides.root / "theirs", cwd=sides.root, code=None)
    ours, theirs = same_lines(mine, right, sides.places)
    assert (ours, mine.code) == (theirs, right.code)
    assert (sides.root / "ours").exists() == (sides.root / "theirs").exists()


def test_a_whole_dataset_goes_only_when_it_is_safe(
    cloned: Path, cli: Program, datalad: Program, side_by_side: Sides
) -> None:
    sides = side_by_side(cloned)
    for side in ("ours", "theirs"):
        (sides.root / side / "more.txt").write_text("more")
    compare_whole(sides, cli, datalad, "--what", "all")  # untracked
    for side in ("ours", "theirs"):
        datalad("save", "-d", sides.root / side)
    compare_whole(sides, cli, datalad, "--what", "all")  # a commit that is nowhere else
    compare_whole(sides, cli, datalad, "--what", "all", "--reckless", "modification")
    compare_whole(sides, cli, datalad, "--what", "all", "--reckless", "availability")
    assert not (sides.root / "ours").exists()


def test_an_annex_that_siblings_believe_in_is_kept(
    cloned: Path, cli: Program, datalad: Program, git: Program, tiny_dataset: Path, side_by_side: Sides
) -> None:
    git("push", "-q", "origin", "git-annex:synced/git-annex", cwd=cloned)
    git("fetch", "-q", "origin", "+git-annex:refs/remotes/origin/git-annex", cwd=cloned)
    git("push", "-q", "origin", "git-annex:git-annex", cwd=cloned)
    sides = side_by_side(cloned)
    compare_whole(sides, cli, datalad, "--what", "all")
    compare_whole(sides, cli, datalad, "--what", "all", "--reckless", "undead")
    assert not (sides.root / "ours").exists()


def test_the_current_folder_is_not_pulled_away(cloned: Path, side_by_side: Sides) -> None:
    ours, theirs = side_by_side(cloned).run("drop", "--what", "all", ".")
    assert ours.code == theirs.code == 1
    assert "would remove the current working directory" in ours.stderr


@pytest.fixture
def nested(new_dataset: Callable[..., Path], datalad: Program, tmp_path: Path) -> Path:
    """Give a clone with a subdataset and one in that, all content present."""
    top = new_dataset("top")
    datalad("create", "-d", top, top / "sub", cwd=top)
    (top / "sub" / "c.dat").write_text("c")
    datalad("create", "-d", top / "sub", top / "sub" / "deep", cwd=top)
    (top / "sub" / "deep" / "d.dat").write_text("d")
    datalad("save", "-r", "-d", top)
    datalad("clone", top, tmp_path / "nested")
    datalad("get", "-r", "-d", tmp_path / "nested", tmp_path / "nested")
    return tmp_path / "nested"


@pytest.mark.parametrize(
    "command",
    [
        ("drop", "sub"),
        ("drop", "sub/"),
        ("drop", "-d", ".", "-r"),
        ("drop", "--what", "all", "sub"),
        ("drop", "--what", "all", "-r", "sub"),
        ("drop", "--what", "datasets", "-r", "sub"),
        ("drop", "--what", "all", "-r", "--reckless", "kill", "sub"),
        ("drop", "--what", "allkeys", "-r", "-d", "."),
    ],
    ids=" ".join,
)
def test_subdatasets_are_treated_alike(nested: Path, side_by_side: Sides, command: tuple[str, ...]) -> None:
    sides = side_by_side(nested)
    compare(sides, *command)
    assert (sides.root / "ours/sub").is_dir()
    for below in ("sub/.git", "sub/c.dat", "sub/deep/.git"):
        here = (sides.root / "ours" / below).exists()
        assert here == (sides.root / "theirs" / below).exists()
