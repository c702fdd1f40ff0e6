"""Deposits on a WebDAV server that fails: what was acknowledged stays, and a later push heals."""

from __future__ import annotations

import subprocess
from urllib.parse import quote

import pytest

from support.deposits import Deposits, content_of
from support.killing import spread
from support.programs import Answer
from support.webdav import PASSWORD, USER, WebDav

LOGIN = {"WEBDAV_USERNAME": USER, "WEBDAV_PASSWORD": PASSWORD}


@pytest.fixture
def person(deposits: Deposits) -> Deposits:
    """Deposits of somebody whose environment has the login."""
    deposits.ours = deposits.ours.having(LOGIN)
    return deposits


def url_of(server: WebDav, name: str = "ds", more: str = "") -> str:
    return f"datalad-annex::?type=webdav&encryption=none&url={quote(f'{server.url}/{name}', safe='')}{more}"


def look_after(person: Deposits, url: str, answer: Answer, old: str | None, new: str) -> None:
    """Look at the deposit as a stranger: it holds what Git was told, and never less than before."""
    if answer.code == 0:
        assert person.refs(url)["refs/heads/main"] == new
        return
    # Git ends with 128 where it could not even be told what is there.
    assert answer.code == 128 or "[remote rejected]" in answer.stderr, answer.stderr
    assert "503" in answer.stderr
    if old is not None:
        assert person.refs(url)["refs/heads/main"] in (old, new)


@pytest.mark.parametrize("most", [4, pytest.param(10_000, marks=pytest.mark.campaign)])
@pytest.mark.timeout(1200)
def test_a_push_whose_nth_request_fails_keeps_what_was_acknowledged(
    person: Deposits, webdav: WebDav, most: int
) -> None:
    source, url = person.repository(), url_of(webdav)
    person.ours("push", "-q", url, "main", cwd=source)
    old = person.commit(source, "zero")
    webdav.requests.clear()
    person.ours("push", "-q", url, "main", cwd=source)
    steps = len(webdav.requests)
    assert steps > 40
    refused = 0
    for nth in spread(steps, most):
        new = person.commit(source, f"at-{nth}")
        webdav.fail(None, "", nth=nth)
        answer = person.ours("push", url, "main", cwd=source, code=None)
        webdav.forget_faults()
        look_after(person, url, answer, old, new)
        refused += answer.code != 0
        person.ours("push", "-q", url, "main", cwd=source)
        assert person.refs(url)["refs/heads/main"] == new
        old = new
    assert refused


@pytest.mark.parametrize("most", [2, pytest.param(10_000, marks=pytest.mark.campaign)])
@pytest.mark.timeout(1200)
def test_a_first_push_whose_nth_request_fails_can_be_done_again(
    person: Deposits, webdav: WebDav, most: int
) -> None:
    source = person.repository()
    person.ours("push", "-q", url_of(webdav), "main", cwd=source)
    steps = len(webdav.requests)
    new = person.at(source)
    for nth in spread(steps - 2, most):
        url = url_of(webdav, f"ds{nth}")
        webdav.fail(None, "", nth=nth)
        answer = person.ours("push", url, "main", cwd=source, code=None)
        webdav.forget_faults()
        look_after(person, url, answer, None, new)
        person.ours("push", "-q", url, "main", cwd=source)
        assert person.refs(url)["refs/heads/main"] == new


def test_one_bad_answer_while_the_folder_of_a_deposit_is_made_is_survived(
    person: Deposits, webdav: WebDav
) -> None:
    """git-annex passes over it, and says of what comes next that a folder is missing."""
    source, url = person.repository(), url_of(webdav, "new/place")
    webdav.fail("MKCOL", "new")
    person.ours("push", "-q", url, "main", cwd=source)
    assert next(r.status for r in webdav.asked("MKCOL", "new")) == 503
    assert person.refs(url)["refs/heads/main"] == person.at(source)


