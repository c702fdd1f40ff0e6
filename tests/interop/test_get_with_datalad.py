"""`get` beside the real DataLad: the same clone twice, the same command, the same answer."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from support.comparison import SideBySide, missing_from, normalised, same_lines
from support.counting import Started
from support.inside import Inside
from support.programs import Program
from support.web import WebServer

Sides = Callable[[Path], SideBySide]


def compare(sides: SideBySide, *command: str, at: str = ".") -> None:
    ours, theirs = sides.run("-f", "json", *command, at=at)
    assert ours.code == theirs.code, ours.stderr + theirs.stderr
    mine = normalised(ours.records, sides.places)
    assert missing_from(mine, normalised(theirs.records, sides.places)) == []
    assert len(ours.records) == len(theirs.records)


@pytest.fixture
def cloned(tiny_dataset: Path, datalad: Program, tmp_path: Path) -> Path:
    """Give a clone without content; its origin is at `ds`."""
    datalad("clone", tiny_dataset, tmp_path / "clone")
    return tmp_path / "clone"


@pytest.mark.parametrize(
    "command",
    [
        ("get", "notes.txt"),
        ("get", "data"),
        ("get", "."),
        ("get", "-d", "."),
        ("get", "notes.txt", "data/one.dat", ".gitattributes", "mistyped", "../outside"),
        ("get", "-s", "origin", "notes.txt"),
        ("get", "-n", "notes.txt"),
        ("get", "--data", "nothing", "data"),
        ("get", "--data", "auto", "data"),
        ("get", "-J", "2", "data", "notes.txt"),
    ],
    ids=" ".join,
)
def test_records_are_those_of_datalad(cloned: Path, side_by_side: Sides, command: tuple[str, ...]) -> None:
    sides = side_by_side(cloned)
    compare(sides, *command)
    compare(sides, *command)
    for name in ("notes.txt", "data/one.dat", "data/two.dat"):
        assert (sides.root / "ours" / name).exists() == (sides.root / "theirs" / name).exists()


def test_only_wanted_content_is_got_where_something_is_wanted(
    cloned: Path, annex: Program, side_by_side: Sides
) -> None:
    annex("wanted", "here", "include=data/*", cwd=cloned)
    sides = side_by_side(cloned)
    compare(sides, "get", ".")
    assert not (sides.root / "ours/notes.txt").exists()
    compare(sides, "get", "--data", "anything", ".")
    assert (sides.root / "ours/notes.txt").exists()


def test_a_sibling_that_is_gone_is_told_in_the_same_words_and_then_explained(
    cloned: Path, tiny_dataset: Path, side_by_side: Sides
) -> None:
    shutil.move(tiny_dataset, tiny_dataset.with_name("gone"))
    sides = side_by_side(cloned)
    ours, theirs = sides.run("get", "notes.txt", "data")
    mine, right = same_lines(ours, theirs, sides.places)
    assert sorted(line for line in mine if not line.startswith("Hint")) == sorted(right)
    assert any(line.startswith("Hint: origin: there is nothing at") for line in mine)
    assert ours.code == theirs.code == 1


def test_an_unknown_sibling_is_an_error_that_names_the_known_ones(cloned: Path, inside: Inside) -> None:
    answer = inside("get", "-s", "nobody", "notes.txt", cwd=cloned, code=1)
    assert "nobody" in answer.stderr
    assert "origin" in answer.stderr


def test_without_dataset_and_path_the_usage_is_wrong(cloned: Path, side_by_side: Sides) -> None:
    ours, theirs = side_by_side(cloned).run("get")
    assert ours.code == theirs.code == 2


def test_content_from_the_web(
    tiny_dataset: Path, datalad: Program, web: WebServer, side_by_side: Sides, annex: Program
) -> None:
    (web.root / "page.dat").write_bytes(b"\0from the web")
    allowed = ["-c", "annex.security.allowed-ip-addresses=all"]
    datalad(*allowed, "download-url", "-d", tiny_dataset, web.url + "/page.dat", cwd=tiny_dataset)
    annex("config", "--set", "annex.securehashesonly", "false", cwd=tiny_dataset)
    sides = side_by_side(tiny_dataset)
    for command in (["drop", "page.dat"], ["get", "page.dat"]):
        ours, theirs = sides.run(*allowed, *command)
        mine, right = same_lines(ours, theirs, sides.places)
        assert mine == right
        assert ours.code == theirs.code == 0


def test_content_that_the_web_has_no_more(
    tiny_dataset: Path, datalad: Program, web: WebServer, annex: Program, inside: Inside
) -> None:
    (web.root / "page.dat").write_bytes(b"\0from the web")
    allowed = ["-c", "annex.security.allowed-ip-addresses=all"]
    datalad(*allowed, "download-url", "-d", tiny_dataset, web.url + "/page.dat", cwd=tiny_dataset)
    (web.root / "page.dat").unlink()
    refused = inside(*allowed, "drop", "page.dat", cwd=tiny_dataset, code=1)
    assert "unsafe" in refused.stdout
    annex("drop", "--force", "page.dat", cwd=tiny_dataset)
    answer = inside(*allowed, "-f", "json", "get", "page.dat", cwd=tiny_dataset, code=1)
    (record,) = answer.records
    assert record["sources"][0]["name"] == "web"
    assert web.url in record["sources"][0]["why"]


@pytest.fixture
def nested(new_dataset: Callable[..., Path], datalad: Program, tmp_path: Path) -> Path:
    """Give a clone with nothing installed of a subdataset and one in that."""
    top = new_dataset("top")
    datalad("create", "-d", top, top / "sub", cwd=top)
    (top / "sub" / "c.dat").write_text("c")
    datalad("create", "-d", top / "sub", top / "sub" / "deep", cwd=top)
    (top / "sub" / "deep" / "d.dat").write_text("d")
    datalad("create", "-d", top, top / "skipped", cwd=top)
    datalad(
        "subdatasets", "-d", top, "--set-property", "datalad-recursiveinstall", "skip", "skipped", cwd=top
    )
    datalad("save", "-r", "-d", top)
    datalad("clone", top, tmp_path / "nested")
    return tmp_path / "nested"


@pytest.mark.parametrize(
    "commands",
    [
        [("get", "sub/deep/d.dat"), ("get", "-r", ".")],
        [("get", "-n", "sub"), ("get", "sub"), ("get", "-r", "-R", "existing", ".")],
        [("get", "-n", "-r", "."), ("get", "-r", "sub")],
        [("get", "-r", "-R", "1", "."), ("get", "-d", ".", "-r")],
        [("get", "sub/mistyped"), ("get", "sub/c.dat", "sub/deep/d.dat")],
        [("get", "-n", "skipped")],
    ],
    ids=lambda commands: "; ".join(" ".join(c) for c in commands),
)
def test_subdatasets_are_installed_alike(
    nested: Path, side_by_side: Sides, commands: list[tuple[str, ...]]
) -> None:
    sides = side_by_side(nested)
    for command in commands:
        compare(sides, *command)
    for below in ("sub/.git", "sub/c.dat", "sub/deep/.git", "sub/deep/d.dat", "skipped/.git"):
        assert (sides.root / "ours" / below).exists() == (sides.root / "theirs" / below).exists()


def test_a_dry_run_tells_what_would_come_and_fetches_nothing(nested: Path, inside: Inside) -> None:
    answer = inside("-f", "json", "get", "--dry-run", "-r", ".", cwd=nested)
    kinds = {(r["action"], r["type"]) for r in answer.records}
    assert kinds == {
        ("install [dry-run]", "dataset"),
        ("get [dry-run]", "file"),
        ("get [dry-run]", "dataset"),
    }
    total = next(r for r in answer.records if r["type"] == "dataset" and r["action"] == "get [dry-run]")
    assert total["bytesize"] == 11 + 1000 + 2000
    assert not (nested / "notes.txt").exists()
    assert not (nested / "sub" / ".git").exists()


def test_what_is_here_already_starts_no_git_annex(
    tiny_dataset: Path, inside: Inside, count_programs: Callable[[], AbstractContextManager[Started]]
) -> None:
    with count_programs() as started:
        inside("get", ".", cwd=tiny_dataset)
    assert not [argv for argv in started.programs if argv[0] == "git-annex"]
    assert len(started) <= 4
