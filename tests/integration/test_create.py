"""create: new datasets, subdatasets, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.inside import Inside
from support.programs import Program

NewDataset = Callable[..., Path]


def test_a_new_dataset_is_a_commit_of_three_files(
    inside: Inside, git: Program, annex: Program, tmp_path: Path
) -> None:
    assert inside("create", "ds", cwd=tmp_path).lines == [f"create(ok): {tmp_path}/ds (dataset)"]
    ds = tmp_path / "ds"
    files = git("show", "--format=%s", "--name-only", cwd=ds).lines
    assert files == [
        "[DATALAD] new dataset",
        "",
        ".datalad/.gitattributes",
        ".datalad/config",
        ".gitattributes",
    ]
    assert git("status", "--porcelain", cwd=ds).lines == []
    assert (ds / ".gitattributes").read_text() == (
        "* annex.backend=MD5E\n**/.git* annex.largefiles=nothing\n"
    )
    assert (ds / ".datalad" / ".gitattributes").read_text() == "config annex.largefiles=nothing\n"
    annex("fsck", "--fast", "-q", cwd=ds)
    assert "rookery" not in (ds / ".git" / "config").read_text()


def test_without_an_annex(inside: Inside, git: Program, tmp_path: Path) -> None:
    inside("create", "--no-annex", "ds", cwd=tmp_path)
    assert git("ls-files", cwd=tmp_path / "ds").lines == [".datalad/config", ".noannex"]
    assert not (tmp_path / "ds" / ".git" / "annex").exists()
    refused = inside("create", "--no-annex", "-D", "words", "other", cwd=tmp_path, code=1)
    assert "cannot specify description" in refused.stderr


def test_a_folder_that_is_not_empty_needs_force(inside: Inside, git: Program, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    refused = inside("create", "full", cwd=tmp_path, code=1)
    assert refused.lines == [
        (
            f"create(error): {tmp_path}/full (dataset) "
            "[will not create a dataset in a non-empty directory, use `--force` option to ignore]"
        )
    ]
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["file"]
    inside("create", "--force", "full", cwd=tmp_path)
    assert git("status", "--porcelain", cwd=tmp_path / "full").lines == ["?? file"]


def test_force_keeps_a_repository_and_an_identity(inside: Inside, git: Program, tiny_dataset: Path) -> None:
    before = git("config", "-f", ".datalad/config", "datalad.dataset.id", cwd=tiny_dataset).text
    commit = git("rev-parse", "HEAD", cwd=tiny_dataset).text
    inside("create", "--force", cwd=tiny_dataset)
    assert git("config", "-f", ".datalad/config", "datalad.dataset.id", cwd=tiny_dataset).text == before
    assert git("rev-parse", "HEAD", cwd=tiny_dataset).text == commit


def test_a_subdataset_is_saved_and_nothing_else(
    inside: Inside, git: Program, new_dataset: NewDataset
) -> None:
    ds = new_dataset("ds")
    (ds / "unsaved").write_text("x")
    git("add", "unsaved", cwd=ds)
    assert inside("create", "-d", ".", "sub dir/one", cwd=ds).lines == [
        "add(ok): sub dir/one (dataset)",
        "add(ok): .gitmodules (file)",
        "save(ok): . (dataset)",
        "create(ok): sub dir/one (dataset)",
        "action summary:",
        "  add (ok: 2)",
        "  create (ok: 1)",
        "  save (ok: 1)",
    ]
    assert git("log", "-1", "--format=%s", cwd=ds).text == "[DATALAD] Created subdataset"
    identity = git("config", "-f", ".datalad/config", "datalad.dataset.id", cwd=ds / "sub dir/one").text
    assert (ds / ".gitmodules").read_text() == (
        f'[submodule "sub dir/one"]\n\tpath = sub dir/one\n\turl = ./sub dir/one\n\tdatalad-id = {identity}\n'
    )
    assert git("status", "--porcelain", cwd=ds).lines == ["A  unsaved"]
    assert git("config", "submodule.sub dir/one.active", cwd=ds).text == "true"


def test_every_dataset_on_the_way_up_is_saved(inside: Inside, git: Program, new_dataset: NewDataset) -> None:
    ds = new_dataset("ds")
    inside("create", "-d", ".", "a", cwd=ds)
    records = inside("-f", "json", "create", "-m", "deeper", "-d", "^", "b", cwd=ds / "a").records
    assert [(r["action"], r["path"].removeprefix(str(ds))) for r in records] == [
        ("add", "/a/b"),
        ("add", "/a/.gitmodules"),
        ("save", "/a"),
        ("add", "/a"),
        ("add", "/.gitmodules"),
        ("save", ""),
        ("create", "/a/b"),
    ]
    for place in (ds, ds / "a"):
        assert git("log", "-1", "--format=%s", cwd=place).text == "deeper"
        assert git("status", "--porcelain", cwd=place).lines == []


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("notes.txt", "collision with content in parent dataset"),
        ("notes.txt/below", "collision with content in parent dataset"),
        ("data", "collision with content in parent dataset"),
        ("../outside", "is not underneath the reference dataset"),
        ("sub", "collision with "),
        ("sub/deeper", "collision with "),
    ],
)
def test_places_that_are_taken(
    inside: Inside, git: Program, new_dataset: NewDataset, path: str, why: str
) -> None:
    ds = new_dataset("ds")
    inside("create", "-d", ".", "sub", cwd=ds)
    inside("drop", "--what", "all", "-r", "--reckless", "kill", "sub", cwd=ds)
    before = git("rev-parse", "HEAD", cwd=ds).text
    answer = inside("create", "-d", ".", path, cwd=ds, code=1)
    assert answer.lines[0].startswith("create(error): ")
    assert why in answer.text
    assert git("rev-parse", "HEAD", cwd=ds).text == before
    assert git("status", "--porcelain", cwd=ds).lines == []


def test_the_dataset_option_alone_names_the_place(inside: Inside, tmp_path: Path) -> None:
    assert inside("create", "-d", "ds", cwd=tmp_path).lines == ["create(ok): . (dataset)"]
    missing = inside("create", "-d", "nowhere", "sub", cwd=tmp_path, code=2)
    assert "No dataset found" in missing.stderr


def test_options_for_git_init_and_a_description(inside: Inside, git: Program, tmp_path: Path) -> None:
    inside("create", "-D", "the attic", "ds", "--initial-branch=trunk", cwd=tmp_path)
    assert git("branch", "--show-current", cwd=tmp_path / "ds").text == "trunk"
    assert "the attic" in git("show", "git-annex:uuid.log", cwd=tmp_path / "ds").text
    inside("create", "bare", "--bare", cwd=tmp_path, code=1)
    assert not (tmp_path / "bare").exists()


def test_what_fails_is_taken_back(inside: Inside, tmp_path: Path) -> None:
    inside("create", "ds", "--no-such-option", cwd=tmp_path, code=1)
    assert not (tmp_path / "ds").exists()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("mine")
    inside("create", "--force", "full", "--no-such-option", cwd=tmp_path, code=1)
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["file"]


def test_a_subdataset_that_could_not_be_recorded_is_recorded_by_the_same_command(
    inside: Inside, git: Program, tiny_dataset: Path
) -> None:
    (tiny_dataset / ".gitmodules").mkdir()
    answer = inside("create", "-d", ".", "sub", cwd=tiny_dataset, code=1)
    assert "could not record subdataset" in answer.stdout
    assert "create(ok)" not in answer.stdout
    (tiny_dataset / ".gitmodules").rmdir()
    inside("create", "-d", ".", "sub", cwd=tiny_dataset)
    assert git("status", "--porcelain", cwd=tiny_dataset).text == ""
    assert git("ls-tree", "main", "sub", cwd=tiny_dataset).text.startswith("160000 commit ")
    assert "rookery" not in (tiny_dataset / "sub/.git/config").read_text()


def test_procedures(inside: Inside, tmp_path: Path) -> None:
    answer = inside("create", "-c", "text2git", "-c", "yoda", "ds", cwd=tmp_path)
    assert [line.partition(":")[0] for line in answer.lines[:3]] == ["run(ok)", "run(ok)", "create(ok)"]
    assert (tmp_path / "ds" / "code").is_dir()
    inside("create", "-c", "nosuch", "other", cwd=tmp_path, code=1)
    assert not (tmp_path / "other").exists()


def test_invented_dates(inside: Inside, git: Program, tmp_path: Path) -> None:
    inside("create", "--fake-dates", "ds", cwd=tmp_path)
    (tmp_path / "ds" / "file").write_text("x")
    inside("save", cwd=tmp_path / "ds")
    dates = git("log", "--format=%at", cwd=tmp_path / "ds").lines
    assert [int(d) < 1112912100 for d in dates] == [True, True]
    assert dates == sorted(set(dates), reverse=True)


def test_many_at_once_in_one_superdataset(cli: Program, git: Program, new_dataset: NewDataset) -> None:
    ds = new_dataset("ds")
    names = [f"sub{n}" for n in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: cli("create", "-d", ".", name, cwd=ds), names))
    assert git("status", "--porcelain", cwd=ds).lines == []
    listed = git("ls-tree", "HEAD", *names, cwd=ds).lines
    assert [line.split()[0] for line in listed] == ["160000"] * 4
    assert (ds / ".gitmodules").read_text().count("datalad-id") == 4
