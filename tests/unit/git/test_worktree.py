from __future__ import annotations

import pytest

from rookery.core.errors import CommandError
from rookery.git import worktree
from rookery.git.repo import Repo


def branch_with(repo: Repo, branch: str, name: str, content: str) -> None:
    worktree.checkout(repo, "main", create=branch)
    (repo.root / name).write_text(content)
    repo.run("add", name)
    repo.run("commit", "-qm", f"On {branch}")
    worktree.checkout(repo, "main")


def test_merges_say_how_they_went(saved: Repo) -> None:
    branch_with(saved, "one", "new1", "1")
    branch_with(saved, "two", "new2", "2")
    assert worktree.merge(saved, "one").how == "fast-forward"
    assert worktree.merge(saved, "one").how == "up to date"
    assert worktree.merge(saved, "two", message="Both").how == "merged"
    assert saved.text("log", "-1", "--format=%s") == "Both"
    assert worktree.merge_heads(saved) == []


def test_a_conflict_stays_open_until_it_is_aborted(saved: Repo) -> None:
    branch_with(saved, "one", "a", "theirs")
    branch_with(saved, "two", "a", "also theirs")
    worktree.merge(saved, "one")
    merged = worktree.merge(saved, "two")
    assert (merged.how, [c.path for c in merged.conflicts]) == ("conflict", ["a"])
    assert worktree.merge_heads(saved) == [saved.text("rev-parse", "two")]
    worktree.abort_merge(saved)
    assert worktree.is_clean(saved)


def test_a_merge_that_cannot_begin_is_an_error_and_changes_nothing(saved: Repo) -> None:
    branch_with(saved, "one", "a", "theirs")
    (saved.root / "a").write_text("precious")
    with pytest.raises(CommandError, match="overwritten"):
        worktree.merge(saved, "one")
    assert (saved.root / "a").read_text() == "precious"


def test_paths_and_commits_are_restored(saved: Repo) -> None:
    (saved.root / "a").write_text("oops")
    (saved.root / "sub/c").unlink()
    worktree.checkout_paths(saved, "HEAD", ["a", "sub/c"])
    assert worktree.is_clean(saved)
    branch_with(saved, "one", "new", "x")
    worktree.reset(saved, "one", mode="hard")
    assert (saved.root / "new").exists()
    worktree.checkout(saved, "HEAD", detach=True)
    assert saved.run("symbolic-ref", "-q", "HEAD", ok=(1,)).code == 1
