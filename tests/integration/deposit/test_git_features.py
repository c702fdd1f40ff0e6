from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support.deposits import Deposits, content_of


def files_of(repository: Path) -> set[str]:
    """Give what is in a repository's folder, without the helper's own."""
    top = repository / ".git"
    names = (str(f.relative_to(top)) for f in top.rglob("*") if f.is_file())
    return {name for name in names if not name.startswith("dl-repoannex/")}


def test_nothing_changes_in_the_repository_that_pushes(deposits: Deposits) -> None:
    source = deposits.repository()
    before = files_of(source)
    deposits.ours("push", deposits.url(), "main", cwd=source)
    assert files_of(source) == before


def test_the_objects_are_not_stored_a_second_time(deposits: Deposits) -> None:
    source = deposits.repository()
    url = deposits.url()
    deposits.ours("push", url, "main", cwd=source)
    deposits.ours("clone", "-q", url, "clone")
    for repository in (source, deposits.folder / "clone"):
        own = repository / ".git" / "dl-repoannex"
        assert not list(own.glob("*/mirror/objects/pack/*"))
        assert not list(own.glob("*/session-*"))


def test_a_shallow_clone_can_be_deepened(deposits: Deposits) -> None:
    source = deposits.repository(commits=3)
    url = deposits.url()
    deposits.ours("push", url, "main", cwd=source)
    deposits.ours("clone", "-q", "--depth", "1", url, "clone")
    clone = deposits.folder / "clone"
    count = ("rev-list", "--count", "HEAD")
    assert deposits.ours(*count, cwd=clone).text == "1"
    made = deposits.commit(clone, "more")
    deposits.ours("push", "-q", "origin", "main", cwd=clone)
    assert deposits.refs(url)["refs/heads/main"] == made
    deposits.ours("fetch", "-q", "--unshallow", cwd=clone)
    assert deposits.ours(*count, cwd=clone).text == "4"


def test_refused_and_accepted_refs_are_told_apart(deposits: Deposits) -> None:
    source = deposits.repository()
    git, url = deposits.ours.at(source), deposits.url()
    git("push", "-q", url, "main", "main:stays")
    old = deposits.at(source)
    git("commit", "-q", "--amend", "-m", "otherwise")
    answer = git("push", "--porcelain", url, "main", "main:new", code=1)
    assert "non-fast-forward" in answer.stdout
    assert deposits.refs(url)["refs/heads/new"] == deposits.at(source)
    assert deposits.refs(url)["refs/heads/main"] == old
    git("push", "-q", "--atomic", url, "main", "main:newer", code=1)
    assert "refs/heads/newer" not in deposits.refs(url)
    git("push", "-q", "--force-with-lease=main:" + "1" * 40, url, "main", code=1)
    git("push", "-q", f"--force-with-lease=main:{old}", url, "main")
    assert deposits.refs(url)["refs/heads/main"] == deposits.at(source)


def test_mirrors_tags_and_deletions_arrive_down_to_the_last_ref(deposits: Deposits) -> None:
    source = deposits.repository()
    git, url = deposits.ours.at(source), deposits.url()
    git("tag", "-a", "-m", "first", "v1")
    git("branch", "other")
    git("update-ref", "refs/notes/x", "HEAD")
    git("push", "-q", "--mirror", url)
    there = deposits.refs(url)
    assert {"refs/heads/main", "refs/heads/other", "refs/notes/x", "refs/tags/v1", "refs/tags/v1^{}"} < set(
        there
    )
    git("push", "-q", url, ":other", ":refs/notes/x", ":v1", ":main")
    assert deposits.refs(url) == {}
    git("push", "-q", url, "main")
    assert deposits.refs(url)["HEAD"] == deposits.at(source)


@pytest.mark.parametrize("branch", ["main", "trunk", "feature/one"])
def test_a_clone_checks_out_the_branch_that_was_pushed_from(deposits: Deposits, branch: str) -> None:
    source = deposits.repository()
    deposits.ours("branch", "-q", "-m", branch, cwd=source)
    deposits.ours("branch", "aside", cwd=source)
    deposits.ours("push", "-q", deposits.url(), "aside", branch, cwd=source)
    deposits.ours("clone", "-q", deposits.url(), "clone")
    assert deposits.ours("branch", "--show-current", cwd=deposits.folder / "clone").text == branch


