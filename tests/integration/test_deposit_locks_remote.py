"""Locks of deposits on WebDAV and S3: one wins, stale ones are broken, what cannot lock is found out."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rookery.core.context import Context
from rookery.core.process import Runner
from rookery.core.sigv4 import Signer
from rookery.core.webrequest import Login, basic, send
from rookery.deposit.terms.store import Unreadable
from rookery.deposit.transport.lock_choice import lock_for
from rookery.deposit.transport.lock_refusal import CannotLock
from rookery.deposit.transport.lock_s3 import S3Cell
from rookery.deposit.transport.lock_ssh import Far, SshCell, far
from rookery.deposit.transport.lock_webdav import GRACE, WebDavCell
from rookery.deposit.transport.locks import Cell, Lease, LockLost
from support.objectstore import BUCKET, KEY_ID, SECRET, ObjectStore
from support.secure_shell import SecureShell
from support.webdav import PASSWORD, USER, WebDav

MakeCell = Callable[[], Cell]
LONG = 1000.0


def dav_cell(server: WebDav, password: str = PASSWORD) -> WebDavCell:
    return WebDavCell({}, f"{server.url}/new/place/.rookery-lock", Login(USER, password))


def s3_cell(server: ObjectStore, secret: str = SECRET) -> S3Cell:
    return S3Cell({}, f"{server.url}/{BUCKET}/a%20b/.rookery-lock", Signer(KEY_ID, secret), time.time)


def shell(folder: Path, then: str) -> str:
    """Make what is started in place of ssh: it forgets the host, and goes on as `then` says."""
    program = folder / "no-ssh"
    program.write_text(f"#!/bin/sh\nshift\n{then}\n")
    program.chmod(0o755)
    return str(program)


def ssh_cell(server: SecureShell, folder: Path, runner: Runner) -> SshCell:
    return SshCell(runner, Far(server.host, str(folder)), ".rookery-lock")


@pytest.fixture(params=["webdav", "s3", "ssh"])
def cell(request: pytest.FixtureRequest, tmp_path: Path, context: Callable[..., Context]) -> MakeCell:
    """Give a factory of cells that are all the same object at the far side."""
    if request.param == "ssh":
        runner = context().runner.with_env({"RSYNC_RSH": shell(tmp_path, 'exec "$@"')})
        return lambda: SshCell(runner, Far("host", str(tmp_path / "it's far")), ".rookery-lock")
    if request.param == "webdav":
        dav: WebDav = request.getfixturevalue("webdav")
        return lambda: dav_cell(dav)
    s3: ObjectStore = request.getfixturevalue("s3")
    s3.make_bucket()
    return lambda: s3_cell(s3)


def at_once(number: int, do: Callable[[int], Any]) -> list[Any]:
    answers: list[Any] = [None] * number
    start = threading.Barrier(number)

    def run(which: int) -> None:
        start.wait()
        try:
            answers[which] = do(which)
        except Exception as e:  # noqa: BLE001 - what goes wrong in a thread is compared like any answer
            answers[which] = e

    threads = [threading.Thread(target=run, args=(which,)) for which in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_a_cell_gives_back_what_was_swapped_in(cell: MakeCell) -> None:
    one, other = cell(), cell()
    assert one.get() is None
    first = one.swap(b"first", tag=None)
    assert first is not None
    assert other.get() == (b"first", first)
    assert other.swap(b"second", tag=None) is None
    second = other.swap(b"second", tag=first)
    assert second is not None
    assert one.swap(b"third", tag=first) is None
    assert one.get() == (b"second", second)


def test_a_cell_lives_through_many_swaps(cell: MakeCell) -> None:
    one, tag = cell(), None
    for number in range(20):
        tag = one.swap(b"%d" % number, tag=tag)
        assert tag is not None
    assert cell().get() == (b"19", tag)


def test_of_eight_that_want_the_lock_exactly_one_gets_it(cell: MakeCell) -> None:
    for now in (0.0, 2 * LONG, 4 * LONG):  # in the later rounds a stale lock is broken by all at once
        answers = at_once(8, lambda n, now=now: Lease(cell()).acquire(f"{now}-{n}", now=now, lasting=LONG))
        assert not [a for a in answers if isinstance(a, Exception)]
        winners = [a for a in answers if a is not None]
        assert len(winners) == 1
        assert Lease(cell()).acquire("late", now=now + 1, lasting=LONG) is None


def test_a_value_that_is_being_put_on_a_webdav_server_is_held(webdav: WebDav) -> None:
    cell = dav_cell(webdav)
    assert Lease(cell).acquire("first", now=0, lasting=LONG) is not None
    url = f"{webdav.url}/new/place/.rookery-lock/2"
    for method, place in (
        ("MKCOL", url),
        ("PUT", f"{url}/lease"),
    ):  # a file that its server has made and not filled
        login = {"Authorization": basic(USER, PASSWORD)}
        assert send({}, method, place, headers=login, body=b"" if method == "PUT" else None).status == 201
    assert Lease(dav_cell(webdav)).acquire("other", now=2 * LONG, lasting=LONG) is None


def test_who_was_taken_over_is_told_so_and_cannot_give_up_the_lock_of_another(cell: MakeCell) -> None:
    slow, quick = Lease(cell()), Lease(cell())
    held = slow.acquire("slow", now=0, lasting=LONG)
    assert held is not None
    held = slow.refresh(held, now=10, lasting=LONG)
    assert quick.acquire("quick", now=20, lasting=LONG) is None
    assert quick.acquire("quick", now=2 * LONG, lasting=LONG) is not None
    with pytest.raises(LockLost):
        slow.refresh(held, now=2 * LONG, lasting=LONG)
    slow.release(held)
    assert Lease(cell()).acquire("third", now=2 * LONG + 1, lasting=LONG) is None


def test_a_lock_that_was_given_up_is_free(cell: MakeCell) -> None:
    held = Lease(cell()).acquire("one", now=0, lasting=LONG)
    assert held is not None
    Lease(cell()).release(held)
    assert Lease(cell()).acquire("two", now=1, lasting=LONG) is not None


def test_a_webdav_server_that_takes_everything_cannot_lock(webdav_server: Callable[..., WebDav]) -> None:
    with pytest.raises(CannotLock, match=r"cannot lock: a collection can be made twice"):
        Lease(dav_cell(webdav_server(blind=True))).acquire("me", now=0, lasting=LONG)


def test_an_s3_server_that_takes_everything_cannot_lock(s3_server: Callable[..., ObjectStore]) -> None:
    server = s3_server(blind=True)
    server.make_bucket()
    with pytest.raises(CannotLock, match=r"cannot lock: a write with If-None-Match went through"):
        Lease(s3_cell(server)).acquire("me", now=0, lasting=LONG)


def test_a_refused_login_is_no_free_lock(webdav: WebDav, s3: ObjectStore) -> None:
    s3.make_bucket()
    for one in (dav_cell(webdav, "wrong"), s3_cell(s3, "wrong")):
        with pytest.raises(Unreadable, match=r"was answered 40[13]") as caught:
            Lease(one).acquire("me", now=0, lasting=LONG)
        assert "wrong" not in str(caught.value)


def test_a_bucket_that_is_not_there_is_no_free_lock(s3: ObjectStore) -> None:
    with pytest.raises(Unreadable):
        Lease(s3_cell(s3)).acquire("me", now=0, lasting=LONG)


def test_a_number_without_value_is_held_until_its_maker_must_be_dead(webdav: WebDav) -> None:
    webdav.fail("PUT", "/1/lease$")
    webdav.fail("DELETE", "/1$")  # else it would clear up behind itself
    with pytest.raises(Unreadable):
        Lease(dav_cell(webdav)).acquire("unlucky", now=0, lasting=LONG)
    assert Lease(dav_cell(webdav)).acquire("next", now=2 * LONG, lasting=LONG) is None
    old = time.time() - GRACE - 5
    os.utime(webdav.root / "new" / "place" / ".rookery-lock" / "1", (old, old))
    assert Lease(dav_cell(webdav)).acquire("next", now=2 * LONG, lasting=LONG) is not None


def test_a_lost_answer_of_s3_is_looked_up(s3: ObjectStore) -> None:
    s3.make_bucket()
    one = s3_cell(s3)
    tag = one.swap(b"first", tag=None)
    s3.lose_answer("PUT")
    assert one.swap(b"second", tag=tag) is not None
    found = s3_cell(s3).get()
    assert found is not None and found[0] == b"second"


@pytest.mark.parametrize("method", ["PROPFIND", "MKCOL", "PUT", "GET"])
def test_trouble_at_a_webdav_server_never_makes_two_holders(webdav: WebDav, method: str) -> None:
    held = Lease(dav_cell(webdav)).acquire("first", now=0, lasting=LONG)
    assert held is not None
    webdav.fail(method, "")
    try:
        second = Lease(dav_cell(webdav)).acquire("second", now=1, lasting=LONG)
    except Unreadable:
        second = None
    assert second is None


def test_a_folder_that_another_made_in_the_same_moment_is_taken(webdav: WebDav) -> None:
    (webdav.root / "new/place/.rookery-lock").mkdir(parents=True)
    webdav.fail("MKCOL", "lock/$", status=500)  # what wsgidav says to the slower of two
    assert Lease(dav_cell(webdav)).acquire("me", now=0, lasting=LONG) is not None


def test_the_lock_costs_few_requests(webdav: WebDav) -> None:
    lease = Lease(dav_cell(webdav))
    first = lease.acquire("me", now=0, lasting=LONG)
    assert first is not None
    webdav.requests.clear()
    lease.refresh(first, now=1, lasting=LONG)
    assert [r.method for r in webdav.requests] == ["MKCOL", "PUT", "PROPFIND"]


def test_who_may_use_rsync_alone_has_no_lock_and_a_folder_that_is_not_ours_says_so(
    sshbox: SecureShell, tmp_path: Path, context: Callable[..., Context]
) -> None:
    runner = context().runner
    refuses = runner.with_env({"RSYNC_RSH": shell(tmp_path, "echo 'only rsync is allowed' >&2; exit 1")})
    with pytest.raises(CannotLock):
        ssh_cell(sshbox, tmp_path, refuses).try_out()
    (tmp_path / "file").touch()
    with pytest.raises(Unreadable, match="may not write"):
        ssh_cell(sshbox, tmp_path / "file", runner).swap(b"x", tag=None)


def test_a_far_folder_without_hard_links_locks_too(tmp_path: Path, context: Callable[..., Context]) -> None:
    program = tmp_path / "bin" / "ln"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    unable = shell(tmp_path, f'PATH="{program.parent}:$PATH" exec "$@"')
    cell = SshCell(context().runner.with_env({"RSYNC_RSH": unable}), Far("host", str(tmp_path)), "lock")
    assert cell.swap(b"first", tag=None) == "1"
    assert cell.swap(b"other", tag=None) is None
    assert cell.get() == (b"first", "1")


@pytest.mark.parametrize(
    ("rsyncurl", "place"),
    [
        ("host:/srv/x", Far("host", "/srv/x")),
        ("me@host:x/y", Far("me@host", "x/y")),
        ("host:~/x", Far("host", "x")),
        ("host:", Far("host", ".")),
        ("host::module", None),
        ("rsync://host/module", None),
        ("/here/a:b", None),
        ("-oProxyCommand=x:y", None),
    ],
)
def test_what_is_behind_ssh_is_told_from_what_is_not(rsyncurl: str, place: Far | None) -> None:
    assert far(rsyncurl) == place


def test_a_special_remote_has_the_lock_that_its_server_can_keep(
    webdav_server: Callable[..., WebDav],
    s3: ObjectStore,
    sshbox: SecureShell,
    tmp_path: Path,
    context: Callable[..., Context],
) -> None:
    s3.make_bucket()
    dav = webdav_server()
    aws = {"host": s3.host, "port": str(s3.port), "bucket": BUCKET, "fileprefix": "some/"}
    login = Login(USER, PASSWORD)

    def chosen(parameters: dict[str, str], login: Login = login) -> Any:
        return lock_for(parameters, runner=context().runner, login=login, clock=time.time)

    for parameters, who in (
        ({"type": "directory", "directory": str(tmp_path / "store")}, login),
        ({"type": "webdav", "url": f"{dav.url}/ds"}, login),
        ({"type": "S3", **aws}, Login(KEY_ID, SECRET)),
        ({"type": "rsync", "rsyncurl": f"{sshbox.host}:{tmp_path}/far"}, login),
        ({"type": "rsync", "rsyncurl": f"{tmp_path}/near"}, login),
    ):
        first, second = chosen(parameters, who), chosen(parameters, who)
        assert first.acquire("one", now=0, lasting=LONG) is not None
        assert second.acquire("two", now=1, lasting=LONG) is None
    for place in ("host::module/x", "rsync://host/module", "-oProxyCommand=x:y"):
        assert chosen({"type": "rsync", "rsyncurl": place}) is None
    with pytest.raises(Unreadable):
        chosen({"type": "rsync", "rsyncurl": "nowhere.invalid:x"})
    assert chosen({"type": "webdav", "url": webdav_server(blind=True).url}) is None
    with pytest.raises(Unreadable):
        chosen({"type": "webdav", "url": dav.url}, Login(USER, "wrong"))
