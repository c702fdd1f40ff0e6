"""Subdatasets that one makes, the other lists, gets and drops."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.programs import Program

NewDataset = Callable[..., Path]


@pytest.fixture(params=["ours", "theirs"])
def sides(request: pytest.FixtureRequest, cli: Program, datalad: Program) -> tuple[Program, Program]:
    """Who makes, and who uses."""
    return (cli, datalad) if request.param == "ours" else (datalad, cli)


@pytest.fixture
def made(sides: tuple[Program, Program], git: Program, new_dataset: NewDataset) -> Path:
    """A superdataset with a created, a cloned and a nested subdataset."""
    maker, _ = sides
    source, root = new_dataset("source"), new_dataset("root")
    maker("create", "-d", ".", "created", cwd=root)
    maker("create", "-d", ".", "created/inner", cwd=root)
    maker("clone", "-d", ".", str(source), "cloned", cwd=root)
    return root


def test_the_other_lists_the_same(sides: tuple[Program, Program], made: Path) -> None:
    maker, user = sides
    for words in (
        ["-r"],
        ["-r", "--bottomup"],
        ["--contains", "created/inner/x", "-r"],
        ["--state", "absent"],
    ):
        mine = maker("-f", "json", "subdatasets", *words, cwd=made).records
        other = user("-f", "json", "subdatasets", *words, cwd=made).records
        assert mine == other
    assert user("status", "-r", cwd=made).lines == ["nothing to save, working tree clean"]


def test_the_other_installs_and_drops_them(
    sides: tuple[Program, Program], made: Path, tmp_path: Path
) -> None:
    _, user = sides
    user("clone", made, tmp_path / "copy")
    copy = tmp_path / "copy"
    user("get", "-n", "-r", "-R", "1", ".", cwd=copy)
    assert (copy / "created" / ".git").is_dir()
    assert not (copy / "created" / "inner" / ".git").exists()
    user("get", "-n", "created/inner", cwd=copy)
    assert (copy / "created" / "inner" / ".git").is_dir()
    assert user("status", "-r", cwd=copy).lines == ["nothing to save, working tree clean"]
    user("drop", "--what", "all", "--reckless", "availability", "cloned", cwd=copy)
    assert not (copy / "cloned" / ".git").exists()
    user("remove", "--reckless", "availability", "cloned", cwd=copy)
    assert "cloned" not in (copy / ".gitmodules").read_text()


def test_gitmodules_are_equal(cli: Program, datalad: Program, git: Program, new_dataset: NewDataset) -> None:
    source = new_dataset("source")
    texts = []
    for program, name in ((cli, "one"), (datalad, "two")):
        root = new_dataset(name)
        program("clone", "-d", ".", str(source), "cloned", cwd=root)
        program("clone", "-d", ".", f"file://{source}", "by-url", cwd=root)
        texts.append((root / ".gitmodules").read_text())
        local = git("config", "--local", "--get-regexp", "^submodule", cwd=root).lines
        texts.append("\n".join(sorted(local)))
    assert texts[0] == texts[2]
    assert texts[1] == texts[3]


def test_absorbed_repositories_and_links_to_datasets(
    sides: tuple[Program, Program], made: Path, git: Program, tmp_path: Path
) -> None:
    _, user = sides
    git("submodule", "absorbgitdirs", cwd=made)
    assert (made / "created" / ".git").is_file()
    (tmp_path / "link").symlink_to(made)
    for place in (made, tmp_path / "link"):
        records = user("-f", "json", "subdatasets", "-r", "--state", "present", cwd=place).records
        assert len(records) == 3


def test_the_first_candidate_is_the_same(
    cli: Program, datalad: Program, git: Program, made: Path, tmp_path: Path
) -> None:
    git("config", "-f", ".gitmodules", "submodule.created.url", "../elsewhere", cwd=made)
    datalad("save", cwd=made)
    first = []
    for program, name in ((cli, "one"), (datalad, "two")):
        program("clone", made, tmp_path / name)
        said = program("get", "-n", "created", cwd=tmp_path / name, code=None).stderr
        tried = [line.partition(" clone from ")[2].partition(" to ")[0] for line in said.splitlines()]
        first.append(next(x for x in tried if x))
    assert first[0] == first[1]


def test_both_leave_out_what_says_so(
    cli: Program, datalad: Program, git: Program, made: Path, tmp_path: Path
) -> None:
    cli("subdatasets", "--set-property", "datalad-recursiveinstall", "skip", "cloned", cwd=made)
    for program, name in ((cli, "one"), (datalad, "two")):
        program("clone", made, tmp_path / name)
        program("get", "-n", "-r", ".", cwd=tmp_path / name)
        assert not (tmp_path / name / "cloned" / ".git").exists()
        assert (tmp_path / name / "created" / "inner" / ".git").is_dir()
