"""What a command of the user's sees of our own surroundings."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from support.home import Home
from support.programs import Program


@pytest.fixture
def bare(home: Home) -> Program:
    """`rookery` of a virtual environment that is not activated."""
    return Program([sys.executable, "-m", "rookery"], home.bare_env)


@pytest.mark.parametrize(
    "words", [("run", "--explicit"), ("foreach-dataset", "--o-s", "relpath"), ("foreach-dataset",)]
)
def test_it_does_not_get_the_database_of_git_annexs_libmagic(
    bare: Program, tiny_dataset: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    bare(*words, f"printf '[%s]' \"$MAGIC\" > {tmp_path}/seen", cwd=tiny_dataset)
    assert (tmp_path / "seen").read_text() == "[]"


def test_file_tells_what_a_file_is(bare: Program, tiny_dataset: Path) -> None:
    if shutil.which("file") is None:
        pytest.skip("no file(1) on this machine")
    bare("run", "--explicit", "file notes.txt", cwd=tiny_dataset)


def test_it_finds_git_annex_with_its_rules_for_kinds_of_files(
    bare: Program, git: Program, tiny_dataset: Path
) -> None:
    git("config", "annex.largefiles", "mimetype=text/*", cwd=tiny_dataset)
    (tiny_dataset / "text.txt").write_text("text\n")
    bare("run", "--explicit", "git annex add text.txt", cwd=tiny_dataset)
    assert (tiny_dataset / "text.txt").is_symlink()
