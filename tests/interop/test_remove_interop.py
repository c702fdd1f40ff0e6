"""remove beside DataLad's: the same lines, the same history, and what is left is usable by the other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.comparison import SideBySide
from support.inside import Inside
from support.programs import Program
from support.samples import binary

LINES = (
    ("remove", "one"),
    ("remove", "-m", "Why", "folder/file", "two.dat"),
    ("remove", "modified"),
    ("remove", "--reckless", "modification", "modified"),
    ("remove", "--drop", "all", "three.dat"),
    ("remove", "--drop", "all", "--reckless", "availability", "three.dat"),
    ("remove", "-d", ".", "sub"),
    ("remove", "../elsewhere"),
    ("remove", "-d", ".", "--reckless", "availability", "sub"),
    ("remove", "."),
)


@pytest.fixture
def prepared(new_dataset: Callable[..., Path], inside: Inside) -> Path:
    files = {name: f"{name}\n" for name in ("one", "modified", "folder/file", "kept")}
    data = {f"{name}.dat": binary(400, seed=n) for n, name in enumerate(("two", "three"))}
    root = new_dataset("prepared", procedure="text2git", files={**files, **data})
    inside("create", "-d", root, root / "sub", cwd=root)
    inside("create", "-d", root / "sub", root / "sub/deep", cwd=root)
    (root / "sub/data").write_bytes(binary(100))
    inside("save", "-d", root, "-r", cwd=root)
    (root / "modified").write_text("not saved\n")
    return root


def test_both_say_and_leave_the_same(
    prepared: Path, side_by_side: Callable[[Path], SideBySide], git: Program
) -> None:
    side = side_by_side(prepared)
    for words in LINES:
        ours, theirs = side.lines(*words)
        assert ours == theirs, words
    left = [git("ls-files", "-s", cwd=side.root / name).lines for name in ("ours", "theirs")]
    assert left[0] == left[1]
    told = [git("log", "--format=%s", cwd=side.root / name).lines for name in ("ours", "theirs")]
    assert told[0] == told[1]
    ours, theirs = side.lines("status")
    assert ours == theirs


def test_both_remove_a_whole_dataset_alike(
    prepared: Path, side_by_side: Callable[[Path], SideBySide]
) -> None:
    side = side_by_side(prepared)
    for name in ("ours", "theirs"):
        (side.root / name / "modified").write_text("modified\n")
    ours, theirs = side.records("remove", "-d", "sub", "--reckless", "availability")
    assert ours == theirs
    (side.root / "ours/sub").mkdir(exist_ok=True)
    (side.root / "theirs/sub").mkdir(exist_ok=True)
    for words in (("remove", "-d", "."), ("status",)):
        ours, theirs = side.lines(*words)
        assert ours[0] == theirs[0]
