from __future__ import annotations

from pathlib import Path

from rookery.git.repo import Repo
from rookery.git.status import Change, Standing, status, status_at
from rookery.git.worktree import merge
from support.samples import ODD_NAMES, UNDECODABLE_NAME


def by_path(repo: Repo, *paths: str) -> dict[str, Change]:
    return {change.path: change for change in status(repo, paths)}


def test_each_kind_of_change(saved: Repo) -> None:
    root: Path = saved.root
    (root / "a").write_text("modified")
    (root / "b").unlink()
    (root / "b").symlink_to("a")
    (root / "sub/c").unlink()
    (root / "staged").write_text("staged")
    saved.run("add", "staged")
    (root / "loose").mkdir()
    (root / "loose/f").touch()
    found = by_path(saved)
    assert (found["a"].staged, found["a"].unstaged) == (".", "M")
    assert (found["b"].unstaged, found["b"].mode_worktree) == ("T", 0o120000)
    assert (found["sub/c"].unstaged, found["sub/c"].mode_worktree) == ("D", 0)
    assert (found["staged"].staged, found["staged"].mode_head) == ("A", 0)
    assert found["loose/"].kind == "untracked"
    assert {c.path for c in status(saved, untracked="all") if c.kind == "untracked"} == {"loose/f"}
    assert not any(c.kind == "untracked" for c in status(saved, untracked="no"))


def test_odd_names_come_whole_and_are_taken_literally(saved: Repo) -> None:
    names = {*ODD_NAMES, UNDECODABLE_NAME}
    for name in names:
        (saved.root / name).touch()
    assert set(by_path(saved)) == names
    for name in names:
        assert set(by_path(saved, name)) == {name}


def test_an_unborn_branch_has_everything_added(repo: Repo) -> None:
    (repo.root / "x").touch()
    (repo.root / "y").touch()
    repo.run("add", "x")
    assert [(c.path, c.kind) for c in status(repo)] == [("x", "changed"), ("y", "untracked")]
    assert next(iter(status_at(repo))) == Standing("main", None)


def test_where_head_stands_comes_first_even_when_clean(saved: Repo) -> None:
    assert list(status_at(saved)) == [Standing("main", saved.text("rev-parse", "HEAD"))]
    saved.run("checkout", "-q", "--detach")
    assert next(iter(status_at(saved))) == Standing(None, saved.text("rev-parse", "HEAD"))


def test_renames_only_on_request(saved: Repo) -> None:
    saved.run("mv", "a", "z")
    assert {(c.path, c.staged) for c in status(saved)} == {("a", "D"), ("z", "A")}
    (renamed,) = status(saved, renames=True)
    assert (renamed.kind, renamed.path, renamed.from_path) == ("renamed", "z", "a")


def test_conflicts_are_told(saved: Repo) -> None:
    saved.run("checkout", "-q", "-b", "side")
    (saved.root / "a").write_text("theirs")
    saved.run("commit", "-qam", "Theirs")
    saved.run("checkout", "-q", "main")
    (saved.root / "a").write_text("ours")
    saved.run("commit", "-qam", "Ours")
    merged = merge(saved, "side")
    assert merged.how == "conflict"
    assert [(c.kind, c.path) for c in merged.conflicts] == [("conflict", "a")]


def test_submodules_tell_what_changed_in_them(saved: Repo, tmp_path: Path) -> None:
    saved.run("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", saved.root, "mod")
    saved.run("commit", "-qm", "Add a submodule")
    (saved.root / "mod/untracked").touch()
    change = by_path(saved)["mod"]
    assert (change.submodule, change.untracked_content, change.new_commits) == (True, True, False)
    (saved.root / "mod/a").write_text("changed")
    assert by_path(saved)["mod"].modified_content
    saved.run("-C", "mod", "commit", "-qam", "Inner")
    assert by_path(saved)["mod"].new_commits
    assert list(status(saved, ignore_submodules="all")) == []
