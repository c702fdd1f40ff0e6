"""Renaming that replaces nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from rookery.core.renaming import rename_to_free


def test_a_free_name_is_taken_and_one_in_use_is_not(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "übrig\udcff"
    one.write_text("1")
    rename_to_free(str(one), str(other))
    assert other.read_text() == "1"
    one.write_text("2")
    with pytest.raises(FileExistsError):
        rename_to_free(str(one), str(other))
    assert (one.read_text(), other.read_text()) == ("2", "1")


def test_what_is_not_there_cannot_be_renamed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent"):
        rename_to_free(str(tmp_path / "absent"), str(tmp_path / "new"))
