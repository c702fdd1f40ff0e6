"""`Dataset.repo` gives scripts the answers that DataLad's gives them: one script, the imported API exchanged."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from support import ask_repository
from support.datasets import DatasetFactory
from support.home import make_home
from support.programs import Program
from support.samples import binary

FILES = {
    "notes.txt": "first line\n",
    "data/one.dat": binary(1000, seed=1),
    "data/two.dat": binary(2000, seed=2),
    "web.dat": "w\n",
}


@pytest.fixture(scope="module")
def answers(
    dataset_factory: DatasetFactory, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """Ask both tools, each in its own copy of a folder, at the same place."""
    folder = tmp_path_factory.mktemp("repository")
    env = make_home(folder / "home", os.environ).env
    _prepare(folder / "place", dataset_factory, env)
    shutil.copytree(folder / "place", folder / "kept", symlinks=True)
    python = Program([sys.executable, ask_repository.__file__], env, folder)
    found = {"rookery": json.loads(python("rookery.api", folder / "place" / "ds").stdout)}
    (folder / "place").rename(folder / "rookery")
    (folder / "kept").rename(folder / "place")
    found["datalad"] = json.loads(python("datalad.api", folder / "place" / "ds").stdout)
    return found


def _prepare(root: Path, factory: DatasetFactory, env: dict[str, str]) -> None:
    """Make a dataset that has a bit of everything, and what it refers to."""
    root.mkdir()
    ds = factory.copy(root / "ds", files=FILES)
    git, annex, datalad = (Program(argv, env, ds) for argv in (["git"], ["git", "annex"], ["datalad"]))
    git("tag", "v1")
    for name in ("store", "second"):
        (root / name).mkdir()
    annex("registerurl", annex("lookupkey", "web.dat").text, "http://example.org/web.dat")
    annex("initremote", "store", "type=directory", "encryption=none", f"directory={root}/store")
    annex("copy", "data/one.dat", "--to", "store")
    annex("drop", "--force", "data/two.dat")
    annex("metadata", "notes.txt", "-s", "author=Jane")
    git("init", "-q", "--bare", root / "other")
    git("remote", "add", "other", root / "other")
    git("push", "-q", "other", "main")
    git("config", "remote.other.annex-ignore", "true")
    for value in ("1", "2"):
        git("config", "--add", "my.list", value)
    datalad("create", "-d", ".", "sub")
    (ds / "new").write_text("new\n")


@pytest.mark.parametrize("question", ask_repository.QUESTIONS)
def test_the_answer_is_datalads(answers: dict[str, dict[str, Any]], question: str) -> None:
    assert answers["rookery"][question] == answers["datalad"][question]
