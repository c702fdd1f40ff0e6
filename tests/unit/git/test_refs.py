from __future__ import annotations

from pathlib import Path

import pytest

from rookery.core.errors import LostRaceError
from rookery.git import refs
from rookery.git.repo import Repo, open_repo
from support.counting import programs_started
from support.programs import Program


def test_head_of_an_unborn_branch_has_no_commit(repo: Repo) -> None:
    assert refs.head(repo) == refs.Head("main", None)


def test_head_is_read_without_a_process(saved: Repo) -> None:
    commit = saved.text("rev-parse", "HEAD")
    with programs_started() as started:
        assert refs.head(saved) == refs.Head("main", commit)
    assert len(started) == 0


def test_head_is_found_in_packed_refs(saved: Repo) -> None:
    saved.run("branch", "main2", "HEAD")
    saved.run("commit", "-q", "--allow-empty", "-m", "More")
    saved.run("pack-refs", "--all")
    assert refs.head(saved) == refs.Head("main", saved.text("rev-parse", "main"))
    assert not (saved.gitdir / "refs/heads/main").exists()


def test_a_detached_head_has_no_branch(saved: Repo) -> None:
    saved.run("checkout", "-q", "--detach")
    assert refs.head(saved) == refs.Head(None, saved.text("rev-parse", "HEAD"))
    assert refs.head(saved).ref == "HEAD"


def test_a_branch_that_points_to_another_ref_is_followed(saved: Repo) -> None:
    saved.run("symbolic-ref", "refs/heads/alias", "refs/heads/main")
    saved.run("symbolic-ref", "HEAD", "refs/heads/alias")
    assert refs.head(saved).commit == saved.text("rev-parse", "main")


def test_head_of_a_worktree_is_its_own(saved: Repo, tmp_path: Path) -> None:
    saved.run("worktree", "add", "-q", "-b", "side", tmp_path / "side")
    side = open_repo(tmp_path / "side", saved.runner)
    assert refs.head(side) == refs.Head("side", saved.text("rev-parse", "HEAD"))
    assert refs.head(saved).branch == "main"


def test_head_in_a_sha256_repository_and_a_bare_one(tmp_path: Path, git: Program, saved: Repo) -> None:
    git("init", "-q", "--object-format=sha256", tmp_path / "wide")
    wide = open_repo(tmp_path / "wide", saved.runner)
    wide.run("commit", "-q", "--allow-empty", "-m", "One")
    assert refs.head(wide).commit == wide.text("rev-parse", "HEAD")
    git("clone", "-q", "--bare", saved.root, tmp_path / "bare.git")
    bare = open_repo(tmp_path / "bare.git", saved.runner)
    assert refs.head(bare) == refs.head(saved)


def test_an_update_from_the_wrong_place_is_a_lost_race(saved: Repo) -> None:
    first = saved.text("rev-parse", "HEAD")
    saved.run("commit", "-q", "--allow-empty", "-m", "Somebody else's")
    theirs = saved.text("rev-parse", "HEAD")
    with pytest.raises(LostRaceError):
        refs.update(saved, "refs/heads/main", first, old=first)
    assert saved.text("rev-parse", "HEAD") == theirs
    refs.update(saved, "refs/heads/main", first, old=theirs, message="back")
    assert saved.text("rev-parse", "HEAD") == first


def test_an_update_that_wants_a_new_ref_refuses_an_existing_one(saved: Repo) -> None:
    commit = saved.text("rev-parse", "HEAD")
    refs.update(saved, "refs/heads/new", commit, old="")
    with pytest.raises(LostRaceError):
        refs.update(saved, "refs/heads/new", commit, old="")
    refs.update(saved, "refs/heads/new", None, old=commit)
    assert refs.resolve(saved, "refs/heads/new") is None


def test_refs_are_listed_with_what_is_behind_them(saved: Repo) -> None:
    saved.run("tag", "-a", "-m", "A tag", "v1")
    saved.run("branch", "follower")
    saved.run("branch", "-u", "main", "follower")
    listed = {ref.name: ref for ref in refs.for_each_ref(saved)}
    commit = saved.text("rev-parse", "HEAD")
    assert listed["refs/tags/v1"].kind == "tag"
    assert listed["refs/tags/v1"].peeled == commit
    assert listed["refs/heads/follower"].upstream == "refs/heads/main"
    assert refs.upstream(saved, "follower") == (".", "refs/heads/main")
    assert refs.upstream(saved, "main") is None


def test_histories_are_compared(saved: Repo) -> None:
    first = saved.text("rev-parse", "HEAD")
    saved.run("commit", "-q", "--allow-empty", "-m", "Second")
    assert refs.is_ancestor(saved, first, "HEAD")
    assert not refs.is_ancestor(saved, "HEAD", first)
    assert refs.merge_base(saved, first, "HEAD") == first
    assert refs.count(saved, f"{first}..HEAD") == 1


def test_names_are_checked(saved: Repo) -> None:
    assert refs.check_ref_format(saved, "refs/heads/fine")
    assert not refs.check_ref_format(saved, "refs/heads/not..fine")
    assert refs.resolve(saved, "--all") is None


def test_refs_of_one_name_are_those_that_git_shows(saved: Repo, tmp_path: Path) -> None:
    def shown() -> list[tuple[str, str]]:
        lines = saved.text("show-ref", "git-annex").splitlines()
        return [(sha, ref) for sha, _, ref in (line.partition(" ") for line in lines)]

    assert refs.named(saved, "git-annex") == []
    saved.run("branch", "git-annex")
    for ref in (
        "refs/remotes/origin/git-annex",
        "refs/remotes/a/b/git-annex",
        "refs/annex/git-annex",
        "refs/git-annex",
    ):
        saved.run("update-ref", ref, "HEAD")
    for ref in ("refs/heads/not-git-annex", "refs/heads/git-annex2"):
        saved.run("update-ref", ref, "HEAD")
    saved.run("tag", "-m", "x", "git-annex")
    with programs_started() as started:
        loose = refs.named(saved, "git-annex")
    assert len(started) == 0
    assert loose == shown()
    saved.run("pack-refs", "--all")
    assert refs.named(saved, "git-annex") == shown() == loose
    saved.run("commit", "-q", "--allow-empty", "-m", "More")
    saved.run("update-ref", "refs/remotes/origin/git-annex", "HEAD")
    assert refs.named(saved, "git-annex") == shown() != loose
    saved.run("symbolic-ref", "refs/remotes/other/git-annex", "refs/heads/git-annex")
    assert refs.named(saved, "git-annex") == shown()
    saved.run("worktree", "add", "-q", "-b", "side", tmp_path / "side")
    assert refs.named(open_repo(tmp_path / "side", saved.runner), "git-annex") == shown()


def test_a_branch_is_found_without_a_process(saved: Repo) -> None:
    commit = saved.text("rev-parse", "HEAD")
    saved.run("branch", "a/b")
    with programs_started() as started:
        assert refs.resolve(saved, "refs/heads/a/b") == commit
        assert refs.resolve(saved, "refs/heads/none") is None
        assert refs.resolve(saved, "refs/heads/a") is None
    assert len(started) == 0
    saved.run("pack-refs", "--all")
    assert refs.resolve(saved, "refs/heads/a/b") == commit
    assert refs.resolve(saved, "refs/heads/a/b^{tree}", "tree") == saved.text("rev-parse", "HEAD^{tree}")
    assert refs.resolve(saved, "refs/heads/../heads/main") is None
