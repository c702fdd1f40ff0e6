"""A repository for each test of Git's room."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.core.context import Context
from rookery.git.repo import Repo, open_repo
from support.programs import Program


@pytest.fixture
def repo(tmp_path: Path, git: Program, context: Callable[..., Context]) -> Repo:
    """Give an empty repository, its branch not born yet."""
    root = tmp_path / "repo"
    git("init", "-q", root)
    return open_repo(root, context().runner)


@pytest.fixture
def saved(repo: Repo) -> Repo:
    """Give a repository with one commit of three files."""
    (repo.root / "sub").mkdir()
    for name in ("a", "b", "sub/c"):
        (repo.root / name).write_text(f"content of {name}\n")
    repo.run("add", ".")
    repo.run("commit", "-qm", "First")
    return repo
