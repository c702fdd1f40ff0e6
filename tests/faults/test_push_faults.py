"""Pushing and updating when the other side breaks: it is said, nothing is lost, and the next try finishes."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from support.inside import Inside
from support.programs import Program
from support.samples import write_tree

DONE = ["action summary:", "  publish (notneeded: 2)"]


@pytest.fixture
def bare(git: Program, tmp_path: Path, tiny_dataset: Path) -> Path:
    place = tmp_path / "bare.git"
    git("init", "-q", "--bare", place)
    git("remote", "add", "gin", place, cwd=tiny_dataset)
    return place


def hook(place: Path, name: str, script: str) -> Path:
    file = place / "hooks" / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def contents(place: Path) -> list[Path]:
    return [file for file in (place / "annex" / "objects").rglob("MD5E-*") if file.is_file()]


def finishes(inside: Inside, ds: Path, place: Path, annex: Program, keys: int = 3) -> None:
    """Show that a later push does all that is left, and that git-annex is content with the outcome."""
    inside("push", "--to", "gin", cwd=ds)
    assert len(contents(place)) == keys
    assert inside("push", "--to", "gin", cwd=ds).lines == DONE
    annex("fsck", "--all", "-q", cwd=place)


def test_a_sibling_that_vanishes_after_it_was_asked(
    inside: Inside, git: Program, annex: Program, tiny_dataset: Path, bare: Path, tmp_path: Path
) -> None:
    away = tmp_path / "away.git"
    hook(bare, "post-receive", f"mv {bare} {away}").chmod(0o755)
    answer = inside("push", "--to", "gin", cwd=tiny_dataset, code=None)
    assert answer.code != 0
    assert "publish(ok)" not in answer.stdout
    assert "copy(ok)" not in answer.stdout
    (away / "hooks" / "post-receive").unlink()
    away.rename(bare)
    finishes(inside, tiny_dataset, bare, annex)


def test_a_sibling_that_vanishes_before_content_is_sent(
    inside: Inside, git: Program, annex: Program, tiny_dataset: Path, bare: Path, tmp_path: Path
) -> None:
    inside("push", "--to", "gin", cwd=tiny_dataset)
    write_tree(tiny_dataset, {"more.dat": "more\n"})
    inside("save", cwd=tiny_dataset)
    away = tmp_path / "away.git"
    git("config", "remote.gin.annex-start-command", f"mv {bare} {away}", cwd=tiny_dataset)
    answer = inside("push", "--to", "gin", cwd=tiny_dataset, code=None)
    assert answer.code != 0
    assert "(ok)" not in answer.stdout
    git("config", "--unset", "remote.gin.annex-start-command", cwd=tiny_dataset)
    away.rename(bare)
    finishes(inside, tiny_dataset, bare, annex, keys=4)


@pytest.mark.parametrize("moment", ["before the branches go", "when it has been asked what is there"])
def test_news_of_the_sibling_while_content_is_sent_are_merged(
    moment: str, inside: Inside, git: Program, annex: Program, tiny_dataset: Path, bare: Path
) -> None:
    inside("push", "--to", "gin", "--data", "nothing", cwd=tiny_dataset)
    annex("init", "bare", cwd=bare)
    annex("sync", "--only-annex", "--no-content", "gin", cwd=tiny_dataset)
    write_tree(tiny_dataset, {"more.dat": "more\n"})
    inside("save", cwd=tiny_dataset)
    # The first push only asks; Git knows by then, or not, what the second one will find.
    news = f"env -u GIT_DIR git -C {bare} annex numcopies 2 >/dev/null"
    once = f"test -e {bare}/asked && {{ test -e {bare}/done || {{ touch {bare}/done; {news}; }}; }}; touch {bare}/asked"
    if moment == "before the branches go":
        hook(tiny_dataset / ".git", "pre-push", f"{once}; exit 0")
    else:
        wrapped = f'#!/bin/sh\n{once}\nexec git receive-pack "$@"\n'
        program = bare.parent / "receive"
        program.write_text(wrapped)
        program.chmod(0o755)
        git("config", "remote.gin.receivepack", program, cwd=tiny_dataset)
    answer = inside("push", "--to", "gin", cwd=tiny_dataset)
    assert (bare / "done").exists()
    assert "publish (ok: 2)" in answer.stdout
    for place in (tiny_dataset, bare):
        assert "numcopies.log" in git("ls-tree", "--name-only", "git-annex", cwd=place).lines
        known = annex("whereis", "--all", "--json", cwd=place).records
        assert [len(one["whereis"]) for one in known] == [2] * 4
    (tiny_dataset / ".git/hooks/pre-push").unlink(missing_ok=True)
    finishes(inside, tiny_dataset, bare, annex, keys=4)


def test_what_a_refused_push_has_sent_is_known_at_the_sibling(
    inside: Inside, git: Program, annex: Program, tiny_dataset: Path, bare: Path
) -> None:
    inside("push", "--to", "gin", "--data", "nothing", cwd=tiny_dataset)
    annex("init", "bare", cwd=bare)
    annex("sync", "--only-annex", "--no-content", "gin", cwd=tiny_dataset)
    git("commit", "-q", "--allow-empty", "-m", "more", cwd=tiny_dataset)
    refusing = hook(bare, "pre-receive", "exit 1")
    inside("push", "--to", "gin", cwd=tiny_dataset, code=1)
    known = annex("whereis", "--all", "--json", cwd=bare).records
    assert [len(one["whereis"]) for one in known] == [2] * 3
    refusing.unlink()
    finishes(inside, tiny_dataset, bare, annex)


def test_a_sibling_whose_hook_refuses_says_why(
    inside: Inside, git: Program, annex: Program, tiny_dataset: Path, bare: Path
) -> None:
    inside("push", "--to", "gin", "--data", "nothing", cwd=tiny_dataset)
    git("commit", "-q", "--allow-empty", "-m", "more", cwd=tiny_dataset)
    script = hook(
        bare, "update", '[ "$1" = refs/heads/main ] && echo "closed for today" >&2 && exit 1; exit 0'
    )
    answer = inside("push", "--to", "gin", cwd=tiny_dataset, code=1)
    assert any("[remote rejected] (hook declined)" in line for line in answer.lines)
    assert "closed for today" in answer.lines[-1]
    script.unlink()
    finishes(inside, tiny_dataset, bare, annex)


def test_a_full_disk_at_the_sibling(
    cli: Program, inside: Inside, annex: Program, tiny_dataset: Path, bare: Path
) -> None:
    (tiny_dataset / "big.dat").write_bytes(os.urandom(3_000_000))
    inside("save", cwd=tiny_dataset)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        answer = cli("push", "--to", "gin", cwd=tiny_dataset, code=None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert answer.code not in (0, None)
    assert "copy(ok): big.dat" not in answer.stdout
    assert not any(file.stat().st_size == 3_000_000 for file in contents(bare))
    finishes(inside, tiny_dataset, bare, annex, keys=4)


def test_a_corrupt_file_is_not_passed_on(
    inside: Inside, annex: Program, tiny_dataset: Path, bare: Path
) -> None:
    good = tiny_dataset / "data" / "one.dat"
    target, whole = good.resolve(), good.read_bytes()
    target.parent.chmod(0o755)
    target.chmod(0o644)
    target.write_bytes(b"x" * len(whole))
    answer = inside("push", "--to", "gin", cwd=tiny_dataset, code=1)
    assert any(line.startswith("copy(error): data/one.dat (file) [") for line in answer.lines)
    assert "copy(ok): notes.txt (file) [to gin...]" in answer.lines
    assert len(contents(bare)) == 2
    target.write_bytes(whole)
    finishes(inside, tiny_dataset, bare, annex)


def test_a_sibling_that_takes_no_content_fails_file_by_file(
    inside: Inside, git: Program, tiny_dataset: Path, bare: Path
) -> None:
    inside("push", "--to", "gin", "--data", "nothing", cwd=tiny_dataset)
    git("config", "remote.gin.annex-readonly", "true", cwd=tiny_dataset)
    answer = inside("push", "--to", "gin", cwd=tiny_dataset, code=None)
    assert answer.code != 0
    assert "copy(ok)" not in answer.stdout
    assert contents(bare) == []


def test_a_push_that_failed_is_not_taken_for_complete(
    inside: Inside, git: Program, annex: Program, tiny_dataset: Path, bare: Path
) -> None:
    inside("push", "--to", "gin", "--data", "nothing", cwd=tiny_dataset)
    git("config", "remote.gin.annex-start-command", "false", cwd=tiny_dataset)
    inside("push", "--to", "gin", cwd=tiny_dataset, code=None)
    git("config", "--unset", "remote.gin.annex-start-command", cwd=tiny_dataset)
    finishes(inside, tiny_dataset, bare, annex)


def test_an_update_beside_another_git_command_changes_nothing_and_says_so(
    inside: Inside, datalad: Program, git: Program, tiny_dataset: Path, tmp_path: Path
) -> None:
    datalad("clone", tiny_dataset, tmp_path / "clone")
    write_tree(tiny_dataset, {"new": "news\n"})
    inside("save", cwd=tiny_dataset)
    lock = tmp_path / "clone" / ".git" / "index.lock"
    lock.touch()
    before = git("rev-parse", "HEAD", cwd=tmp_path / "clone").text
    answer = inside("update", "--how", "merge", cwd=tmp_path / "clone", code=1)
    assert "index.lock" in answer.lines[0]
    assert answer.lines[0].startswith("merge(error)")
    assert git("rev-parse", "HEAD", cwd=tmp_path / "clone").text == before
    lock.unlink()
    inside("update", "--how", "merge", cwd=tmp_path / "clone")
    assert (tmp_path / "clone" / "new").is_symlink()


def test_a_fetch_that_fails_for_one_sibling_still_brings_the_others_news(
    inside: Inside, datalad: Program, git: Program, tiny_dataset: Path, tmp_path: Path
) -> None:
    datalad("clone", tiny_dataset, tmp_path / "clone")
    git("remote", "add", "a-gone", "/no/such/place", cwd=tmp_path / "clone")
    write_tree(tiny_dataset, {"new": "news\n"})
    inside("save", cwd=tiny_dataset)
    answer = inside("update", cwd=tmp_path / "clone", code=1)
    assert "Fetch failed: a-gone: " in answer.lines[0]
    there = git("rev-parse", "main", cwd=tiny_dataset).text
    assert git("rev-parse", "origin/main", cwd=tmp_path / "clone").text == there
