"""Getting and dropping when something is broken: nothing is lost, nothing is claimed that is not so."""

from __future__ import annotations

import os
import resource
import shutil
from pathlib import Path
from typing import Any

import pytest

from support.inside import Inside
from support.programs import Program


@pytest.fixture
def cloned(tiny_dataset: Path, datalad: Program, tmp_path: Path) -> Path:
    datalad("clone", tiny_dataset, tmp_path / "clone")
    return tmp_path / "clone"


def spoil(link: Path, content: bytes) -> None:
    """Write into the annex object behind a link, as a program run by root can."""
    target = link.resolve()
    target.parent.chmod(0o755)
    target.chmod(0o644)
    target.write_bytes(content)


def records(inside: Inside, *command: str, cwd: Path, code: int) -> dict[str, dict[str, Any]]:
    answer = inside("-f", "json", *command, cwd=cwd, code=code)
    return {Path(str(r["path"])).name: r for r in answer.records}


def test_corrupt_content_is_not_taken_for_the_file(tiny_dataset: Path, cloned: Path, inside: Inside) -> None:
    original = (tiny_dataset / "data/one.dat").read_bytes()
    spoil(tiny_dataset / "data/one.dat", b"x" * 1000)
    told = records(inside, "get", "data", cwd=cloned, code=1)
    assert told["one.dat"]["status"] == "error"
    assert told["two.dat"]["status"] == "ok"
    assert not (cloned / "data/one.dat").exists()
    spoil(tiny_dataset / "data/one.dat", original)
    told = records(inside, "get", "data", cwd=cloned, code=0)
    assert told["one.dat"]["status"] == "ok"
    assert (cloned / "data/one.dat").read_bytes() == original


def test_a_source_that_lost_the_content_is_named(tiny_dataset: Path, cloned: Path, inside: Inside) -> None:
    target = (tiny_dataset / "notes.txt").resolve()
    target.parent.chmod(0o755)
    target.unlink()
    (record,) = records(inside, "get", "notes.txt", cwd=cloned, code=1).values()
    assert record["status"] == "error"
    (source,) = record["sources"]
    assert source["name"] == "origin"
    assert "does not give the content" in source["why"]


def test_content_that_no_place_has_is_said_so(
    tiny_dataset: Path, cloned: Path, annex: Program, inside: Inside, git: Program
) -> None:
    annex("drop", "--force", "notes.txt", cwd=tiny_dataset)
    git("fetch", "-q", "origin", cwd=cloned)
    (record,) = records(inside, "get", "notes.txt", cwd=cloned, code=1).values()
    assert record["hints"] == ["no place is known to have this content"]


def test_the_last_copy_is_never_dropped(tiny_dataset: Path, inside: Inside) -> None:
    told = records(inside, "drop", "data", cwd=tiny_dataset, code=1)
    assert told["one.dat"]["status"] == "error"
    assert "--reckless availability" in str(told["one.dat"]["message"])
    assert told["data"]["status"] == "impossible"
    assert (tiny_dataset / "data/one.dat").exists()


def test_a_copy_that_is_only_claimed_does_not_count(
    tiny_dataset: Path, cloned: Path, inside: Inside, annex: Program
) -> None:
    inside("get", "notes.txt", cwd=cloned)
    target = (tiny_dataset / "notes.txt").resolve()  # the origin loses it without having noticed
    target.parent.chmod(0o755)
    target.unlink()
    told = records(inside, "drop", "notes.txt", cwd=cloned, code=1)
    assert told["notes.txt"]["status"] == "error"
    assert (cloned / "notes.txt").read_text() == "first line\n"


def test_a_full_disk_is_an_error_per_file_and_nothing_half_is_left(cloned: Path, inside: Inside) -> None:
    answer = inside("-c", "annex.diskreserve=900000TB", "-f", "json", "get", "data", cwd=cloned, code=1)
    told = {Path(r["path"]).name: r for r in answer.records}
    assert told["one.dat"]["status"] == told["two.dat"]["status"] == "error"
    assert "space" in told["one.dat"]["error_message"]
    assert "make room" in told["one.dat"]["hints"][0]
    assert not (cloned / "data/one.dat").exists()
    inside("get", "data", cwd=cloned)
    assert (cloned / "data/one.dat").exists()