def test_a_lock_that_could_not_be_taken_or_given_up_keeps_nobody_out(
    person: Deposits, webdav: WebDav
) -> None:
    source, url = person.repository(), url_of(webdav)
    person.ours("push", "-q", url, "main", cwd=source)
    for method, pattern in (("PUT", "lease$"), ("PROPFIND", "lock/$"), ("MKCOL", r"lock/\d*[02468]/$")):
        person.commit(source, method)
        webdav.fail(method, pattern, nth=2 if method == "PROPFIND" else 1)
        person.ours("push", "-q", url, "main", cwd=source, code=None)
        webdav.forget_faults()
        person.ours("push", "-q", url, "main", cwd=source)
        assert person.refs(url)["refs/heads/main"] == person.at(source)


def test_who_may_only_read_can_clone_and_fetch_and_hears_why_a_push_is_refused(
    person: Deposits, webdav: WebDav
) -> None:
    source = person.repository()
    person.ours("push", "-q", url_of(webdav), "main", cwd=source)
    with WebDav(webdav.root, readonly=True).running() as guest:
        url = url_of(guest)
        person.ours("clone", "-q", url, "copy")
        copy = person.folder / "copy"
        new = person.commit(source)
        person.ours("push", "-q", url_of(webdav), "main", cwd=source)
        person.ours("pull", "-q", "--ff-only", cwd=copy)
        assert person.at(copy) == new
        assert {r.method for r in guest.requests} <= {"GET", "PROPFIND"}
        before = content_of(webdav.root)
        person.commit(copy, "of the guest")
        answer = person.ours("push", cwd=copy, code=1)
    assert "[remote rejected]" in answer.stderr
    assert "may not write" in answer.stderr and "403" in answer.stderr
    assert content_of(webdav.root) == before
    assert person.at(copy, "refs/remotes/origin/main") == new


def test_two_who_push_at_once_to_webdav_lose_nothing(person: Deposits, webdav: WebDav) -> None:
    _storm(person, url_of(webdav), writers=2, rounds=2)


@pytest.mark.campaign
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("more", ["", "&dlalock=off"])
def test_four_who_push_at_once_to_webdav_lose_nothing(person: Deposits, webdav: WebDav, more: str) -> None:
    _storm(person, url_of(webdav, more=more), writers=4, rounds=4)


def _storm(person: Deposits, url: str, *, writers: int, rounds: int) -> None:
    """Let all push one commit at the same moment, then let those who were refused catch up one by one."""
    source = person.repository()
    person.ours("push", "-q", url, "main", cwd=source)
    folders = [person.folder / f"clone{number}" for number in range(writers)]
    for folder in folders:
        person.ours("clone", "-q", url, str(folder))
    with_lock = "dlalock=off" not in url
    acknowledged = set[str]()
    for turn in range(rounds):
        for folder in folders:
            person.ours("pull", "-q", "--rebase", cwd=folder)
            person.commit(folder, f"{folder.name}-{turn}")
        pushes = [
            subprocess.Popen(["git", "push", "-q"], cwd=folder, env=person.ours.env, stderr=subprocess.PIPE)
            for folder in folders
        ]
        said = [push.communicate(timeout=200)[1].decode() for push in pushes]
        won = [folder for folder, push in zip(folders, pushes, strict=True) if push.returncode == 0]
        acknowledged |= {person.at(folder) for folder in won}
        assert len(won) == 1 if with_lock else len(won) <= 1, said
        for folder, push, words in zip(folders, pushes, said, strict=True):
            if push.returncode:
                # Without a lock those who join at once may overwrite each other's list too often.
                assert not with_lock or "fetch first" in words or "another push" in words, words
                assert "rejected]" in words, words
                person.ours("pull", "-q", "--rebase", cwd=folder)
                person.ours("push", "-q", cwd=folder)
                acknowledged.add(person.at(folder))
    person.ours("clone", "-q", url, "end")
    end = person.folder / "end"
    history = set(person.ours("log", "--format=%H", cwd=end).lines)
    assert acknowledged <= history
    assert len(acknowledged) == writers * rounds
    # Without a lock a refused push may live on in the record of a third who saw it before it was taken back.
    assert not with_lock or not [name for name in person.refs(url) if "conflict" in name]
