"""Content in repositories: what is claimed is there, what is locked stays, what is nobody's business is hidden."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from rookery.annex.branch import log_name
from rookery.hub.content_http import pieces_of
from rookery.hub.domain.access import Actor, Level, Visibility
from rookery.hub.domain.errors import (
    BadName,
    BadOffset,
    Forbidden,
    Hidden,
    InUse,
    NotFound,
    OnlyCopy,
    TooMuch,
)
from rookery.hub.domain.names import parse_path
from rookery.hub.domain.records import Repository
from rookery.hub.storage.tables import clock
from support.hubs import HubInside, make_hub_inside
from support.programs import Program

DATA = b"some content\n" * 100


def key_of(data: bytes) -> str:
    return f"SHA256E-s{len(data)}--{hashlib.sha256(data).hexdigest()}.dat"


KEY = key_of(DATA)


def put(hub: HubInside, who: Actor, where: Repository, data: bytes = DATA, key: str | None = None) -> bool:
    contents = hub.opened.hub.contents
    with contents.receive(who, where.id, key or key_of(data), length=len(data)) as coming:
        coming.write(data)
        return coming.finish()


def read(hub: HubInside, who: Actor, where: Repository, offset: int = 0) -> bytes:
    reader = hub.opened.hub.contents.open(who, where.id, KEY, offset)
    try:
        return reader.read(1 << 20)
    finally:
        reader.close()


def test_what_was_stored_is_read_from_any_offset(hub: HubInside) -> None:
    ada = hub.person("ada")
    where = hub.repository(ada)
    assert not hub.opened.hub.contents.present(ada, where.path, KEY)
    assert put(hub, ada, where)
    assert hub.opened.hub.contents.size(ada, where.path, KEY) == len(DATA)
    assert read(hub, ada, where) == DATA
    assert read(hub, ada, where, 1000) == DATA[1000:]


@pytest.mark.parametrize("in_memory", [True, False])
def test_content_streams_the_same_whether_the_system_has_it_in_memory(
    on_disk: None, hub: HubInside, in_memory: bool
) -> None:
    data = os.urandom(3_000_001)
    ada = hub.person("ada")
    where = hub.repository(ada)
    assert put(hub, ada, where, data)
    file = hub.opened.hub.contents.file(ada, where.id, key_of(data))
    assert file is not None
    if not in_memory:
        handle = os.open(file, os.O_RDONLY)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(handle)

    async def streamed(offset: int, length: int) -> bytes:
        reader = hub.opened.hub.contents.open(ada, where.id, key_of(data), offset)
        return b"".join([piece async for piece in pieces_of(reader, length)])

    assert asyncio.run(streamed(0, len(data))) == data
    assert asyncio.run(streamed(999_999, 1_500_000)) == data[999_999:2_499_999]
    assert asyncio.run(streamed(3_000_000, 10)) == data[3_000_000:], "no more than there is"


def test_git_annex_reads_a_repository_of_the_hub(
    on_disk: None, hub: HubInside, annex: Program, git: Program
) -> None:
    ada = hub.person("ada")
    where = hub.repository(ada)
    put(hub, ada, where)
    place = hub.opened.histories.place(where.id)
    assert git("config", "annex.uuid", cwd=place).text == where.uuid
    assert annex("contentlocation", KEY, cwd=place).text.startswith("./annex/objects/")
    assert "ok" in annex("fsck", "--key", KEY, cwd=place).stdout


def test_wrong_content_is_refused_and_nothing_of_it_stays(hub: HubInside) -> None:
    ada = hub.person("ada")
    where = hub.repository(ada)
    assert not put(hub, ada, where, DATA[::-1], KEY)
    assert hub.opened.hub.contents.put_offset(ada, where.id, KEY) == 0
    assert not hub.opened.hub.contents.present(ada, where.id, KEY)


def test_an_upload_that_stopped_goes_on_where_it_stopped(hub: HubInside) -> None:
    ada, contents = hub.person("ada"), hub.opened.hub.contents
    where = hub.repository(ada)
    with contents.receive(ada, where.id, KEY, length=len(DATA)) as coming:
        coming.write(DATA[:500])
        assert not coming.finish()
    assert contents.put_offset(ada, where.id, KEY) == 500
    with pytest.raises(BadOffset):
        contents.receive(ada, where.id, KEY, length=len(DATA) - 600, offset=600)
    with contents.receive(ada, where.id, KEY, length=len(DATA) - 500, offset=500) as coming:
        coming.write(DATA[500:])
        assert coming.finish()
    assert read(hub, ada, where) == DATA
    assert contents.put_offset(ada, where.id, KEY) is None


def test_a_damaged_part_does_not_become_content(hub: HubInside) -> None:
    ada, contents = hub.person("ada"), hub.opened.hub.contents
    where = hub.repository(ada)
    with contents.receive(ada, where.id, KEY, length=len(DATA)) as coming:
        coming.write(DATA[:500])
    hub.behind(where.id).damage_part(b"x" * 500)
    with contents.receive(ada, where.id, KEY, length=len(DATA) - 500, offset=500) as coming:
        coming.write(DATA[500:])
        assert not coming.finish()
    assert not contents.present(ada, where.id, KEY)


def test_two_cannot_upload_the_same_at_once(hub: HubInside) -> None:
    ada, contents = hub.person("ada"), hub.opened.hub.contents
    where = hub.repository(ada)
    with contents.receive(ada, where.id, KEY, length=len(DATA)):
        with pytest.raises(InUse):
            contents.receive(ada, where.id, KEY, length=len(DATA))
    assert put(hub, ada, where)


def test_more_than_was_announced_is_refused(hub: HubInside) -> None:
    ada, contents = hub.person("ada"), hub.opened.hub.contents
    where = hub.repository(ada)
    with pytest.raises(BadOffset):
        contents.receive(ada, where.id, KEY, length=len(DATA) + 1)
    with contents.receive(ada, where.id, "WORM-m1--name", length=3) as coming, pytest.raises(TooMuch):
        coming.write(b"four")


def test_content_cut_off_on_the_disk_is_not_claimed_and_can_be_stored_again(hub: HubInside) -> None:
    ada, contents = hub.person("ada"), hub.opened.hub.contents
    where = hub.repository(ada)
    put(hub, ada, where)
    hub.behind(where.id).damage(KEY, DATA[:10])
    assert not contents.present(ada, where.id, KEY)
    with pytest.raises(NotFound):
        contents.open(ada, where.id, KEY)
    assert put(hub, ada, where)
    assert read(hub, ada, where) == DATA


def test_a_repository_gains_nothing_by_naming_a_key_of_another(hub: HubInside) -> None:
    ada, bob = hub.person("ada"), hub.person("bob")
    put(hub, ada, hub.repository(ada))
    his = hub.repository(bob)
    assert hub.opened.hub.contents.put_offset(bob, his.id, KEY) == 0
    assert not hub.opened.hub.contents.present(bob, his.id, KEY)


def test_unknown_and_unreadable_look_alike(hub: HubInside) -> None:
    ada, bob = hub.person("ada"), hub.person("bob")
    where = hub.repository(ada)
    put(hub, ada, where)
    gate_says = []
    for path in ("ada/data", "ada/none"):
        with pytest.raises(NotFound) as said:
            hub.opened.hub.contents.size(bob, parse_path(path), KEY)
        gate_says.append(str(said.value).replace(path, ""))
        with pytest.raises(Hidden):
            hub.opened.hub.contents.size(hub.opened.hub.identity.stranger(""), parse_path(path), KEY)
    assert gate_says[0] == gate_says[1]


@pytest.mark.parametrize("key", ["", "../../x", "SHA256E-s1--a\nb", "SHA256-s1--" + "a" * 300, "x\0"])
def test_what_is_no_key_is_refused(hub: HubInside, key: str) -> None:
    ada = hub.person("ada")
    where = hub.repository(ada)
    with pytest.raises(BadName):
        hub.opened.hub.contents.present(ada, where.id, key)


def test_locked_content_stays_until_the_lock_ends_or_expires(hub: HubInside) -> None:
    ada, contents = hub.person("ada"), hub.opened.hub.contents
    where = hub.repository(ada)
    assert contents.lock(ada, where.id, KEY) is None
    put(hub, ada, where)
    lock = contents.lock(ada, where.id, KEY)
    assert lock
    assert not contents.remove(ada, where.id, KEY)
    hub.let_pass(500)
    assert contents.keep(lock)
    hub.let_pass(500)
    assert not contents.remove(ada, where.id, KEY)
    hub.let_pass(101)
    assert not contents.keep(lock)
    assert contents.remove(ada, where.id, KEY)
    assert not contents.present(ada, where.id, KEY)
    assert contents.remove(ada, where.id, KEY), "what is not here counts as dropped"


def test_a_drop_with_a_time_limit_is_refused_after_it(hub: HubInside) -> None:
    ada, contents = hub.person("ada"), hub.opened.hub.contents
    where = hub.repository(ada)
    put(hub, ada, where)
    now = contents.timestamp(ada, where.id)
    assert not contents.remove(ada, where.id, KEY, before=now)
    assert contents.remove(ada, where.id, KEY, before=now + 100)


def test_a_clock_that_goes_back_shows_no_earlier_time_and_lets_no_drop_through(hub: HubInside) -> None:
    ada, contents = hub.person("ada"), hub.opened.hub.contents
    where = hub.repository(ada)
    put(hub, ada, where)
    shown = contents.timestamp(ada, where.id) + 3600
    with hub.opened.database.engine.begin() as connection:
        connection.execute(update(clock).values(seconds=shown))  # as it was shown before it went back
    assert contents.timestamp(ada, where.id) == shown
    assert not contents.remove(ada, where.id, KEY, before=shown + 600)


def test_writing_does_not_include_dropping(hub: HubInside) -> None:
    ada, bob, contents = hub.person("ada"), hub.person("bob"), hub.opened.hub.contents
    where = hub.repository(ada)
    hub.opened.hub.repositories.set_collaborator(ada, where.id, "bob", Level.WRITE)
    assert put(hub, bob, where)
    with pytest.raises(Forbidden):
        contents.remove(bob, where.id, KEY)
    hub.opened.hub.repositories.change(ada, where.id, drop_level=Level.WRITE)
    assert contents.remove(bob, where.id, KEY)


def test_the_last_known_copy_is_not_dropped(hub: HubInside, git: Program) -> None:
    ada, contents = hub.person("ada"), hub.opened.hub.contents
    where = hub.repository(ada)
    put(hub, ada, where)
    place = hub.opened.histories.place(where.id)

    def write_log(text: str) -> None:
        blob = f"blob\nmark :1\ndata {len(text)}\n{text}\n"
        commit = "commit refs/heads/git-annex\ncommitter A <a@b> 0 +0000\ndata 0\n"
        script = f"{blob}{commit}M 100644 :1 {log_name(KEY)}\n\n"
        git("fast-import", "--quiet", "--force", cwd=place, stdin=script)

    write_log(f"1s 1 {where.uuid}\n1s 0 other\n")
    with pytest.raises(OnlyCopy):
        contents.remove(ada, where.id, KEY)
    assert contents.present(ada, where.id, KEY)
    write_log(f"1s 1 {where.uuid}\n2s 1 other\n")
    assert contents.remove(ada, where.id, KEY)


@pytest.fixture
def small(tmp_path: Path, new_database: Callable[[], str]) -> Iterator[HubInside]:
    """Open a hub in which an account has room for one content and ten bytes."""
    quota = str(len(DATA) + 10)
    hub = make_hub_inside(tmp_path, database=new_database(), ROOKERY_HUB_LIMITS_QUOTA_ACCOUNT=quota)
    yield hub
    hub.opened.database.close()


def test_a_quota_is_kept_to(small: HubInside) -> None:
    ada = small.person("ada")
    where = small.repository(ada, "one")
    assert put(small, ada, where)
    with pytest.raises(TooMuch, match="quota"):
        small.opened.hub.contents.receive(ada, small.repository(ada, "two").id, "SHA1-s11--ab", length=11)


def test_anybody_reads_what_is_public_and_nobody_else_writes(hub: HubInside) -> None:
    ada = hub.person("ada")
    where = hub.repository(ada, visibility=Visibility.PUBLIC)
    put(hub, ada, where)
    stranger = hub.opened.hub.identity.stranger("")
    assert read(hub, stranger, where) == DATA
    assert hub.opened.hub.contents.lock(stranger, where.id, KEY)
    with pytest.raises(Forbidden):
        put(hub, hub.person("bob"), where)
