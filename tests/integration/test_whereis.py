"""`whereis`: what git-annex says, with dates, remotes and a copy count."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from support.counting import Started
from support.inside import Inside
from support.programs import Program


@pytest.fixture
def cloned(tiny_dataset: Path, datalad: Program, tmp_path: Path) -> Path:
    path = tmp_path / "clone"
    datalad("clone", tiny_dataset, path)
    return path


def test_lines_read_like_those_of_git_annex_with_dates(cloned: Path, inside: Inside, annex: Program) -> None:
    annex("get", "notes.txt", cwd=cloned)
    ours = inside("whereis", "notes.txt", cwd=cloned).lines
    theirs = [line.rstrip() for line in annex("whereis", "notes.txt", cwd=cloned).lines if line != "ok"]
    told = [line.partition(" (since ")[0] for line in ours]
    assert (told[0], sorted(told)) == (theirs[0], sorted(theirs))  # ours lists the latest news first
    assert all(line.endswith(")") and " (since 20" in line for line in ours[1:])
    assert ours[0] == "whereis notes.txt (2 copies)"


def test_json_has_all_that_git_annex_says(cloned: Path, inside: Inside, annex: Program) -> None:
    annex("get", "data", cwd=cloned)
    annex("untrust", "origin", cwd=cloned)
    key = annex("lookupkey", "notes.txt", cwd=cloned).text
    annex("registerurl", key, "http://example.com/notes", cwd=cloned)
    theirs = {r["file"]: r for r in annex("whereis", "--json", cwd=cloned, code=None).records}
    ours = {r["path"]: r for r in inside("-f", "json", "whereis", cwd=cloned, code=None).records}
    assert {str(cloned / file) for file in theirs} == set(ours)
    for file, right in theirs.items():
        mine = ours[str(cloned / file)]
        assert mine["key"] == right["key"]
        for kind in ("whereis", "untrusted"):
            places = [{k: place[k] for k in ("uuid", "description", "here", "urls")} for place in mine[kind]]
            by_uuid = sorted(places, key=lambda p: p["uuid"])
            assert by_uuid == sorted(right[kind], key=lambda p: p["uuid"])
    assert ours[str(cloned / "notes.txt")]["copies"] == 1


def test_urls_are_listed(cloned: Path, inside: Inside, annex: Program) -> None:
    annex("addurl", "--relaxed", "--file=notes.txt", "http://example.com/notes", cwd=cloned)
    lines = inside("whereis", "notes.txt", cwd=cloned).lines
    assert "  web: http://example.com/notes" in lines


def test_paths_without_annexed_content_are_answered(cloned: Path, inside: Inside) -> None:
    (cloned / "new.txt").write_text("new")
    answer = inside(
        "-f", "json", "whereis", "mistyped", ".gitattributes", "new.txt", "../x", cwd=cloned, code=1
    )
    status = {Path(r["path"]).name: r["status"] for r in answer.records}
    assert status == {
        "mistyped": "impossible",
        ".gitattributes": "notneeded",
        "new.txt": "impossible",
        "x": "error",
    }


def test_content_that_the_record_is_wrong_about_is_pointed_out(tiny_dataset: Path, inside: Inside) -> None:
    link = tiny_dataset / "notes.txt"
    target = link.resolve()
    target.parent.chmod(0o755)
    target.unlink()
    answer = inside("whereis", "notes.txt", cwd=tiny_dataset, code=1)
    assert "recorded as here, but the content is gone" in answer.stdout
    assert "(0 copies)" in answer.lines[0]


def test_no_copy_at_all_is_a_failure(tiny_dataset: Path, inside: Inside, annex: Program) -> None:
    annex("drop", "--force", "notes.txt", cwd=tiny_dataset)
    (record,) = inside("-f", "json", "whereis", "notes.txt", cwd=tiny_dataset, code=1).records
    assert (record["status"], record["copies"], record["message"]) == ("error", 0, "no copy is known")


def test_it_starts_few_programs(
    tiny_dataset: Path, inside: Inside, count_programs: Callable[[], AbstractContextManager[Started]]
) -> None:
    with count_programs() as started:
        inside("whereis", cwd=tiny_dataset)
    assert len(started) <= 12
    assert not any("git-annex" in words[0] for words in started.programs)
