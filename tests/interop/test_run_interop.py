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

FILES = {"in/one.dat": "1\n", "in/two.dat": "2\n", "ünï cödé.txt": "3\n", "sub/four": "4\n"}


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
    ["run", "-i", "ünï cödé.txt", "-o", "kopie ü", "cp {inputs} {outputs}"],
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
def both(side_by_side: Callable[[Path], SideBySide], new_dataset: Make) -> SideBySide:
    """The same dataset on both sides."""
    return side_by_side(new_dataset("prepared", files=FILES))


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_same_lines_records_and_messages(both: SideBySide, git: Program, words: list[str]) -> None:
    ours, theirs = both.lines(*words)
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
        ["-o", "kopie ü", "echo > 'kopie ü'"],
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
    new_dataset: Make,
    words: list[str],
    writer: str,
) -> None:
    one, other = (cli, datalad) if writer == "ours" else (datalad, cli)
    ds = new_dataset("ds", files=FILES)
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


def test_runs_of_both_at_once_lose_no_commit(
    cli: Program, datalad: Program, git: Program, tiny_dataset: Path
) -> None:
    """DataLad saves through the shared index and may be refused there; what it says is done is in the history."""
    started = []
    for n in range(3):
        for name, program in (("ours", cli), ("theirs", datalad)):
            words = ["run", "--explicit", "-o", f"{name}-{n}", f"echo {n} > {name}-{n}"]
            process = subprocess.Popen(
                [*map(str, program.argv), *words],
                cwd=tiny_dataset,
                env={**program.env, "PWD": str(tiny_dataset)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            started.append((name, n, process))
    ended = [(name, n, process.communicate()[0], process.returncode) for name, n, process in started]
    kept = set(git("ls-tree", "-r", "--name-only", "HEAD", cwd=tiny_dataset).lines)
    for name, n, said, code in ended:
        if name == "ours":
            assert code == 0, said
        if code == 0 and b"save(ok)" in said:
            assert f"{name}-{n}" in kept
