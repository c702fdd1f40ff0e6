"""Datasets that we create are DataLad's, and the reverse."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.comparison import SideBySide
from support.programs import Program


@pytest.mark.parametrize(
    "options", [[], ["-c", "text2git"], ["-c", "yoda"], ["--no-annex"], ["-c", "text2git", "-c", "yoda"]]
)
def test_the_same_files_and_clean_for_both(
    cli: Program, datalad: Program, git: Program, annex: Program, tmp_path: Path, options: list[str]
) -> None:
    cli("create", *options, "ours", cwd=tmp_path)
    datalad("create", *options, "theirs", cwd=tmp_path)
    trees = []
    for name in ("ours", "theirs"):
        listed = git("ls-tree", "-r", "HEAD", cwd=tmp_path / name).lines
        # identities differ, and the words of a README are everybody's own
        trees.append(
            [x.split("\t")[1] if x.endswith((".datalad/config", "README.md")) else x for x in listed]
        )
        for program in (cli, datalad):
            assert program("status", cwd=tmp_path / name).lines == ["nothing to save, working tree clean"]
        identity = git("config", "-f", ".datalad/config", "datalad.dataset.id", cwd=tmp_path / name).text
        dumped = datalad("configuration", "get", "datalad.dataset.id", cwd=tmp_path / name).text
        assert identity in dumped
        if "--no-annex" not in options:
            annex("fsck", "-q", cwd=tmp_path / name)
    assert trees[0] == trees[1]


@pytest.mark.parametrize(
    "line",
    [
        "create new",
        "create -d . new",
        "create -d . folder/new",
        "create data",
        "create -d . data",
        "create notes.txt",
        "create full",
        "create --force full",
        "create -d . --force full",
        "create -d . ../outside",
        "create -d . -c text2git new",
        "create --no-annex -D words new",
        "create -d nowhere new",
        "create -d new",
    ],
)
def test_the_same_lines_and_exit_codes(
    side_by_side: Callable[[Path], SideBySide], tiny_dataset: Path, line: str
) -> None:
    (tiny_dataset / "full").mkdir()
    (tiny_dataset / "full" / "file").write_text("x")
    ours, theirs = side_by_side(tiny_dataset).lines(*line.split())
    usage = [x for x in theirs if x.startswith(("usage:", " " * 10))]
    assert [x.partition(" [")[0] for x in ours if "usage" not in x and not x.startswith(" " * 10)] == [
        x.partition(" [")[0] for x in theirs if x not in usage
    ]
