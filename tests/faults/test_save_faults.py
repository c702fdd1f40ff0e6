"""What goes wrong during a save is told, the rest is saved, and nothing is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.home import Home
from support.programs import Program
from support.samples import binary, write_tree

if TYPE_CHECKING:
    from rookery.git.repo import Repo
    from support.inside import Inside


def saved_paths(git: Program, ds: Path) -> list[str]:
    return git("show", "--format=", "--name-only", "HEAD", cwd=ds).lines


def as_nobody(cli: Program) -> Program:
    """Give the command without root's right to read everything, if we are root."""
    if os.geteuid() != 0:
        return cli
    drop = (
        "import ctypes, os, sys;"
        "libc = ctypes.CDLL(None, use_errno=True);"
        # CAP_DAC_OVERRIDE (1) and CAP_DAC_READ_SEARCH (2) leave the bounding set: no program below has them
        "assert libc.prctl(24, 1, 0, 0, 0) == 0 and libc.prctl(24, 2, 0, 0, 0) == 0;"
        "os.execv(sys.executable, [sys.executable, '-m', 'rookery', *sys.argv[1:]])"
    )
    return Program([sys.executable, "-c", drop], cli.env, cli.cwd)


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_saved(
    tiny_dataset: Path, cli: Program, git: Program
) -> None:
    write_tree(tiny_dataset, {"a": "a\n", "secret": "s\n", "z": "z\n"})
    (tiny_dataset / "secret").chmod(0)
    answer = as_nobody(cli)("-f", "json", "save", "--to-git", cwd=tiny_dataset, code=1)
    failures = [r for r in answer.records if r["status"] == "error"]
    assert [Path(r["path"]).name for r in failures] == ["secret"]
    assert "ermission denied" in str(failures[0])
    assert saved_paths(git, tiny_dataset) == ["a", "z"]
    (tiny_dataset / "secret").chmod(0o644)
    cli("save", cwd=tiny_dataset)
    assert saved_paths(git, tiny_dataset) == ["secret"]


def test_a_full_disk_leaves_everything_as_it_was(tiny_dataset: Path, cli: Program, git: Program) -> None:
    head = git("rev-parse", "HEAD", cwd=tiny_dataset).text
    write_tree(tiny_dataset, {"large": binary(200_000), "small": "small\n"})
    # A limit on the size of files that are written stands in for a disk without room: writing fails midway.
    limited = Program(["sh", "-c", 'ulimit -f 100; trap "" XFSZ; exec "$0" "$@"', *cli.argv], cli.env)
    answer = limited("-f", "json", "save", "--to-git", cwd=tiny_dataset, code=None)
    assert answer.code != 0
    told = {Path(r["path"]).name: r["status"] for r in answer.records}
    assert told["large"] == "error"
    assert git("fsck", "--connectivity-only", cwd=tiny_dataset, code=0)
    assert (tiny_dataset / "large").read_bytes() == binary(200_000)
    if told.get("small") == "ok":
        assert saved_paths(git, tiny_dataset) == ["small"]
    else:
        assert git("rev-parse", "HEAD", cwd=tiny_dataset).text == head
    cli("save", cwd=tiny_dataset)
    assert git("status", "--porcelain", cwd=tiny_dataset).stdout == ""


def test_nobody_cannot_save_and_is_told_why(
    tiny_dataset: Path, cli: Program, git: Program, home: Home
) -> None:
    git("config", "--global", "--remove-section", "user", cwd=tiny_dataset)
    git("config", "--global", "user.useConfigOnly", "true", cwd=tiny_dataset)
    (tiny_dataset / "new").write_text("new\n")
    answer = cli("save", cwd=tiny_dataset, code=1)
    assert "Git does not know who you are" in answer.stdout
    assert "user.email" in answer.stdout + answer.stderr
    assert (tiny_dataset / "new").read_text() == "new\n"


