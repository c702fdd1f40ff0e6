"""`unlock` beside the real DataLad."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.comparison import SideBySide, missing_from, normalised
from support.inside import Inside
from support.programs import Program

Sides = Callable[[Path], SideBySide]


@pytest.mark.parametrize(
    "command",
    [
        ("unlock", "notes.txt"),
        ("unlock",),
        ("unlock", "data"),
        ("unlock", "mistyped", "notes.txt", ".gitattributes", "new.txt", "data/one.dat"),
        ("unlock", "-d", ".", "notes.txt"),
    ],
    ids=" ".join,
)
def test_records_and_files_are_those_of_datalad(
    tiny_dataset: Path, annex: Program, git: Program, side_by_side: Sides, command: tuple[str, ...]
) -> None:
    annex("drop", "--force", "data/one.dat", cwd=tiny_dataset)
    (tiny_dataset / "new.txt").write_text("new")
    sides = side_by_side(tiny_dataset)
    ours, theirs = sides.run("-f", "json", *command)
    mine = normalised(ours.records, sides.places)
    assert missing_from(mine, normalised(theirs.records, sides.places)) == []
    assert len(ours.records) == len(theirs.records)
    assert ours.code == theirs.code
    for question in (["status", "--porcelain"], ["ls-files", "-s"]):
        answers = [git(*question, cwd=sides.root / side).text for side in ("ours", "theirs")]
        assert answers[0] == answers[1]
    again, and_again = sides.run("-f", "json", *command)
    assert again.code == and_again.code
    assert (
        missing_from(normalised(again.records, sides.places), normalised(and_again.records, sides.places))
        == []
    )


def test_an_unlocked_file_can_be_written_and_the_annex_keeps_what_it_had(
    tiny_dataset: Path, inside: Inside, datalad: Program, annex: Program
) -> None:
    inside("unlock", "notes.txt", cwd=tiny_dataset)
    file = tiny_dataset / "notes.txt"
    assert not file.is_symlink()
    file.write_text("edited")
    assert "notes.txt" in datalad("status", cwd=tiny_dataset).stdout
    datalad("save", "-d", tiny_dataset)
    annex("fsck", cwd=tiny_dataset)
    assert file.read_text() == "edited"


def test_a_dry_run_changes_nothing(tiny_dataset: Path, inside: Inside, git: Program) -> None:
    answer = inside("unlock", "--dry-run", cwd=tiny_dataset)
    assert "unlock [dry-run](ok): notes.txt (file)" in answer.stdout
    assert git("status", "--porcelain", cwd=tiny_dataset).text == ""


@pytest.mark.parametrize("more", [{}, {"notes.txt": "changed\n"}], ids=["nothing else", "another file"])
def test_a_file_that_was_only_unlocked_is_locked_again_by_a_save(
    tiny_dataset: Path, annex: Program, git: Program, side_by_side: Sides, more: dict[str, str]
) -> None:
    for name, text in more.items():
        (tiny_dataset / name).unlink()
        (tiny_dataset / name).write_text(text)
    annex("unlock", "-q", "data/one.dat", cwd=tiny_dataset)
    sides = side_by_side(tiny_dataset)
    ours, theirs = sides.run("-f", "json", "save")
    mine = normalised(ours.records, sides.places)
    assert missing_from(mine, normalised(theirs.records, sides.places)) == []
    for question in (["status", "--porcelain"], ["ls-files", "-s"], ["ls-tree", "-r", "HEAD"]):
        answers = [git(*question, cwd=sides.root / side).text for side in ("ours", "theirs")]
        assert answers[0] == answers[1]
    assert (sides.root / "ours/data/one.dat").is_symlink()
    annex("fsck", "-q", cwd=sides.root / "ours")
