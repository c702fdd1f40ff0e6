"""Records are DataLad's: each of its records is among ours, with every key and value; ours may say more."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from support.comparison import SideBySide, missing_from
from support.datasets import DatasetFactory
from support.programs import Program
from support.samples import binary, write_tree


@pytest.fixture(scope="module")
def changed(dataset_factory: DatasetFactory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset with one of each: subdataset, absent content, changes of every kind, a tag."""
    root = dataset_factory.copy(tmp_path_factory.mktemp("changed") / "ds")
    datalad = dataset_factory.datalad.at(root)
    git = Program(["git"], datalad.env, root)
    datalad("create", "-d", ".", "sub")
    datalad("drop", "--reckless", "availability", "data/two.dat")
    git("tag", "before")
    write_tree(root, {"in-git.txt": "text\n", "gone.dat": binary(10), "data/same.dat": binary(1000, seed=1)})
    datalad("save", "--to-git", "in-git.txt")
    datalad("save")
    (root / "in-git.txt").write_text("more text\n")
    (root / "gone.dat").unlink()
    write_tree(root, {"new.txt": "new\n", "folder/a": "a", "folder/b": "b", "staged.txt": "staged\n"})
    git("add", "staged.txt")
    return root


@pytest.mark.parametrize(
    "line",
    [
        "status",
        "status --annex",
        "status --annex availability",
        "status --annex all",
        "status --untracked all",
        "status --untracked no",
        "status -r",
        "status -e no",
        "status -e commit",
        "status data folder",
        "diff",
        "diff --from before",
        "diff --from before --to HEAD",
        "diff --from before --to HEAD --annex all",
        "subdatasets",
        "subdatasets --state present",
        "subdatasets --contains sub",
        "siblings",
        "save -m all",
        "save -m one new.txt",
        "save -u",
        "save --to-git folder",
        "get .",
        "get data/one.dat",
        "drop data/one.dat",
        "drop --reckless availability data/one.dat in-git.txt",
        "drop --reckless availability .",
        "unlock data/one.dat",
        "unlock data/two.dat",
        "remove -m away --reckless availability data/one.dat",
        "run --explicit -o out.txt sh -c 'echo x > out.txt'",
        "run true",
        "create -d . another",
        "configuration get datalad.dataset.id",
        "configuration set datalad.example.key=value",
        "foreach-dataset -r --o-s capture true",
        "push",
        "update",
    ],
)
def test_in_a_dataset_with_changes(
    side_by_side: Callable[[Path], SideBySide], changed: Path, line: str
) -> None:
    ours, theirs = side_by_side(changed).records(*shlex.split(line))
    assert theirs or not ours
    missing = missing_from(ours, theirs)
    assert not missing, "\n".join(missing)


@pytest.fixture(scope="module")
def clone(dataset_factory: DatasetFactory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone without content, of a dataset that has it."""
    folder = tmp_path_factory.mktemp("clone")
    origin = dataset_factory.copy(folder / "origin")
    dataset_factory.datalad("clone", origin, folder / "world" / "clone")
    return folder / "world"


@pytest.mark.parametrize(
    "line",
    [
        "get .",
        "get data",
        "get -s origin notes.txt",
        "get nowhere.dat",
        "siblings",
        "siblings add -s other --url ../../elsewhere",
        "siblings configure -s origin --url ../elsewhere",
        "status --annex all",
        "update",
        "update --how merge",
        "drop .",
        "remove -m away notes.txt",
    ],
)
def test_in_a_clone(side_by_side: Callable[[Path], SideBySide], clone: Path, line: str) -> None:
    ours, theirs = side_by_side(clone).records(*line.split(), at="clone")
    missing = missing_from(ours, theirs)
    assert not missing, "\n".join(missing)