def test_outside_of_a_dataset_is_a_usage_error(cli: Program, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    answer = cli("save", cwd=tmp_path / "empty", code=2)
    assert "No dataset found" in answer.stderr


def test_a_lock_that_was_left_behind_is_named(
    tiny_dataset: Path, inside: Inside, git: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rookery.git import refs

    monkeypatch.setattr(refs, "LOCK_PATIENCE_MS", 50)
    lock = tiny_dataset / ".git/refs/heads/main.lock"
    lock.touch()
    (tiny_dataset / "new").write_text("new\n")
    answer = inside("save", cwd=tiny_dataset, code=1)
    assert str(lock) in answer.stdout
    lock.unlink()
    inside("save", cwd=tiny_dataset)
    assert saved_paths(git, tiny_dataset) == ["new"]


def test_who_commits_all_that_is_in_the_index_cannot_have_what_is_about_to_be_ours(
    tiny_dataset: Path, inside: Inside, git: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run's record would be nowhere: it would find nothing left to commit."""
    from rookery.git import refs

    move = refs.update
    said = []

    def late(repo: Repo, ref: str, new: str | None, old: str | None = None, *, message: str = "") -> None:
        said.append(git("commit", "-m", "All", cwd=tiny_dataset, code=None))
        move(repo, ref, new, old, message=message)

    monkeypatch.setattr(refs, "update", late)
    inside("run", "echo 1 > new", cwd=tiny_dataset)
    assert [answer.code for answer in said] == [128]
    assert "index.lock" in said[0].stderr
    assert saved_paths(git, tiny_dataset) == ["new"]
    assert "[DATALAD RUNCMD]" in git("log", "-1", "--format=%s", cwd=tiny_dataset).text
    assert git("status", "--porcelain", cwd=tiny_dataset).stdout == ""


def test_files_that_vanish_while_others_are_taken_in_are_not_claimed(
    tiny_dataset: Path, inside: Inside, git: Program
) -> None:
    """A filter that removes other files stands for somebody who does so at that moment."""
    git("config", "filter.thief.clean", "rm -f vanishes notes.txt; cat", cwd=tiny_dataset)
    (tiny_dataset / ".git/info/attributes").write_text("early filter=thief\n")
    inside("save", cwd=tiny_dataset)
    write_tree(tiny_dataset, {"early": "e\n", "vanishes": "v\n"})
    (tiny_dataset / "notes.txt").unlink()
    (tiny_dataset / "notes.txt").write_text("changed, then gone\n")
    answer = inside("save", "--to-git", cwd=tiny_dataset)
    assert answer.lines[:3] == [
        "add(ok): early (file)",
        "delete(ok): notes.txt (symlink)",
        "save(ok): . (dataset)",
    ]
    assert git("status", "--porcelain", cwd=tiny_dataset).stdout == ""


@pytest.mark.parametrize("seed", range(3))
def test_killed_anywhere_nothing_is_lost_and_the_next_save_finishes(
    new_dataset: Callable[..., Path], cli: Program, git: Program, annex: Program, seed: int
) -> None:
    kill_and_recover(new_dataset("ds"), cli, git, annex, random.Random(seed), rounds=2)


@pytest.mark.campaign
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(100, 110))
def test_killed_again_and_again(
    new_dataset: Callable[..., Path], cli: Program, git: Program, annex: Program, seed: int
) -> None:
    kill_and_recover(new_dataset("ds"), cli, git, annex, random.Random(seed), rounds=15)


def kill_and_recover(
    ds: Path, cli: Program, git: Program, annex: Program, chance: random.Random, rounds: int
) -> None:
    """Kill a save and all that it started at a random moment; check what is left; let another one finish."""
    expected: dict[str, bytes] = {}
    for turn in range(rounds):
        files = {f"round{turn}/{n}": binary(50 + n, seed=1000 * turn + n) for n in range(20)}
        write_tree(ds, dict(files))
        expected |= files
        victim = subprocess.Popen(
            [*cli.argv, "save", "-m", f"round {turn}"],
            cwd=ds,
            env={**cli.env, "PWD": str(ds)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(chance.uniform(0.03, 0.5))  # not a wait for something: the moment of death
        os.killpg(victim.pid, signal.SIGKILL)
        victim.wait()
        for lock in ("index", "HEAD", "refs/heads/main", "refs/heads/git-annex"):
            (ds / f".git/{lock}.lock").unlink(missing_ok=True)  # as Git itself advises after a crash
        git("fsck", "--connectivity-only", cwd=ds)
        for name, content in expected.items():
            assert (ds / name).read_bytes() == content, f"{name} was lost in round {turn}"
        cli("save", cwd=ds)
        assert git("status", "--porcelain", cwd=ds).stdout == ""
        tracked = set(git("ls-tree", "-r", "--name-only", "HEAD", cwd=ds).lines)
        assert set(expected) <= tracked
    annex("fsck", "--quiet", cwd=ds)
    # A save that has nothing to commit makes no private index, and sweeps none away.
    (ds / "last").write_text("last\n")
    cli("save", cwd=ds)
    assert not list((ds / ".git/rookery").glob("index-*"))
