"""Runs of ours and of DataLad's read each other's records (items 6, 7 and 34 of the contract)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.comparison import SideBySide, missing_from
from support.programs import Program

Make = Callable[..., Path]

FILES = {"in/one.dat": "1\n", "in/two.dat": "2\n", "a space.txt": "3\n", "sub/four": "4\n"}


def message(git: Program, ds: Path, rev: str = "HEAD") -> str:
    return git("log", "-1", "--format=%B", rev, cwd=ds).stdout


def record_of(git: Program, ds: Path, rev: str = "HEAD") -> dict[str, Any]:
    text = message(git, ds, rev)
    body = text.split("=== Do not change lines below ===\n")[1]
    found: dict[str, Any] = json.loads(body.split("\n^^^ Do not change lines above ^^^")[0])
    return found


COMMANDS = [
    ["run", "cat in/*.dat > all"],
    ["run", "-m", "A message\n\nof two parts", "-i", "in/*.dat", "-o", "all", "cat {inputs} > {outputs}"],
    ["run", "-i", "in/one.dat", "-i", "in/two.dat", "-o", "copy", "cp", "{inputs[1]}", "{outputs}"],
    ["run", "-i", "a space.txt", "-o", "the copy", "cp {inputs} {outputs}"],
    ["run", "--expand", "both", "-i", "in/*", "-o", "new*", "touch new-1 new-2"],
    ["run", "--expand", "inputs", "-i", "**/*.dat", "-o", "o*", "touch o1"],
    ["run", "--explicit", "-o", "declared", "touch declared other"],
    ["run", "-i", "{outputs}", "-o", "in/one.dat", "echo more >> {inputs}"],
    ["run", "echo", "a  b", "$HOME", "{inputs}"],
    ["run", "echo {{x}} > braces"],
    ["run", "-o", ".", "echo more >> in/two.dat"],
    ["run", "--on-cmd-failure", "save", "echo x > x; exit 3"],
    ["run", "--on-cmd-failure", "all", "echo x > x; exit 3"],
    ["run", "echo x > x; exit 3"],
    ["run", "rm in/one.dat"],
    ["run", "true"],
    ["run", "-i", "nope", "true"],
    ["run", "echo {nope}"],
    ["run", "--dry-run", "basic", "-i", "in/*", "-o", "out*", "cat {inputs}"],
    ["run", "--dry-run", "command", "-i", "in/*", "cat", "{inputs}"],
    ["run", "-m", "wrapped", "echo z > z; git add z; git commit -qm inner; echo r > r"],
    ["run", "--sidecar", "yes", "-m", "beside", "echo s > s"],
]


@pytest.fixture
def prepared(new_dataset: Make) -> Path:
    """Give a dataset with some files."""
    return new_dataset("prepared", files=FILES)


@pytest.fixture
def both(side_by_side: Callable[[Path], SideBySide], prepared: Path) -> SideBySide:
    """The same dataset on both sides."""
    return side_by_side(prepared)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_same_lines_records_and_messages(both: SideBySide, git: Program, words: list[str]) -> None:
    ours, theirs = both.lines(*words)
    if "." in words:  # unlocked files and changed ones: DataLad tells these apart first
        ours, theirs = sorted(ours), sorted(theirs)
    assert ours == theirs
    assert message(git, both.root / "ours") == message(git, both.root / "theirs")
    trees = [git("rev-parse", "HEAD^{tree}", cwd=both.root / side).text for side in ("ours", "theirs")]
    assert trees[0] == trees[1]


@pytest.mark.parametrize("words", [COMMANDS[n] for n in (1, 5, 6, 11, 13, 18, 21)], ids=" ".join)
def test_the_same_json(both: SideBySide, words: list[str]) -> None:
    ours, theirs = both.records(*words)
    assert not missing_from(ours, theirs)


@pytest.mark.parametrize("folder", ["sub", "in"])
def test_the_same_record_from_a_subfolder(both: SideBySide, git: Program, folder: str) -> None:
    ours, theirs = both.lines("run", "-i", "*", "-o", "out", "cat {inputs} > out", at=folder)
    assert ours == theirs
    assert record_of(git, both.root / "ours") == record_of(git, both.root / "theirs")
    assert record_of(git, both.root / "ours")["pwd"] == folder


@pytest.mark.parametrize(
    "words",
    [
        ["-o", "out", "cat in/*.dat > out; echo again >> out"],
        ["-i", "in/*.dat", "-o", "out", "cat {inputs} > {outputs}"],
        ["--sidecar", "yes", "-o", "out", "echo > out"],
        ["-o", "the copy", "echo > 'the copy'"],
        ["--explicit", "-o", "out", "echo > out"],
        ["--expand", "both", "-o", "out*", "touch out-1"],
        ["--on-cmd-failure", "save", "-o", "out", "echo > out; exit 3"],
        ["echo z > z; git add z; git commit -qm inner; echo r > r"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("writer", ["ours", "theirs"])
def test_what_one_has_run_the_other_repeats(
    cli: Program,
    datalad: Program,
    git: Program,
    annex: Program,
    prepared: Path,
    words: list[str],
    writer: str,
) -> None:
    one, other = (cli, datalad) if writer == "ours" else (datalad, cli)
    ds = prepared
    one("run", *words, cwd=ds)
    told = one("-f", "json", "rerun", "--report", cwd=ds).records
    assert other("-f", "json", "rerun", "--report", cwd=ds).records[-1]["run_info"] == told[-1]["run_info"]
    other("rerun", cwd=ds)
    assert not git("status", "--porcelain", cwd=ds).stdout
    assert annex("fsck", "--quiet", cwd=ds).stderr == ""


def test_a_run_of_another_dataset_is_left_alone_by_both(
    cli: Program, datalad: Program, new_dataset: Make
) -> None:
    top = new_dataset("top", files={})
    datalad("create", "-d", top, top / "sub")
    datalad("run", "-m", "both", "-o", "sub/x", "echo 1 > sub/x", cwd=top)
    answers = [program("rerun", cwd=top / "sub", code=1) for program in (cli, datalad)]
    assert answers[0].lines == answers[1].lines


def test_runs_at_once_with_datalads_saves_lose_nothing(
    cli: Program, datalad: Program, git: Program, annex: Program, tiny_dataset: Path
) -> None:
    """All of ours are in the history, each alone.

    DataLad commits through the index that all share: its saves may fail, or take each other's files along,
    also when nobody else is there.  What they have committed stays, and no content is lost.
    """
    started = []
    for n in range(4):
        (tiny_dataset / f"theirs-{n}").write_text(f"theirs {n}\n")
    for n in range(4):
        ours = ["run", "--explicit", "-o", f"ours-{n}", f"echo {n} > ours-{n}"]
        theirs = ["save", "-m", f"theirs {n}", f"theirs-{n}"]
        for program, words in ((cli, ours), (datalad, theirs)):
            process = subprocess.Popen(
                [*map(str, program.argv), *words],
                cwd=tiny_dataset,
                env={**program.env, "PWD": str(tiny_dataset)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            started.append((program, process))
    for program, process in started:
        said = process.communicate()[0]
        assert program is datalad or process.returncode == 0, said
    for n in range(4):
        commit = git("log", "--format=%H", "--", f"ours-{n}", cwd=tiny_dataset).text
        assert record_of(git, tiny_dataset, commit)["outputs"] == [f"ours-{n}"]
        changed = git("diff-tree", "-r", "--name-only", "--no-commit-id", commit, cwd=tiny_dataset)
        assert changed.lines == [f"ours-{n}"]
    reflog = set(git("log", "-g", "--format=%H", cwd=tiny_dataset).lines)
    assert reflog == set(git("rev-list", "HEAD", cwd=tiny_dataset).lines)
    for n in range(4):
        assert (tiny_dataset / f"theirs-{n}").read_text() == f"theirs {n}\n"
    assert annex("fsck", "--quiet", cwd=tiny_dataset).stderr == ""
