"""A push that says it succeeded has; one that failed has changed nothing; trouble is never taken for absence."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from support.deposits import Deposits, content_of
from support.web import WebServer

MARKERS = "refs/dlra-upload-failed"


def fail(deposits: Deposits, request: str, which: str) -> Path:
    """Make requests to the external special remote fail; removing the file ends that."""
    switch = deposits.place() / f"fail-{request}"
    switch.write_text(which)
    return switch


def requests(deposits: Deposits) -> list[str]:
    return (deposits.place() / "requests").read_text().splitlines()


def start(deposits: Deposits) -> tuple[Path, str]:
    """Make a repository with a named deposit of two branches in the external special remote."""
    source = deposits.repository()
    url = deposits.url("external")
    deposits.ours("remote", "add", "dep", url, cwd=source)
    deposits.ours("push", "-q", "dep", "main", "main:other", cwd=source)
    return source, url


@pytest.mark.parametrize("key", ["SHA256-", "XDLRB--w-"])
def test_a_failed_upload_is_a_rejected_push(deposits: Deposits, key: str) -> None:
    source, url = start(deposits)
    git = deposits.ours.at(source)
    git("fetch", "-q", "dep")
    old = deposits.at(source)
    new = deposits.commit(source)
    git("tag", "v1")
    switch = fail(deposits, "TRANSFER", f"STORE {key}")
    answer = git("push", "dep", "main", "v1", code=1)
    assert answer.stderr.count("[remote rejected]") == 2
    assert deposits.at(source, "refs/remotes/dep/main") == old
    marked = set(git("for-each-ref", "--format=%(refname)", MARKERS).lines)
    assert marked == {f"{MARKERS}/dep/main", f"{MARKERS}/dep/other", f"{MARKERS}/dep/refs/tags/v1"}
    assert deposits.refs(url)["refs/heads/main"] == old
    switch.unlink()
    git("push", "-q", "dep", "main", "v1")
    assert deposits.refs(url)["refs/heads/main"] == new
    assert not git("for-each-ref", MARKERS).stdout


@pytest.mark.parametrize("request_", ["TRANSFER", "CHECKPRESENT"])
def test_trouble_in_reading_never_looks_like_an_empty_deposit(deposits: Deposits, request_: str) -> None:
    source, url = start(deposits)
    deposits.commit(source)
    before = deposits.refs(url)
    files = content_of(deposits.place() / "content")
    switches = [fail(deposits, "TRANSFER", "RETRIEVE XDLRA--refs")]
    if request_ == "CHECKPRESENT":
        switches.append(fail(deposits, "CHECKPRESENT", "XDLRA--refs"))
    answer = deposits.ours("push", "dep", "main", cwd=source, code=128)
    assert "could not be read" in answer.stderr
    assert content_of(deposits.place() / "content") == files
    for switch in switches:
        switch.unlink()
    assert deposits.refs(url) == before


def test_a_server_in_trouble_is_no_missing_deposit(deposits: Deposits, web: WebServer) -> None:
    web.fail("/.datalad/dotgit/refs", 503)
    answer = deposits.ours("ls-remote", f"datalad-annex::{web.url}", code=128)
    assert "503" in answer.stderr
    missing = deposits.ours("ls-remote", f"datalad-annex::{web.url}/elsewhere", code=128)
    assert (
        "couldn't find remote refs (repository deposit does not exist, or is inaccessible" in missing.stderr
    )


def test_a_place_that_is_not_there_is_no_missing_deposit(deposits: Deposits) -> None:
    source = deposits.repository()
    gone = deposits.folder / "not-mounted"
    url = f"datalad-annex::?type=directory&directory={gone}&encryption=none"
    answer = deposits.ours("push", url, "main", cwd=source, code=128)
    assert "not accessible" in answer.stderr
    assert not gone.exists()


def test_an_rsync_server_out_of_reach_is_no_missing_deposit(deposits: Deposits) -> None:
    source = deposits.repository()
    url = "datalad-annex::?type=rsync&rsyncurl=rsync://127.0.0.1:1/x&encryption=none"
    answer = deposits.ours("push", url, "main", cwd=source, code=128)
    assert "cannot be looked at" in answer.stderr


def test_a_push_of_nothing_writes_nothing_and_a_fetch_of_nothing_reads_refs_only(deposits: Deposits) -> None:
    source, _ = start(deposits)
    (deposits.place() / "requests").unlink()
    before = content_of(deposits.place() / "content")
    assert "up-to-date" in deposits.ours("push", "dep", "main", cwd=source).stderr
    deposits.ours("fetch", "-q", "dep", cwd=source)
    assert content_of(deposits.place() / "content") == before
    carried = [line.split(" ")[1:3] for line in requests(deposits) if line.startswith("TRANSFER")]
    kinds = [(what, name[:8]) for what, name in carried]
    assert sorted(kinds) == [("RETRIEVE", "XDLRA--r")] * 2 + [("RETRIEVE", "XDLRB--w")] * 4


@pytest.mark.parametrize("key", ["XDLRA--repo-export", "XDLRA--refs"])
def test_a_push_that_peers_cannot_see_yet_is_told_and_mended_by_the_next(
    deposits: Deposits, key: str
) -> None:
    source, url = start(deposits)
    old = deposits.at(source)
    new = deposits.commit(source)
    switch = fail(deposits, "TRANSFER", f"STORE {key}")
    answer = deposits.ours("push", "dep", "main", cwd=source)
    assert "still shows an older state" in answer.stderr
    assert deposits.refs(url)["refs/heads/main"] == new
    refs = deposits.place() / "content" / "XDLRA--refs"
    assert f"{old} refs/heads/main" in refs.read_text()
    switch.unlink()
    deposits.ours("push", "dep", "main", cwd=source)
    assert f"{new} refs/heads/main" in refs.read_text()


def make_legacy(deposits: Deposits) -> None:
    """Leave what a peer would have made, and nobody who remembers more."""
    for file in (deposits.place() / "content").iterdir():
        if not file.name.startswith("XDLRA--"):
            file.unlink()


def test_a_deposit_without_its_refs_is_read_from_its_archive(deposits: Deposits) -> None:
    source, url = start(deposits)
    make_legacy(deposits)
    before = deposits.refs(url)
    (deposits.place() / "content" / "XDLRA--refs").unlink()
    assert deposits.refs(url) == before
    clone = deposits.repository("clone", commits=0)
    deposits.ours("fetch", "-q", url, "main", cwd=clone)
    deposits.commit(source)
    deposits.ours("push", "-q", url, "main", cwd=source)
    assert deposits.refs(url)["refs/heads/other"] == before["refs/heads/other"]


def test_a_deposit_without_its_archive_is_made_whole_by_who_has_everything(deposits: Deposits) -> None:
    source, url = start(deposits)
    make_legacy(deposits)
    (deposits.place() / "content" / "XDLRA--repo-export").unlink()
    answer = deposits.ours("clone", url, "clone", code=128)
    assert "the archive with the repository is missing" in answer.stderr
    made = deposits.commit(source)
    deposits.ours("push", "-q", url, "main", cwd=source)
    deposits.ours("clone", "-q", url, "clone")
    assert deposits.at(deposits.folder / "clone") == made


def test_refs_and_archive_that_do_not_belong_together_are_told(deposits: Deposits) -> None:
    source, url = start(deposits)
    content = deposits.place() / "content"
    old = (content / "XDLRA--repo-export").read_bytes()
    deposits.commit(source)
    deposits.ours("push", "-q", url, "main", cwd=source)
    make_legacy(deposits)
    (content / "XDLRA--repo-export").write_bytes(old)
    answer = deposits.ours("clone", url, "clone", code=128)
    assert "do not belong together" in answer.stderr


def test_who_pushes_onto_what_changed_meanwhile_is_told_to_fetch_first(deposits: Deposits) -> None:
    source, url = start(deposits)
    deposits.ours("clone", "-q", url, "clone")
    clone = deposits.folder / "clone"
    theirs = deposits.commit(clone, "theirs")
    deposits.commit(source, "mine")
    hook = (
        source / ".git" / "hooks" / "pre-push"
    )  # runs when the helper has read the deposit, and before it writes
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nunset GIT_DIR\ncd '{clone}' && git push -q origin main\n")
    hook.chmod(0o755)
    answer = deposits.ours("push", "dep", "main", cwd=source, code=1)
    assert "fetch first" in answer.stderr
    assert deposits.refs(url)["refs/heads/main"] == theirs


def test_who_pushes_while_others_push_another_branch_goes_through(deposits: Deposits) -> None:
    source, url = start(deposits)
    deposits.ours("clone", "-q", url, "clone")
    clone = deposits.folder / "clone"
    theirs = deposits.commit(clone, "theirs")
    mine = deposits.commit(source, "mine")
    hook = source / ".git" / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\nunset GIT_DIR\ncd '{clone}' && git push -q origin main:elsewhere\n")
    hook.chmod(0o755)
    deposits.ours("push", "-q", "dep", "main", cwd=source)
    there = deposits.refs(url)
    assert (there["refs/heads/elsewhere"], there["refs/heads/main"]) == (theirs, mine)


def test_a_hook_may_fetch_from_the_deposit_that_is_pushed_to(deposits: Deposits) -> None:
    source, url = start(deposits)
    made = deposits.commit(source)
    hook = source / ".git" / "hooks" / "pre-push"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ngit fetch -q dep\n")
    hook.chmod(0o755)
    deposits.ours("push", "-q", "dep", "main", cwd=source)
    assert deposits.refs(url)["refs/heads/main"] == made


def test_a_mirror_whose_borrowed_objects_are_gone_is_made_anew(deposits: Deposits) -> None:
    source, url = start(deposits)
    git = deposits.ours.at(source)
    git("checkout", "-q", "--orphan", "fresh")
    git("commit", "-q", "-m", "nothing of the old")
    git("branch", "-q", "-D", "main")
    git("update-ref", "-d", "refs/remotes/dep/main")
    git("update-ref", "-d", "refs/remotes/dep/other")
    git("reflog", "expire", "--expire=now", "--all")
    git("gc", "-q", "--prune=now")
    refused = git("push", "dep", "fresh", code=1)
    assert "deposit holds another repository" in refused.stderr
    url += "&dlaforeign=yes"
    git("remote", "set-url", "dep", url)
    git("push", "-q", "dep", "fresh")
    assert {"refs/heads/main", "refs/heads/other", "refs/heads/fresh"} <= set(deposits.refs(url))
    with zipfile.ZipFile(deposits.place() / "content" / "XDLRA--repo-export") as archive:
        assert archive.testzip() is None
    deposits.ours("clone", "-q", "--mirror", url, "clone")
    deposits.ours("fsck", "--full", cwd=deposits.folder / "clone")
