"""What a push would do, told without Git: as `git push --dry-run` tells it, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.core.context import Context
from rookery.dataset.model import Dataset
from rookery.git import remotes
from rookery.git.repo import Repo, open_repo
from rookery.steps.sharing.foresight import foreseen
from rookery.steps.sharing.targets import siblings_of
from support.inside import Inside
from support.programs import Program

SPECS = ["refs/heads/main:refs/heads/main", "refs/heads/git-annex:refs/heads/git-annex"]


@pytest.fixture
def ds(tiny_dataset: Path, git: Program, context: Callable[..., Context]) -> Dataset:
    git("init", "-q", "--bare", tiny_dataset.parent / "bare.git")
    git("remote", "add", "gin", "../bare.git", cwd=tiny_dataset)
    return Dataset(tiny_dataset, context())


def told(ds: Dataset, specs: list[str]) -> list[tuple[str, str, str]] | None:
    ds.forget()
    report = foreseen(ds.repo, siblings_of(ds)["gin"], specs, ds.config.of_git())
    return None if report is None else [(ref.flag, ref.source, ref.target) for ref in report.refs]


def by_git(ds: Dataset, specs: list[str]) -> list[tuple[str, str, str]]:
    report = remotes.push(ds.repo, "gin", specs, options=["--dry-run", "--no-verify"])
    return sorted((ref.flag, ref.source, ref.target) for ref in report.refs)


def new(_: Repo) -> None:
    pass


def pushed(repo: Repo) -> None:
    repo.run("push", "-q", "--no-verify", "gin", *SPECS)


def ahead(repo: Repo) -> None:
    pushed(repo)
    repo.run("commit", "-q", "--allow-empty", "-m", "More")


def packed(repo: Repo) -> None:
    ahead(repo)
    repo.run("gc", "-q")
    repo.run("--git-dir", "../bare.git", "gc", "-q")


@pytest.mark.parametrize("change", [new, pushed, ahead, packed])
def test_it_is_as_git_says(ds: Dataset, change: Callable[[Repo], None]) -> None:
    change(ds.repo)
    found = told(ds, SPECS)
    assert found is not None
    assert sorted(found) == by_git(ds, SPECS)


def behind(repo: Repo) -> None:
    ahead(repo)
    pushed(repo)
    repo.run("reset", "-q", "--hard", "HEAD^")


def of_others(repo: Repo) -> None:
    """Give the sibling a commit that is not here."""
    pushed(repo)
    there = open_repo(repo.root.parent / "bare.git", repo.runner)
    made = there.text("commit-tree", "-p", "main", "-m", "theirs", "main^{tree}")
    there.run("update-ref", "refs/heads/main", made)


@pytest.mark.parametrize("change", [behind, of_others])
def test_what_may_be_refused_is_git_s_to_tell(ds: Dataset, change: Callable[[Repo], None]) -> None:
    change(ds.repo)
    assert told(ds, SPECS) is None
    assert "!" in {flag for flag, _, _ in by_git(ds, SPECS)}


@pytest.mark.parametrize(
    "setting",
    [
        ("remote.gin.pushurl", "../elsewhere.git"),
        ("remote.gin.mirror", "true"),
        ("remote.gin.receivepack", "false"),
        ("url.../elsewhere.git.pushInsteadOf", "../bare.git"),
        ("push.followTags", "true"),
        ("protocol.file.allow", "never"),
        ("submodule.recurse", "true"),
        ("remote.gin.url", "ssh://localhost/bare.git"),
        ("remote.gin.url", "../nothing.git"),
    ],
)
def test_what_other_settings_make_of_it_is_git_s_to_tell(ds: Dataset, setting: tuple[str, str]) -> None:
    ds.repo.run("config", *setting)
    assert told(ds, SPECS) is None


def test_refs_that_the_sibling_hides_are_git_s_to_tell(ds: Dataset, git: Program) -> None:
    git("config", "receive.hideRefs", "refs/heads/main", cwd=ds.path.parent / "bare.git")
    assert told(ds, SPECS) is None


@pytest.mark.parametrize(
    "spec",
    ["refs/heads/main", "+refs/heads/main:refs/heads/main", "refs/tags/v1:refs/tags/v1", ":refs/heads/main"],
)
def test_other_refspecs_are_git_s(ds: Dataset, spec: str) -> None:
    assert told(ds, [SPECS[0]]) == [("*", "refs/heads/main", "refs/heads/main")]
    assert told(ds, [spec]) is None


def test_a_dry_run_is_git_s_own(inside: Inside, ds: Dataset) -> None:
    lines = inside("push", "--dry-run", "--to", "gin", cwd=ds.path).lines
    assert any("refs/heads/main->gin:refs/heads/main [new branch]" in line for line in lines)
