"""status and diff beside DataLad's: in the same dataset, the same lines and the same records."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support import situations
from support.inside import Inside
from support.programs import Answer, Program
from support.samples import write_tree

STATUS = (
    ". status",
    ". status --annex",
    ". status -e no",
    ". status -e commit",
    ". status --untracked no",
    ". status --untracked all -r",
    ". status -r --annex all",
    "d status",
    "d status e ../mod.txt",
    "d status -d .. e",
    ". status -d . sub-mod sub-mod/",
    "nest/deep status -d ^ .",
    ". status -d . nest/deep nest",
    ". status ../elsewhere",
    ". status newdir/sub nested-repository d del.dat rmd.dat",
)
DIFF = (
    ". diff",
    ". diff -r --annex all",
    ". diff --from HEAD~1",
    ". diff --from HEAD~2 --to HEAD -r --annex basic",
    ". diff --from HEAD --to HEAD~2",
    ". diff --from nonsense",
    ". diff d mod.txt sub-mod",
    ". diff -d . sub-mod/ nest/deep",
    "d diff --untracked no -r -R 1",
)


@pytest.fixture
def eventful(new_dataset: Callable[..., Path]) -> Path:
    root = new_dataset("eventful", procedure="text2git", files=situations.FILES)
    situations.add_subdatasets(root)
    situations.make_it_all_happen(root)
    return root


def differences(root: Path, command: str, inside: Inside, datalad: Program) -> list[str]:
    at, *words = command.split()
    folder = root / at
    ours: list[Answer] = []
    theirs: list[Answer] = []
    for form in ("tailored", "json"):
        ours.append(inside("-f", form, *words, cwd=folder, code=None))
        theirs.append(datalad("-f", form, *words, cwd=folder, code=None, env={"PWD": str(folder)}))
    found = []
    if (ours[0].code, ours[0].lines) != (theirs[0].code, theirs[0].lines):
        found.append(
            f"{command}\n--- ours {ours[0].code}\n{ours[0].stdout}\n--- theirs {theirs[0].code}\n{theirs[0].stdout}"
        )
    for mine, other in zip(ours[1].records, theirs[1].records, strict=False):
        if mine != other:
            found.append(f"{command}\n--- ours\n{mine}\n--- theirs\n{other}")
    if len(ours[1].records) != len(theirs[1].records):
        found.append(f"{command}: {len(ours[1].records)} records, not {len(theirs[1].records)}")
    return found


@pytest.mark.parametrize(
    "commands", [STATUS[:7], STATUS[7:], DIFF], ids=["status", "status of paths", "diff"]
)
def test_both_tell_the_same(
    commands: tuple[str, ...], eventful: Path, inside: Inside, datalad: Program
) -> None:
    found = [one for command in commands for one in differences(eventful, command, inside, datalad)]
    assert not found, "\n\n".join(found)


@pytest.mark.parametrize("command", [". status", ". status --annex", ". diff"])
def test_both_tell_the_same_before_the_first_commit(
    command: str, tmp_path: Path, git: Program, inside: Inside, datalad: Program
) -> None:
    root = tmp_path / "unborn"
    root.mkdir()
    git("init", "-q", cwd=root)
    git("annex", "init", "-q", cwd=root)
    assert not differences(root, command, inside, datalad)
    (root / "staged").write_text("s")
    (root / "untracked").write_text("u")
    git("add", "staged", cwd=root)
    assert not differences(root, command, inside, datalad)


def test_both_tell_the_same_of_a_merge_that_stopped(
    tmp_path: Path, git: Program, inside: Inside, datalad: Program
) -> None:
    root = tmp_path / "merging"
    situations.make_repository(root, {"same": "s\n", "ours-gone": "o\n", "theirs-gone": "t\n"})
    for branch, gone, other in (("side", "theirs-gone", "ours-gone"), ("main", "ours-gone", "theirs-gone")):
        git("checkout", "-q", "-B", branch, *(["HEAD"] if branch == "side" else []), cwd=root)
        if branch == "main":
            git("reset", "-q", "--hard", "side~1", cwd=root)
        (root / gone).unlink()
        write_tree(root, dict.fromkeys(("same", "both-added", other), f"of {branch}\n"))
        git("add", "--all", cwd=root)
        git("commit", "-q", "-m", branch, cwd=root)
    git("merge", "-q", "side", cwd=root, code=1)
    assert len(git("diff", "--name-only", "--diff-filter=U", cwd=root).lines) == 4
    assert not differences(root, ". status", inside, datalad)


def test_both_tell_the_same_of_a_repository_without_an_annex(
    tmp_path: Path, inside: Inside, datalad: Program
) -> None:
    root = tmp_path / "plain"
    situations.make_repository(root, {"a": "a\n", "b/c": "c\n"})
    (root / "b/c").write_text("changed\n")
    assert not differences(root, ". status --annex all", inside, datalad)
