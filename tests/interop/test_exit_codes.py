"""The same command line ends with the same exit code as DataLad's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.comparison import SideBySide

IN_A_DATASET = [
    "status",
    "status --annex all",
    "diff",
    "diff --from HEAD~1 --to HEAD",
    "save",
    "save -m nothing-to-save notes.txt",
    "get data",
    "get nowhere.dat",
    "get data/one.dat nowhere.dat",
    "drop data/one.dat",
    "drop --reckless availability data/one.dat",
    "drop nowhere.dat",
    "unlock data/one.dat",
    "remove --reckless availability data/one.dat",
    "run true",
    "run false",
    "run exit 7",
    "run -i nowhere.dat true",
    "run echo {nonsense}",
    "rerun",
    "rerun nowhere",
    "push",
    "push --to nowhere",
    "update",
    "update -s nowhere",
    "siblings",
    "siblings remove -s nowhere",
    "siblings add -s new",
    "subdatasets",
    "subdatasets --contains nowhere",
    "configuration get datalad.dataset.id",
    "configuration set nonsense",
    "run-procedure nowhere",
    "run-procedure --discover",
    "foreach-dataset true",
    "foreach-dataset false",
    "export-archive out.tar.gz",
    "clone nowhere there",
    "create sub",
    "create -d . sub",
    "create data",
    "install nowhere",
    "copy-file nowhere.dat data",
    "-c datalad.downloaders.retry=0 download-url http://127.0.0.1:1/nothing",
    "--on-failure ignore get nowhere.dat",
    "--on-failure stop get nowhere.dat data",
    "status --nonsense",
    "push --data nonsense",
    "nonsense",
]

OUTSIDE = [
    "status",
    "diff",
    "save",
    "get file",
    "get",
    "drop file",
    "run true",
    "rerun",
    "push",
    "update",
    "siblings",
    "subdatasets",
    "unlock file",
    "remove file",
    "status -d nowhere",
    "save -d nowhere",
    "get -d nowhere file",
    "create",
    "clone",
    "download-url",
    "run-procedure",
]


@pytest.mark.parametrize("line", IN_A_DATASET)
def test_inside_a_dataset(side_by_side: Callable[[Path], SideBySide], tiny_dataset: Path, line: str) -> None:
    ours, theirs = side_by_side(tiny_dataset).run(*line.split())
    assert ours.code == theirs.code, (
        f"DataLad:\n{theirs.stdout}{theirs.stderr}\nRookery:\n{ours.stdout}{ours.stderr}"
    )
    assert "Traceback" not in ours.stderr


@pytest.mark.parametrize("line", OUTSIDE)
def test_outside_of_any_dataset(
    side_by_side: Callable[[Path], SideBySide], tmp_path: Path, line: str
) -> None:
    (tmp_path / "empty").mkdir()
    ours, theirs = side_by_side(tmp_path / "empty").run(*line.split())
    assert ours.code == theirs.code, (
        f"DataLad:\n{theirs.stdout}{theirs.stderr}\nRookery:\n{ours.stdout}{ours.stderr}"
    )
    assert "Traceback" not in ours.stderr
