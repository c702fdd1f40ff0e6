"""diff: two states of a dataset, or one and the work tree."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from rookery.core.process import Runner
from rookery.git.repo import open_repo
from rookery.steps.comparing import states
from support import situations
from support.counting import Started
from support.inside import Inside
from support.programs import Program
from support.samples import write_tree


@pytest.fixture
def history(tmp_path: Path, git: Program) -> Path:
    root = tmp_path / "history"
    situations.make_repository(root, {"kept": "k\n", "changed": "1\n", "gone": "g\n", "folder/file": "f\n"})
    git("rm", "-q", "gone", cwd=root)
    write_tree(root, {"changed": "2\n", "new": "n\n"})
    git("add", ".", cwd=root)
    git("commit", "-q", "-m", "Second", cwd=root)
    return root


def test_two_commits_are_compared(inside: Inside, history: Path) -> None:
    assert inside("diff", "--from", "HEAD~1", "--to", "HEAD", cwd=history).lines == [
        " modified: changed (file)",
        "    added: new (file)",
        "  deleted: gone (file)",
    ]
    assert inside("diff", "-f", "HEAD", "-t", "HEAD~1", "gone", "new", cwd=history).lines == [
        "    added: gone (file)",
        "  deleted: new (file)",
    ]


def test_what_changed_between_commits_is_modified_although_it_is_gone_now(
    inside: Inside, history: Path
) -> None:
    (history / "changed").unlink()
    assert " modified: changed (file)" in inside("diff", "-f", "HEAD~1", "-t", "HEAD", cwd=history).lines


def test_an_older_commit_is_compared_with_the_work_tree(inside: Inside, history: Path) -> None:
    write_tree(history, {"gone": "back\n", "kept": "not any more\n"})
    assert inside("diff", "--from", "HEAD~1", cwd=history).lines == [
        " modified: gone (file)",
        " modified: changed (file)",
        " modified: kept (file)",
        "    added: new (file)",
    ]


def test_no_difference_is_no_line(inside: Inside, history: Path) -> None:
    assert inside("diff", cwd=history).lines == []
    records = inside("-f", "json", "diff", cwd=history).records
    assert {r["state"] for r in records} == {"clean"}
    assert {r["action"] for r in records} == {"diff"}


def test_a_revision_that_is_none_is_impossible(inside: Inside, history: Path) -> None:
    assert inside("diff", "--to", "v9", cwd=history, code=1).lines == [
        "diff(impossible): . [Git reference 'v9' invalid]"
    ]


def test_a_path_in_neither_state_is_impossible(inside: Inside, history: Path) -> None:
    answer = inside("diff", "-f", "HEAD~1", "-t", "HEAD", "gon", "gone", "kept", cwd=history, code=1)
    assert answer.lines == ["diff(impossible): gon [path does not exist]", "  deleted: gone (file)"]


def test_one_program_besides_the_settings_compares_the_work_tree(
    inside: Inside, history: Path, count_programs: Callable[[], AbstractContextManager[Started]]
) -> None:
    with count_programs() as started:
        inside("diff", cwd=history)
    assert len(started) <= 2


def test_subdatasets_are_compared_between_the_commits_that_are_recorded(
    inside: Inside, git: Program, new_dataset: Callable[..., Path]
) -> None:
    root = new_dataset("super", files={})
    situations.add_subdatasets(root)
    (root / "sub-mod/file").write_text("changed")
    git("commit", "-q", "-a", "-m", "Change", cwd=root / "sub-mod")
    git("commit", "-q", "-a", "-m", "Record", cwd=root)
    (root / "sub-mod/file").write_text("changed again, which is not part of either commit")
    expected = [" modified: sub-mod (dataset)", " modified: sub-mod/file (file)"]
    assert inside("diff", "-r", "-f", "HEAD~1", "-t", "HEAD", cwd=root).lines == expected
    assert inside("diff", "-f", "HEAD~1", "-t", "HEAD", cwd=root).lines == expected[:1]
    assert inside("diff", "-f", "HEAD~1", "-t", "HEAD", "sub-mod/file", cwd=root).lines == expected
    assert inside("diff", cwd=root).lines == expected[:1]


def test_only_what_differs_is_read_and_it_is_told_as_if_all_were(git: Program, history: Path) -> None:
    situations.add_subdatasets(history)
    git("rm", "-q", "--cached", "new", cwd=history)
    (history / "folder/file").unlink()
    git("mv", "kept", "moved", cwd=history)
    write_tree(history, {"gone": "back\n", "staged": "s\n", "changed": "1\n", "nest/deep/new": "n\n"})
    git("add", "staged", cwd=history)
    repo, seen = open_repo(history, Runner(os.environ)), 0
    for commit in git("rev-list", "HEAD", cwd=history).stdout.split():
        for paths in ([], ["folder"], ["nest", "gone", "changed"]):
            changed = states.look(repo, paths)
            everything = states.since(repo, commit, changed, paths)
            some = states.since(repo, commit, changed, paths, clean=False)
            unlike = [item._replace(size=None) for item in everything if item.state != "clean"]
            assert sorted(map(str, some)) == sorted(map(str, unlike))
            seen += len(some)
    assert seen > 20


def test_what_an_older_commit_has_in_common_with_the_work_tree_is_not_listed(
    inside: Inside, history: Path, count_programs: Callable[[], AbstractContextManager[Started]]
) -> None:
    with count_programs() as started:
        inside("diff", "--from", "HEAD~1", cwd=history)
    assert not [argv for argv in started.programs if "ls-tree" in argv]
