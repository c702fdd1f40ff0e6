"""install, and how registered subdatasets are obtained for get, install and update."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from support.counting import Started
from support.inside import Inside
from support.programs import Program

NewDataset = Callable[..., Path]


@pytest.fixture
def family(inside: Inside, new_dataset: NewDataset) -> Path:
    """A dataset `ds` with subdatasets `a`, `a/deep` and `b`, each with a file."""
    root = new_dataset("ds")
    for path in ("a", "a/deep", "b"):
        inside("create", "-d", ".", path, cwd=root)
        (root / path / "file.dat").write_bytes(path.encode() * 100)
    inside("save", "-r", cwd=root)
    return root


def test_a_url_is_cloned_and_a_path_is_got(inside: Inside, family: Path, tmp_path: Path) -> None:
    assert inside("install", f"file://{family}", cwd=_folder(tmp_path)).lines == [
        f"install(ok): {tmp_path}/here/ds (dataset)"
    ]
    clone = tmp_path / "here" / "ds"
    answer = inside("install", "a/deep", cwd=clone)
    assert [line.partition(" [")[0] for line in answer.lines[:2]] == [
        "install(ok): a (dataset)",
        "install(ok): a/deep (dataset)",
    ]
    assert (clone / "a" / "deep" / "file.dat").is_symlink()
    assert not (clone / "a" / "deep" / "file.dat").exists()


def _folder(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


def test_with_a_source_recursively_and_with_data(inside: Inside, family: Path, tmp_path: Path) -> None:
    inside("install", "-r", "-g", "-s", family, "copy", cwd=tmp_path)
    copy = tmp_path / "copy"
    for path in ("a", "a/deep", "b"):
        assert (copy / path / "file.dat").read_bytes() == path.encode() * 100


def test_too_much_or_too_little(inside: Inside, family: Path, tmp_path: Path) -> None:
    inside("install", cwd=tmp_path, code=2)
    inside("install", "-s", family, "one", "two", cwd=tmp_path, code=1)
    same = inside("install", "-s", "ds", "ds", cwd=tmp_path, code=1)
    assert "installation `source` and destination `path` are identical" in same.text


def test_the_recorded_commit_is_checked_out_on_the_branch(
    inside: Inside, git: Program, family: Path, tmp_path: Path
) -> None:
    recorded = git("rev-parse", "HEAD", cwd=family / "b").text
    git("commit", "-q", "--allow-empty", "-m", "later", cwd=family / "b")
    inside("clone", family, "copy", cwd=tmp_path)
    inside("get", "-n", "b", cwd=tmp_path / "copy")
    below = tmp_path / "copy" / "b"
    assert git("rev-parse", "HEAD", cwd=below).text == recorded
    assert git("branch", "--show-current", cwd=below).text == "main"
    assert git("status", "--porcelain", cwd=tmp_path / "copy").lines == []
    assert git("config", "submodule.b.active", cwd=tmp_path / "copy").text == "true"
    assert git("config", "submodule.b.url", cwd=tmp_path / "copy").text == str(family / "b")


def test_a_commit_of_another_branch_is_checked_out_detached(
    inside: Inside, git: Program, family: Path, tmp_path: Path
) -> None:
    git("checkout", "-q", "--detach", cwd=family / "b")
    git("commit", "-q", "--allow-empty", "-m", "aside", cwd=family / "b")
    git("branch", "aside", cwd=family / "b")
    inside("save", "-d", ".", "b", cwd=family)
    git("checkout", "-q", "main", cwd=family / "b")
    inside("clone", family, "copy", cwd=tmp_path)
    inside("get", "-n", "b", cwd=tmp_path / "copy")
    assert git("branch", "--show-current", cwd=tmp_path / "copy" / "b").text == ""
    assert git("status", "--porcelain", cwd=tmp_path / "copy").lines == []


def test_a_source_without_the_recorded_commit_is_passed_over(
    inside: Inside, git: Program, family: Path, new_dataset: NewDataset, tmp_path: Path
) -> None:
    other = new_dataset("other")
    git("config", "-f", ".gitmodules", "submodule.b.datalad-url", str(other), cwd=family)
    inside("save", cwd=family)
    inside("clone", family, "copy", cwd=tmp_path)
    inside("get", "-n", "b", cwd=tmp_path / "copy")
    assert (tmp_path / "copy" / "b" / "file.dat").is_symlink()


def test_a_subdataset_that_cannot_be_had_leaves_its_empty_folder(
    inside: Inside, git: Program, family: Path, tmp_path: Path
) -> None:
    inside("clone", family, "copy", cwd=tmp_path)
    (family / "b").rename(tmp_path / "moved")
    answer = inside("-f", "json", "get", "-n", "b", cwd=tmp_path / "copy", code=1)
    assert answer.records[0]["status"] == "error"
    assert list((tmp_path / "copy" / "b").iterdir()) == []
    assert git("status", "--porcelain", cwd=tmp_path / "copy").lines == []


@pytest.mark.parametrize("url", ["ext::sh -c 'touch /tmp/hacked'", "--upload-pack=x", "myhelper::x"])
def test_a_subdataset_cannot_name_a_program(
    inside: Inside, git: Program, family: Path, tmp_path: Path, url: str
) -> None:
    inside("clone", family, "copy", cwd=tmp_path)
    copy = tmp_path / "copy"
    git("config", "-f", ".gitmodules", "submodule.b.datalad-url", url, cwd=copy)
    answer = inside("get", "-n", "b", cwd=copy, code=1)
    assert "refused" in answer.text


def test_candidates_come_in_the_order_of_their_cost(
    inside: Inside, git: Program, family: Path, tmp_path: Path
) -> None:
    inside("clone", family, "copy", cwd=tmp_path)
    copy = tmp_path / "copy"
    (tmp_path / "mirror").mkdir()
    inside("clone", family / "b", tmp_path / "mirror" / "b", cwd=tmp_path)
    git("config", "datalad.get.subdataset-source-candidate-400mine", f"{tmp_path}/mirror/{{path}}", cwd=copy)
    inside("get", "-n", "b", cwd=copy)
    assert git("config", "remote.origin.url", cwd=copy / "b").text == f"{tmp_path}/mirror/b"
    handed = git("config", "datalad.get.subdataset-source-candidate-400mine", cwd=copy / "b").text
    assert handed == f"{tmp_path}/mirror/{{path}}"


def test_recursion_leaves_out_what_says_so(
    inside: Inside, git: Program, family: Path, tmp_path: Path
) -> None:
    inside("subdatasets", "--set-property", "datalad-recursiveinstall", "skip", "a", cwd=family)
    inside("clone", family, "copy", cwd=tmp_path)
    copy = tmp_path / "copy"
    inside("get", "-n", "-r", ".", cwd=copy)
    assert (copy / "b" / ".git").is_dir()
    assert list((copy / "a").iterdir()) == []
    inside("get", "-n", "a", cwd=copy)
    assert (copy / "a" / ".git").is_dir()


def test_reckless_is_inherited(inside: Inside, git: Program, family: Path, tmp_path: Path) -> None:
    inside("clone", "--reckless=auto", family, "copy", cwd=tmp_path)
    inside("get", "-n", "-r", ".", cwd=tmp_path / "copy")
    assert git("config", "annex.hardlink", cwd=tmp_path / "copy" / "a" / "deep").text == "true"


def test_few_processes_for_each(
    inside: Inside,
    family: Path,
    tmp_path: Path,
    count_programs: Callable[[], AbstractContextManager[Started]],
) -> None:
    inside("clone", family, "copy", cwd=tmp_path)
    with count_programs() as started:
        inside("get", "-n", "-r", ".", cwd=tmp_path / "copy")
    assert len(started) <= 3 * 20, "\n".join(" ".join(argv) for argv in started.programs)


def test_the_api_gives_datasets(family: Path, tmp_path: Path) -> None:
    from rookery.api import Dataset, install

    made = install(source=str(family), path=str(tmp_path / "copy"), result_renderer="disabled")
    assert isinstance(made, Dataset)
    below = made.install("b", result_renderer="disabled")
    assert isinstance(below, Dataset)
    assert below.pathobj == tmp_path / "copy" / "b"
