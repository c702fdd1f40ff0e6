"""`get` and `drop` where DataLad has no answer to compare with."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.api import Dataset, IncompleteResultsError
from support.inside import Inside
from support.programs import Program
from support.samples import ODD_NAMES


def test_a_plain_git_clone_becomes_usable_by_getting(
    tiny_dataset: Path, git: Program, inside: Inside, tmp_path: Path
) -> None:
    git("clone", "-q", tiny_dataset, tmp_path / "clone")
    answer = inside("get", "notes.txt", cwd=tmp_path / "clone")
    assert answer.lines == ["get(ok): notes.txt (file) [from origin...]"]
    assert (tmp_path / "clone/notes.txt").read_text() == "first line\n"


def test_odd_names_come_and_go(
    tiny_dataset: Path, git: Program, annex: Program, inside: Inside, tmp_path: Path
) -> None:
    folder = tiny_dataset / "odd"
    folder.mkdir()
    for number, name in enumerate(ODD_NAMES):
        (folder / name).write_bytes(b"\0%d" % number)
    annex("add", "-c", "annex.dotfiles=true", "odd", cwd=tiny_dataset)
    git("commit", "-qm", "Odd", cwd=tiny_dataset)
    git("clone", "-q", tiny_dataset, tmp_path / "clone")
    clone = tmp_path / "clone"
    got = inside("-f", "json", "get", "odd", cwd=clone).records
    assert {Path(r["path"]).name for r in got if r["type"] == "file"} == set(ODD_NAMES)
    for number, name in enumerate(ODD_NAMES):
        assert (clone / "odd" / name).read_bytes() == b"\0%d" % number
    one_by_one = inside("-f", "json", "drop", "--", *(f"odd/{name}" for name in ODD_NAMES), cwd=clone).records
    assert {Path(r["path"]).name for r in one_by_one if r["status"] == "ok"} == set(ODD_NAMES)
    assert not any((clone / "odd" / name).exists() for name in ODD_NAMES)


def test_former_versions_go_with_all_keys(
    tiny_dataset: Path, datalad: Program, git: Program, annex: Program, inside: Inside, tmp_path: Path
) -> None:
    datalad("unlock", "notes.txt", cwd=tiny_dataset)
    (tiny_dataset / "notes.txt").write_text("second\n")
    datalad("save", "-d", tiny_dataset)
    datalad("clone", tiny_dataset, tmp_path / "clone")
    clone = tmp_path / "clone"
    annex("get", "--all", cwd=clone)
    inside("drop", ".", cwd=clone)
    assert len(list((clone / ".git/annex/objects").rglob("MD5E*/*"))) == 1
    inside("drop", "--what", "allkeys", cwd=clone)
    assert list((clone / ".git/annex/objects").rglob("MD5E*/*")) == []


@pytest.mark.parametrize("folder", ["Kk/vQ", "a/b"], ids=["where git-annex looks", "elsewhere"])
def test_a_dataset_does_not_go_with_content_that_no_log_knows(
    tiny_dataset: Path, datalad: Program, inside: Inside, tmp_path: Path, folder: str
) -> None:
    datalad("clone", tiny_dataset, tmp_path / "clone")
    clone = tmp_path / "clone"
    key = "MD5-s4--0bee89b07a248e27c83fc3d5951213c1"
    place = clone / ".git/annex/objects" / folder / key / key
    place.parent.mkdir(parents=True)
    place.write_text("abc\n")
    whole = ["drop", "--what", "all", "--reckless", "undead", "-d", clone]
    answer = inside("-f", "json", *whole, cwd=tmp_path, code=1)
    assert [(r["key"], r["status"]) for r in answer.records] == [(key, "error")]
    assert place.exists()


def test_two_names_of_one_content_are_one_content(
    tiny_dataset: Path, datalad: Program, inside: Inside, tmp_path: Path
) -> None:
    (tiny_dataset / "again.dat").write_bytes((tiny_dataset / "data/one.dat").read_bytes())
    datalad("save", "-d", tiny_dataset)
    datalad("clone", tiny_dataset, tmp_path / "clone")
    clone = tmp_path / "clone"
    inside("get", ".", cwd=clone)
    assert (clone / "again.dat").exists() and (clone / "data/one.dat").exists()
    answer = inside("-f", "json", "drop", "again.dat", "data/one.dat", cwd=clone)
    assert sorted(r["status"] for r in answer.records) == ["notneeded", "ok"]
    assert not (clone / "again.dat").exists()


def test_former_arguments_of_drop_still_mean_something(tiny_dataset: Path) -> None:
    ds = Dataset(tiny_dataset)
    with pytest.raises(IncompleteResultsError):
        ds.drop("notes.txt", result_renderer="disabled")
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        (record,) = ds.drop("notes.txt", check=False, if_dirty="ignore", result_renderer="disabled")
    assert record["status"] == "ok"
    assert {w.category for w in said} >= {DeprecationWarning}
    assert not (tiny_dataset / "notes.txt").exists()


def test_a_recursion_limit_that_is_no_number_is_bad_usage(tiny_dataset: Path, inside: Inside) -> None:
    answer = inside("get", "-r", "-R", "some", ".", cwd=tiny_dataset, code=2)
    assert "neither a number nor 'existing'" in answer.stderr


def test_a_reckless_kill_needs_recursion(tiny_dataset: Path, inside: Inside, tmp_path: Path) -> None:
    command = ["drop", "--what", "all", "--reckless", "kill", "-d", tiny_dataset]
    inside(*command, cwd=tmp_path, code=1)
    assert tiny_dataset.exists()
    inside(*command, "-r", cwd=tmp_path)
    assert not tiny_dataset.exists()


def test_a_subdataset_without_the_named_sibling_does_not_stop_the_others(
    new_dataset: Callable[..., Path], datalad: Program, git: Program, inside: Inside, tmp_path: Path
) -> None:
    top = new_dataset("top")
    for name in ("one", "two", "three"):
        datalad("create", "-d", top, top / name, cwd=top)
        (top / name / f"{name}.dat").write_text(name)
    datalad("save", "-r", "-d", top)
    datalad("clone", top, tmp_path / "clone")
    clone = tmp_path / "clone"
    inside("get", "-n", "-r", ".", cwd=clone)
    git("remote", "rename", "origin", "elsewhere", cwd=clone / "two")
    answer = inside("-f", "json", "get", "-r", "-s", "origin", "-J", "3", ".", cwd=clone, code=1)
    (failure,) = [r for r in answer.records if r["status"] == "error"]
    assert failure["path"] == str(clone / "two")
    assert "elsewhere" in failure["hints"][0]
    assert (clone / "one/one.dat").exists() and (clone / "three/three.dat").exists()
    inside("drop", "-r", "-J", "3", "-d", clone, cwd=clone)
    assert not (clone / "one/one.dat").exists() and not (clone / "three/three.dat").exists()