def test_a_file_that_may_not_grow_is_not_left_half(
    tiny_dataset: Path, datalad: Program, cli: Program, annex: Program, tmp_path: Path
) -> None:
    (tiny_dataset / "big.dat").write_bytes(os.urandom(3_000_000))
    datalad("save", "-d", tiny_dataset)
    datalad("clone", tiny_dataset, tmp_path / "clone")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        answer = cli("-f", "json", "get", "big.dat", cwd=tmp_path / "clone", code=None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert answer.code not in (0, None)
    assert not (tmp_path / "clone/big.dat").exists()
    cli("get", "big.dat", cwd=tmp_path / "clone")
    annex("fsck", "big.dat", cwd=tmp_path / "clone")


def test_content_is_not_dropped_through_a_link_to_another_annex(
    tiny_dataset: Path, datalad: Program, inside: Inside, tmp_path: Path
) -> None:
    datalad("clone", "--reckless", "ephemeral", tiny_dataset, tmp_path / "guest")
    assert (tmp_path / "guest/.git/annex").is_symlink()
    for command in (
        ["drop", "."],
        ["drop", "--reckless", "availability", "."],
        ["drop", "--what", "allkeys"],
    ):
        answer = inside(*command, cwd=tmp_path / "guest", code=1)
        assert "not this dataset's to drop" in answer.stdout
    inside("drop", "--what", "all", "--reckless", "availability", "-d", tmp_path / "guest", cwd=tmp_path)
    assert not (tmp_path / "guest").exists()
    assert (tiny_dataset / "notes.txt").read_text() == "first line\n"


def test_another_work_tree_is_not_removed_as_if_it_were_the_dataset(
    tiny_dataset: Path, git: Program, inside: Inside, tmp_path: Path
) -> None:
    git("worktree", "add", "-q", tmp_path / "tree", "-b", "other", cwd=tiny_dataset)
    answer = inside(
        "drop", "--what", "all", "--reckless", "availability", "-d", tmp_path / "tree", cwd=tmp_path, code=1
    )
    assert "git worktree remove" in answer.stdout
    assert (tmp_path / "tree/notes.txt").exists()
    assert (tiny_dataset / "notes.txt").exists()


@pytest.mark.parametrize("kind", ["tag", "stash"])
def test_revisions_that_only_a_tag_or_a_stash_holds_are_not_lost(
    cloned: Path, git: Program, inside: Inside, tmp_path: Path, kind: str
) -> None:
    (cloned / "extra.txt").write_text("extra")
    git("add", "extra.txt", cwd=cloned)
    if kind == "stash":
        git("stash", cwd=cloned)
    else:
        git("commit", "-qm", "Extra", cwd=cloned)
        git("tag", "mine", cwd=cloned)
        git("reset", "-q", "--hard", "HEAD~", cwd=cloned)
    answer = inside("drop", "--what", "all", "-d", cloned, cwd=tmp_path, code=1)
    assert "Unique revisions" in answer.stdout
    assert (cloned / ".git").exists()


def test_a_dry_run_of_drop_tells_what_would_be_lost(tiny_dataset: Path, cloned: Path, inside: Inside) -> None:
    inside("get", ".", cwd=cloned)
    told = records(inside, "drop", "--dry-run", ".", cwd=cloned, code=0)
    assert told["one.dat"]["copies"] == ["origin"]
    shutil.move(tiny_dataset, tiny_dataset.with_name("gone"))
    told = records(inside, "drop", "--dry-run", ".", cwd=cloned, code=1)
    assert told["one.dat"]["status"] == "impossible"
    lost = records(
        inside,
        "drop",
        "--dry-run",
        "--reckless",
        "availability",
        ".",
        cwd=tiny_dataset.with_name("gone"),
        code=0,
    )
    assert "would be lost" in str(lost["one.dat"]["message"])
    assert (cloned / "data/one.dat").exists()