def test_head_stays_while_others_push_and_moves_when_asked(deposits: Deposits) -> None:
    source = deposits.repository()
    git, url = deposits.ours.at(source), deposits.url()
    git("push", "-q", url, "main")
    git("checkout", "-q", "-b", "dev")
    git("push", "-q", url, "dev")
    ask = ("ls-remote", "--symref", url, "HEAD")
    assert "refs/heads/main\tHEAD" in deposits.ours(*ask).stdout
    git("push", "-q", url + "&dlahead=dev", "dev")
    assert "refs/heads/dev\tHEAD" in deposits.ours(*ask).stdout


def test_a_detached_head_and_a_push_of_tags_only_are_no_trouble(deposits: Deposits) -> None:
    source = deposits.repository()
    git, url = deposits.ours.at(source), deposits.url()
    git("checkout", "-q", "--detach")
    git("tag", "v1")
    git("push", "-q", url, "v1")
    assert set(deposits.refs(url)) == {"refs/tags/v1"}
    git("push", "-q", url, "HEAD:refs/heads/main")
    assert deposits.refs(url)["HEAD"] == deposits.at(source)


def test_a_repository_without_commits_can_fetch_and_push_nothing(deposits: Deposits) -> None:
    source, empty = deposits.repository(), deposits.repository("empty", commits=0)
    url = deposits.url()
    deposits.ours("push", "-q", "--all", url, cwd=empty, code=None)
    assert not content_of(deposits.place())
    deposits.ours("push", "-q", url, "main", cwd=source)
    deposits.ours("fetch", "-q", url, "main", cwd=empty)
    assert deposits.at(empty, "FETCH_HEAD") == deposits.at(source)


def test_a_repository_of_sha256_can_be_deposited(deposits: Deposits) -> None:
    source = deposits.repository("source", "--object-format=sha256")
    url = deposits.url()
    deposits.ours("push", "-q", url, "main", cwd=source)
    deposits.ours("clone", "-q", url, "clone")
    assert deposits.at(deposits.folder / "clone") == deposits.at(source)
    assert len(deposits.at(source)) == 64


def test_a_linked_work_tree_pushes_with_the_same_state(deposits: Deposits) -> None:
    source = deposits.repository()
    git, url = deposits.ours.at(source), deposits.url()
    git("push", "-q", url, "main")
    git("worktree", "add", "-q", "../linked", "-b", "linked")
    linked = deposits.folder / "linked"
    made = deposits.commit(linked, "more")
    deposits.ours("push", "-q", url, "linked", cwd=linked)
    assert deposits.refs(url)["refs/heads/linked"] == made
    assert len(list((source / ".git" / "dl-repoannex").iterdir())) == 1


@pytest.mark.parametrize("kind", ["directory", "external"])
def test_two_fetches_at_once_do_not_disturb_each_other(deposits: Deposits, kind: str) -> None:
    source = deposits.repository()
    url = deposits.url(kind)
    deposits.ours("push", "-q", url, "main", cwd=source)
    clone = deposits.repository("clone", commits=0)
    asked = ["git", "fetch", "-q", "--no-write-fetch-head", url]
    running = [
        subprocess.Popen([*asked, f"main:refs/heads/got{n}"], cwd=clone, env=deposits.ours.env)
        for n in range(3)
    ]
    assert [process.wait(timeout=100) for process in running] == [0, 0, 0]
    assert {deposits.at(clone, f"got{n}") for n in range(3)} == {deposits.at(source)}


def test_an_unnamed_remote_may_have_a_url_of_any_length(deposits: Deposits) -> None:
    source = deposits.repository()
    url = deposits.url(name="x" * 200)
    url += "&comment=" + "y" * 300
    deposits.ours("push", "-q", url, "main", cwd=source)
    assert deposits.refs(url)["HEAD"] == deposits.at(source)


def test_an_archive_of_a_remote_can_be_asked_for(deposits: Deposits) -> None:
    source = deposits.repository()
    deposits.ours("push", "-q", deposits.url(), "main", cwd=source)
    answer = deposits.ours("archive", f"--remote={deposits.url()}", "main", "file1", cwd=source)
    assert "text 1" in answer.stdout
