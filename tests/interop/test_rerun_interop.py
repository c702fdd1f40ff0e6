"""Repetitions of ours and of DataLad's on one history (item 8 of the contract)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.comparison import SideBySide, missing_from
from support.programs import Program

Make = Callable[..., Path]


@pytest.fixture
def prepared(cli: Program, datalad: Program, new_dataset: Make) -> Path:
    """A history of which each tool made a half: a run of each, a plain commit, another run of each."""
    ds = new_dataset("prepared", files={"in/one.dat": "1\n", "in/two.dat": "2\n"})
    cli("run", "-m", "ours first", "-i", "in/one.dat", "-o", "a", "cat {inputs} >> a", cwd=ds)
    datalad("run", "-m", "theirs first", "-i", "a", "-o", "b", "cat {inputs} >> b", cwd=ds)
    (ds / "plain").write_text("x\n")
    cli("save", "-m", "plain", cwd=ds)
    datalad("run", "-m", "theirs second", "-i", "in/*.dat", "-o", "c", "cat {inputs} > c", cwd=ds)
    cli("run", "-m", "ours second", "-o", "d", "echo d > d", cwd=ds)
    return ds


@pytest.fixture
def both(side_by_side: Callable[[Path], SideBySide], prepared: Path) -> SideBySide:
    """The same history on both sides."""
    return side_by_side(prepared)


def history(git: Program, ds: Path) -> list[str]:
    return git("log", "--format=%s|%T", cwd=ds).lines


WORDS = [
    ["rerun"],
    ["rerun", "HEAD~4"],
    ["rerun", "-m", "another message", "HEAD~4"],
    ["rerun", "--since", "HEAD~2"],
    ["rerun", "--since="],
    ["rerun", "--since=", "-b", "verify", "--onto="],
    ["rerun", "--onto", "HEAD~4", "HEAD~3"],
    ["rerun", "-b", "other", "HEAD~1"],
    ["rerun", "--explicit", "HEAD~4"],
    ["rerun", "--assume-ready", "inputs", "HEAD~4"],
    ["rerun", "--report", "--since="],
    ["rerun", "HEAD~2"],
    ["rerun", "--onto", "nowhere"],
    ["rerun", "--script", "-"],
    ["rerun", "--script", "-", "--since="],
]


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_the_same_lines_and_the_same_history(both: SideBySide, git: Program, words: list[str]) -> None:
    ours, theirs = both.lines(*words)
    assert ours == theirs
    assert history(git, both.root / "ours") == history(git, both.root / "theirs")
    branches = [git("branch", "--show-current", cwd=both.root / side).text for side in ("ours", "theirs")]
    assert branches[0] == branches[1]


@pytest.mark.parametrize("words", [WORDS[n] for n in (0, 1, 4, 10)], ids=" ".join)
def test_the_same_json(both: SideBySide, words: list[str]) -> None:
    ours, theirs = both.records(*words)
    for record in (*ours, *theirs):
        for one in record.get("diff", ()):
            one.pop("bytesize", None)  # DataLad tells sizes of some files only
    assert not missing_from(ours, theirs)


def test_a_chain_grows_through_both(cli: Program, datalad: Program, git: Program, prepared: Path) -> None:
    commits = [git("rev-parse", "HEAD~4", cwd=prepared).text]
    for program in (datalad, cli, datalad, cli):
        program("rerun", commits[-1], cwd=prepared)
        commits.append(git("rev-parse", "HEAD", cwd=prepared).text)
    told = cli("-f", "json", "rerun", "--report", cwd=prepared).records
    assert told[0]["run_info"]["chain"] == commits[:-1]


def test_theirs_crashes_where_our_script_has_a_temporary_folder(
    cli: Program, datalad: Program, tiny_dataset: Path
) -> None:
    datalad("run", "-o", "x", "echo > {tmpdir}/x; cp {tmpdir}/x x", cwd=tiny_dataset)
    script = cli("rerun", "--script", "-", cwd=tiny_dataset).lines
    assert any(line.startswith("mkdir -p ") for line in script)
    assert "{tmpdir}" not in script[-1]
