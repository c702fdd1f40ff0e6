from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.datasets import DatasetFactory
from support.home import make_home
from support.programs import Program
from support.samples import write_tree

if TYPE_CHECKING:
    from support.inside import Inside

DATALAD = Path(sys.executable).with_name("datalad")


@pytest.fixture(scope="session")
def nested_template(dataset_factory: DatasetFactory, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make once: a dataset with a subdataset `mid` that has one itself, `mid/low`, all saved."""
    folder = tmp_path_factory.mktemp("nested")
    datalad = Program([DATALAD], make_home(folder / "home", os.environ).env, folder)
    root = dataset_factory.copy(folder / "top", procedure="text2git", files={})
    datalad("create", "-d", root, root / "mid")
    datalad("create", "-d", root / "mid", root / "mid/low")
    datalad("save", "-d", root, "-r")
    return root


@pytest.fixture
def top(nested_template: Path, tmp_path: Path) -> Path:
    """Give a copy of the nested datasets."""
    return shutil.copytree(nested_template, tmp_path / "top", symlinks=True)


def modules(git: Program, root: Path) -> dict[str, str]:
    listed = git("config", "-f", ".gitmodules", "--list", cwd=root, code=None).lines
    return dict(line.split("=", 1) for line in listed)


def status(git: Program, root: Path) -> str:
    return git("status", "--porcelain", cwd=root).stdout


def repository(git: Program, root: Path, *, commit: bool = True) -> None:
    git("init", "-q", root)
    write_tree(root, {"file": "content\n"})
    if commit:
        git("add", ".", cwd=root)
        git("commit", "-qm", "Inner", cwd=root)


def test_recursion_saves_from_the_bottom_up(inside: Inside, top: Path, git: Program) -> None:
    write_tree(top, {"a": "a\n", "mid/low/b": "b\n"})
    answer = inside("save", "-r", cwd=top)
    assert answer.lines == [
        "add(ok): b (file)",
        "save(ok): mid/low (dataset)",
        "add(ok): low (dataset)",
        "add(ok): .gitmodules (file)",
        "save(ok): mid (dataset)",
        "add(ok): mid (dataset)",
        "add(ok): .gitmodules (file)",
        "add(ok): a (file)",
        "save(ok): . (dataset)",
        "action summary:",
        "  add (ok: 6)",
        "  save (ok: 3)",
    ]
    assert status(git, top) == ""
    assert git("log", "--format=%s", "-1", cwd=top / "mid/low").text == "[DATALAD] Recorded changes"


def test_a_path_is_saved_where_it_is_and_with_a_dataset_up_to_there(
    inside: Inside, top: Path, git: Program
) -> None:
    write_tree(top, {"a": "a\n", "mid/low/b": "b\n"})
    inside("save", "mid/low/b", cwd=top)
    assert status(git, top / "mid/low") == ""
    assert status(git, top / "mid") == " M low\n"
    write_tree(top, {"mid/low/c": "c\n", "mid/x": "x\n"})
    inside("save", "-d", ".", "mid/low/c", cwd=top)
    assert status(git, top) == " M mid\n?? a\n"
    assert status(git, top / "mid") == "?? x\n"


def test_a_recursion_limit_is_kept(inside: Inside, top: Path, git: Program) -> None:
    write_tree(top, {"mid/x": "x\n", "mid/low/b": "b\n"})
    inside("save", "-R", "1", "-r", cwd=top)
    assert status(git, top / "mid/low") == "?? b\n"
    assert status(git, top / "mid") == " M low\n"


def test_with_a_dataset_given_a_subdatasets_name_is_its_record_and_with_a_slash_its_content(
    inside: Inside, top: Path, git: Program
) -> None:
    (top / "mid/x").write_text("x\n")
    inside("save", "-d", ".", "mid", cwd=top)
    assert status(git, top / "mid") == "?? x\n"
    inside("save", "-d", ".", "mid/", cwd=top)
    assert status(git, top) == ""


def test_untracked_repositories_become_subdatasets(inside: Inside, top: Path, git: Program) -> None:
    repository(git, top / "plain repo")
    repository(git, top / "deep/er/other")
    git("remote", "add", "origin", "https://example.org/other", cwd=top / "deep/er/other")
    git("config", "branch.main.remote", "origin", cwd=top / "deep/er/other")
    answer = inside("save", cwd=top)
    assert answer.lines[:4] == [
        "add(ok): deep/er/other (dataset)",
        "add(ok): plain repo (dataset)",
        "add(ok): .gitmodules (file)",
        "save(ok): . (dataset)",
    ]
    found = modules(git, top)
    assert found["submodule.plain repo.path"] == "plain repo"
    assert found["submodule.plain repo.url"] == "./plain repo"
    assert found["submodule.deep/er/other.url"] == "https://example.org/other"
    assert git("config", "submodule.plain repo.active", cwd=top).text == "true"
    assert status(git, top) == ""


def test_a_repository_without_a_commit_is_an_error_and_the_rest_is_saved(
    inside: Inside, top: Path, git: Program
) -> None:
    repository(git, top / "empty", commit=False)
    (top / "a").write_text("a\n")
    answer = inside("save", cwd=top, code=1)
    assert f"cannot add subdataset {top / 'empty'} with no commits" in answer.stdout
    assert "add(ok): a (file)" in answer.lines
    assert status(git, top) == "?? empty/\n"


@pytest.mark.parametrize("how", ["git mv", "mv"])
def test_a_renamed_subdataset_keeps_what_is_known_about_it(
    inside: Inside, top: Path, git: Program, how: str
) -> None:
    before = modules(git, top)
    if how == "git mv":
        git("mv", "mid", "renamed", cwd=top)
    else:
        (top / "mid").rename(top / "renamed")
    answer = inside("save", cwd=top)
    assert answer.lines[:4] == [
        "delete(ok): mid (dataset)",
        "add(ok): renamed (dataset)",
        "add(ok): .gitmodules (file)",
        "save(ok): . (dataset)",
    ]
    assert modules(git, top) == {**before, "submodule.mid.path": "renamed"}
    assert status(git, top) == ""
    inside("save", cwd=top)


def test_a_deleted_subdataset_leaves_the_list(inside: Inside, top: Path, git: Program) -> None:
    for folder, _, _ in os.walk(top / "mid"):
        os.chmod(folder, 0o755)
    shutil.rmtree(top / "mid")
    answer = inside("save", cwd=top)
    assert answer.lines[:3] == [
        "delete(ok): mid (dataset)",
        "add(ok): .gitmodules (file)",
        "save(ok): . (dataset)",
    ]
    assert modules(git, top) == {}
    assert status(git, top) == ""


def test_a_file_that_became_a_repository_and_the_reverse(inside: Inside, top: Path, git: Program) -> None:
    (top / "thing").write_text("a file\n")
    inside("save", cwd=top)
    (top / "thing").unlink()
    repository(git, top / "thing")
    inside("save", cwd=top)
    assert git("ls-tree", "HEAD", "thing", cwd=top).text.startswith("160000")
    shutil.rmtree(top / "thing")
    (top / "thing").write_text("a file again\n")
    inside("save", cwd=top)
    assert git("ls-tree", "HEAD", "thing", cwd=top).text.startswith("100644")
    assert "submodule.thing.path" not in modules(git, top)
    assert status(git, top) == ""


def test_a_subdataset_on_an_adjusted_branch_is_recorded_by_its_own_branch(
    inside: Inside, top: Path, git: Program, annex: Program
) -> None:
    annex("adjust", "--unlock", cwd=top / "mid")
    assert inside("save", cwd=top).stdout == ""
    (top / "mid/new").write_text("x\n")
    inside("save", "-r", cwd=top)
    recorded = git("rev-parse", "HEAD:mid", cwd=top).text
    assert recorded == git("rev-parse", "main", cwd=top / "mid").text


def test_since_reaches_into_subdatasets(inside: Inside, top: Path, git: Program) -> None:
    since = git("rev-parse", "HEAD", cwd=top).text
    inner = git("rev-parse", "HEAD", cwd=top / "mid").text
    (top / "mid/x").write_text("x\n")
    git("add", "x", cwd=top / "mid")
    git("commit", "-qm", "Step", cwd=top / "mid")
    inside("save", "-r", "--since", since, "-m", "Unit", cwd=top)
    assert git("rev-parse", "HEAD^1", cwd=top / "mid").text == inner
    assert git("rev-parse", "HEAD^1", cwd=top).text == since
    assert status(git, top) == ""
