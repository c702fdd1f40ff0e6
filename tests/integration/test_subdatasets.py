"""subdatasets: listing and editing what is registered, without a process for each."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from support.counting import Started
from support.inside import Inside
from support.programs import Program


@pytest.fixture
def nested(inside: Inside, new_dataset: Callable[..., Path]) -> Path:
    """A dataset with `one`, `one/deep` and `two`, of which `two` is not installed."""
    root = new_dataset("ds")
    for path in ("one", "one/deep", "two"):
        inside("create", "-d", ".", path, cwd=root)
    inside("drop", "--what", "all", "-r", "--reckless", "kill", "two", cwd=root)
    return root


def told(inside: Inside, cwd: Path, *words: str, code: int = 0) -> list[str]:
    records = inside("-f", "json", "subdatasets", *words, cwd=cwd, code=code).records
    return [os.path.relpath(r["path"], cwd) for r in records if r["status"] == "ok"]


def test_what_is_listed(inside: Inside, nested: Path) -> None:
    assert told(inside, nested) == ["one", "two"]
    assert told(inside, nested, "-r") == ["one", "one/deep", "two"]
    assert told(inside, nested, "-r", "--bottomup") == ["one/deep", "one", "two"]
    assert told(inside, nested, "-r", "-R", "1") == ["one", "two"]
    assert told(inside, nested, "-r", "-R", "0") == []
    assert told(inside, nested, "-r", "--state", "present") == ["one", "one/deep"]
    assert told(inside, nested, "-r", "--state", "absent") == ["two"]
    assert told(inside, nested, "-r", "--fulfilled", "false") == ["two"]
    assert told(inside, nested, "-r", "one/deep") == ["one/deep"]
    assert told(inside, nested, "two") == ["two"]


def test_containing_a_path(inside: Inside, nested: Path) -> None:
    assert told(inside, nested, "-r", "--contains", "one/deep/none.txt") == ["one", "one/deep"]
    (record,) = inside("-f", "json", "subdatasets", "--contains", "two/x", cwd=nested).records
    assert record["contains"] == [str(nested / "two" / "x")]
    missed = inside("subdatasets", "--contains", "three", cwd=nested, code=1)
    assert missed.lines == ["subdataset(impossible): three [path not contained in any matching subdataset]"]


def test_from_a_folder_below(inside: Inside, nested: Path) -> None:
    (nested / "folder").mkdir()
    assert told(inside, nested / "folder") == []
    assert told(inside, nested / "folder", "-d", "^") == ["../one", "../two"]
    assert told(inside, nested / "one") == ["deep"]


def test_a_mistyped_path_is_told(inside: Inside, nested: Path) -> None:
    answer = inside("subdatasets", "oen", cwd=nested, code=1)
    assert answer.lines[0].startswith("subdataset(impossible): oen [path does not exist")


def test_properties_are_set_and_deleted_and_saved(inside: Inside, git: Program, nested: Path) -> None:
    template = "<{gitmodule_name}+{refds_relname}>"
    answer = inside("subdatasets", "-r", "--set-property", "note", template, "one/deep", cwd=nested)
    assert answer.lines == [
        "add(ok): one/.gitmodules (file)",
        "save(ok): one (dataset)",
        "subdataset(ok): one/deep (dataset)",
    ]
    value = git("config", "-f", ".gitmodules", "submodule.deep.note", cwd=nested / "one").text
    assert value == "deep+one-deep"
    assert (
        git("log", "-1", "--format=%s", cwd=nested / "one").text == "[DATALAD] modified subdataset properties"
    )
    inside("subdatasets", "-r", "--delete-property", "note", "one/deep", cwd=nested)
    git("config", "-f", ".gitmodules", "submodule.deep.note", cwd=nested / "one", code=1)
    gone = inside("subdatasets", "--delete-property", "note", "one", cwd=nested, code=1)
    assert "possibly did not exist" in gone.text
    bad = inside("subdatasets", "--set-property", "1st", "x", cwd=nested, code=1)
    assert "key '1st' is invalid" in bad.stderr


def test_a_template_that_names_what_is_not_known(inside: Inside, nested: Path) -> None:
    answer = inside("subdatasets", "--set-property", "note", "<{nothing}>", "one", cwd=nested, code=1)
    assert "Failed to set property 'note'" in answer.text


def test_no_process_for_each(
    inside: Inside, nested: Path, count_programs: Callable[[], AbstractContextManager[Started]]
) -> None:
    with count_programs() as few:
        inside("subdatasets", cwd=nested / "one")
    with count_programs() as many:
        inside("subdatasets", "-r", cwd=nested)
    assert len(many) <= len(few) <= 1


def test_without_gitmodules_there_are_none(inside: Inside, git: Program, nested: Path) -> None:
    (nested / ".gitmodules").unlink()
    assert told(inside, nested, "-r") == []


def test_an_entry_that_leads_out_is_not_one(inside: Inside, git: Program, nested: Path) -> None:
    with open(nested / ".gitmodules", "a") as file:
        file.write('[submodule "evil"]\n\tpath = ../outside\n\turl = ./x\n')
    assert told(inside, nested, "-r") == ["one", "one/deep", "two"]
