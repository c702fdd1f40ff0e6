"""Contents in an object store: what is on its way, what is whole, what is gone; when the store fails."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.core.process import Runner
from rookery.hub.admin import backup, doctor, fsck, upkeep
from rookery.hub.admin.findings import Verdict
from rookery.hub.domain.access import Actor, Visibility
from rookery.hub.domain.errors import BadOffset, InUse, NotFound, Unavailable
from rookery.hub.domain.records import Repository
from rookery.hub.storage import s3_objects
from rookery.hub.storage.object_names import object_name, parse_name
from rookery.hub.storage.object_rows import LEASE_SECONDS
from rookery.hub.storage.s3_objects import S3Objects
from rookery.hub.storage.s3_upload import PART, part_size
from support.home import Home
from support.hubs import HubInside, in_store, make_hub_inside
from support.objectstore import ObjectStore
from support.p2p import key_of
from support.programs import Program

BIG = os.urandom(2 * PART + 100_000)
KEY = key_of(BIG)
SMALL = b"some content\n" * 100


@pytest.fixture
def store(bucket_server: ObjectStore) -> Iterator[ObjectStore]:
    yield bucket_server
    bucket_server.refusing.clear()
    bucket_server.ahead, bucket_server.cutting = 0.0, 0


@pytest.fixture
def stored(store: ObjectStore, tmp_path: Path, new_database: Callable[[], str]) -> Iterator[HubInside]:
    """Open a hub with its contents in the store."""
    settings = in_store(store.url, os.urandom(8).hex())
    made = make_hub_inside(tmp_path / "hub", database=new_database(), ROOKERY_HUB_S3_LINKS="1", **settings)
    yield made
    made.opened.database.close()


@pytest.fixture
def ada(stored: HubInside) -> Actor:
    return stored.person("ada")


@pytest.fixture
def where(stored: HubInside, ada: Actor) -> Repository:
    return stored.repository(ada)


def put(hub: HubInside, who: Actor, where: int, data: bytes, key: str = "", offset: int = 0) -> bool:
    length = len(data) - offset
    with hub.opened.hub.contents.receive(
        who, where, key or key_of(data), length=length, offset=offset
    ) as coming:
        for start in range(offset, len(data), 1 << 20):
            coming.write(data[start : start + (1 << 20)])
        return coming.finish()


def begin(hub: HubInside, who: Actor, where: int, data: bytes, upto: int) -> None:
    """Bring a part of a content, and stop."""
    with hub.opened.hub.contents.receive(who, where, key_of(data), length=len(data)) as coming:
        coming.write(data[:upto])


def read(hub: HubInside, who: Actor, where: int, key: str, offset: int = 0) -> bytes:
    reader = hub.opened.hub.contents.open(who, where, key, offset)
    try:
        pieces = []
        while piece := reader.read(1 << 20):
            pieces.append(piece)
        return b"".join(pieces)
    finally:
        reader.close()


def names(hub: HubInside) -> list[str]:
    objects = hub.opened.objects
    assert isinstance(objects, S3Objects)
    return list(objects.s3.names(""))


def requests(store: ObjectStore, method: str) -> int:
    return sum(one.method == method for one in store.requests)


@given(
    st.integers(1, 1 << 31),
    st.binary(min_size=1, max_size=240).filter(lambda raw: b"/" not in raw and b"\0" not in raw),
)
def test_the_name_of_an_object_tells_the_key(number: int, raw: bytes) -> None:
    key = os.fsdecode(raw)
    name = object_name(number, key, "ab")
    assert parse_name(number, name) == (key, "ab")
    assert re.fullmatch(r"content/\d+/[A-Za-z0-9_.~=-]+/ab", name) and len(name) < 1024


@given(st.one_of(st.none(), st.integers(0, 5 << 40)))
def test_ten_thousand_parts_are_enough_for_what_a_store_takes(size: int | None) -> None:
    if size is not None:
        assert -(-size // part_size(size, 0)) <= 10_000
        return
    assert sum(part_size(None, number) for number in range(10_000)) > 400 << 30


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("https://example.org/x", "not s3://BUCKET"),
        ("s3://bucket?x=y", "not s3://BUCKET"),
        ("s3://bucket/x", "pip install 'rookery[s3]'"),
    ],
)
def test_a_store_that_cannot_be_used_is_refused_with_what_to_do(
    home: Home, tmp_path: Path, content: str, said: str
) -> None:
    hidden = "import sys; sys.modules['botocore'] = None; from rookery.cli.main import main; sys.exit(main())"
    python = Program([sys.executable, "-c", hidden], home.env, tmp_path)
    answer = python("hub", "serve", "--data", "hub", "--content", content, "--http", "127.0.0.1:0", code=None)
    assert answer.code != 0 and said in answer.stderr and "Traceback" not in answer.stderr


def test_a_store_without_a_login_says_where_to_write_it(home: Home, tmp_path: Path) -> None:
    python = Program(
        [sys.executable, "-m", "rookery"], {**home.env, "AWS_EC2_METADATA_DISABLED": "true"}, tmp_path
    )
    answer = python(
        *("hub", "serve", "--data", "hub", "--content", "s3://bucket/x", "--http", "127.0.0.1:0"), code=1
    )
    assert "no login" in answer.stderr and "key_id" in answer.stderr


def test_large_content_goes_in_parts_and_comes_back_from_any_offset(
    stored: HubInside, store: ObjectStore, ada: Actor, where: Repository
) -> None:
    assert put(stored, ada, where.id, BIG)
    assert len(names(stored)) == 1
    for offset in (0, 1, PART, len(BIG) - 1, len(BIG)):
        assert read(stored, ada, where.id, KEY, offset) == BIG[offset:]
    store.requests.clear()
    assert put(stored, ada, where.id, SMALL)
    assert requests(store, "PUT") + requests(store, "POST") == 1, "small content takes one request"


@pytest.mark.parametrize("upto", [1000, PART + 5, 2 * PART + 5])
def test_an_upload_that_stopped_goes_on_in_another_process(
    stored: HubInside, ada: Actor, where: Repository, tmp_path: Path, upto: int
) -> None:
    begin(stored, ada, where.id, BIG, upto)
    settings = stored.opened.settings
    bucket = settings.content
    assert bucket is not None and bucket.endpoint is not None
    other = make_hub_inside(
        settings.data, database=settings.database, **in_store(bucket.endpoint, bucket.prefix.strip("/"))
    )
    offset = other.opened.hub.contents.put_offset(ada, where.id, KEY)
    assert offset == upto
    assert put(other, ada, where.id, BIG, offset=offset)
    assert read(stored, ada, where.id, KEY) == BIG
    upkeep.tidy(other.opened)
    assert len(names(stored)) == 1, "nothing else is left"
    other.opened.database.close()


def test_what_was_killed_keeps_others_away_for_seconds_and_its_parts_for_good(
    stored: HubInside, ada: Actor, where: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_objects, "_LOOKS", 0)  # else the next one waits until the dead one's time is over
    contents = stored.opened.hub.contents
    dead = contents.receive(ada, where.id, KEY, length=len(BIG))
    dead.write(BIG[: 2 * PART + 5])  # as one who is killed: no close
    with pytest.raises(InUse):
        contents.receive(ada, where.id, KEY, length=len(BIG))
    stored.let_pass(LEASE_SECONDS + 1)
    offset = contents.put_offset(ada, where.id, KEY)
    assert offset == PART, "what was on its way, or in memory, is not there"
    assert put(stored, ada, where.id, BIG, offset=offset)
    with pytest.raises(InUse):  # it was not dead after all
        dead.write(BIG[2 * PART + 5 :])
        dead.finish()
    dead.close()
    assert read(stored, ada, where.id, KEY) == BIG


def test_a_part_of_something_else_does_not_become_content(
    stored: HubInside, ada: Actor, where: Repository
) -> None:
    contents = stored.opened.hub.contents
    with contents.receive(ada, where.id, KEY, length=len(BIG)) as coming:
        coming.write(bytes(PART + 5))
    with pytest.raises(BadOffset):
        contents.receive(ada, where.id, KEY, length=len(BIG) - 5, offset=5)
    assert not put(stored, ada, where.id, BIG, offset=PART + 5)
    assert contents.put_offset(ada, where.id, KEY) == 0
    assert put(stored, ada, where.id, BIG)


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_a_store_that_fails_in_an_upload_leaves_nothing_half_written(
    stored: HubInside, store: ObjectStore, ada: Actor, where: Repository, method: str
) -> None:
    contents = stored.opened.hub.contents
    coming = contents.receive(ada, where.id, KEY, length=len(BIG))
    coming.write(BIG[: PART + 5])
    store.refusing.add(method)
    with pytest.raises(Unavailable):
        coming.write(BIG[PART + 5 :])
        coming.finish()
    coming.close()
    assert not contents.present(ada, where.id, KEY)
    with pytest.raises(NotFound):
        contents.open(ada, where.id, KEY)
    store.refusing.clear()
    offset = contents.put_offset(ada, where.id, KEY)
    assert (offset is not None and offset % PART == 0) or method == "POST"
    assert put(stored, ada, where.id, BIG, offset=offset or 0)
    assert read(stored, ada, where.id, KEY) == BIG


def test_the_answer_to_the_last_request_may_be_lost(
    stored: HubInside, store: ObjectStore, ada: Actor, where: Repository
) -> None:
    coming = stored.opened.hub.contents.receive(ada, where.id, KEY, length=len(BIG))
    coming.write(BIG)
    store.lose_answer("POST")
    assert coming.finish(), "tried again, and the upload was gone: the content tells"
    coming.close()
    assert read(stored, ada, where.id, KEY) == BIG


def test_a_store_that_does_not_answer_is_not_one_without_contents(
    stored: HubInside, store: ObjectStore, ada: Actor, where: Repository
) -> None:
    put(stored, ada, where.id, SMALL)
    store.refusing |= {"GET", "HEAD"}
    for ask in (stored.opened.hub.contents.present, stored.opened.hub.contents.open):
        with pytest.raises(Unavailable):
            ask(ada, where.id, key_of(SMALL))
    with pytest.raises(Unavailable):
        list(fsck.look(stored.opened))
    found = [one for one in doctor.look(stored.opened, Runner(os.environ)) if one.name == "contents"]
    assert [one.verdict for one in found] == [Verdict.BAD]
    store.refusing.clear()
    assert stored.opened.hub.contents.present(ada, where.id, key_of(SMALL))


def test_reading_goes_on_where_the_connection_broke(
    stored: HubInside, store: ObjectStore, ada: Actor, where: Repository
) -> None:
    put(stored, ada, where.id, BIG)
    store.cutting = 5
    assert read(stored, ada, where.id, KEY) == BIG
    assert store.cutting == 0
    store.cutting = 1
    reader = stored.opened.hub.contents.open(ada, where.id, KEY)
    stored.behind(where.id).lose(KEY)
    with pytest.raises(Unavailable, match="removed"):  # and not an end that looks like one
        while reader.read(1 << 20):
            pass
    reader.close()


def test_what_is_dropped_replaced_or_left_over_goes_at_the_next_upkeep(
    stored: HubInside, ada: Actor, where: Repository
) -> None:
    contents, key = stored.opened.hub.contents, key_of(SMALL)
    put(stored, ada, where.id, SMALL)
    put(stored, ada, where.id, SMALL)
    assert len(names(stored)) == 2
    upkeep.tidy(stored.opened)
    assert len(names(stored)) == 1
    assert read(stored, ada, where.id, key) == SMALL
    assert contents.remove(ada, where.id, key)
    assert not contents.present(ada, where.id, key)
    begin(stored, ada, where.id, BIG, PART + 5)
    upkeep.tidy(stored.opened)
    assert [name.partition("/")[0] for name in names(stored)] == ["tails"]
    stored.clock.go(stored.opened.settings.limits.unfinished + 1)
    upkeep.tidy(stored.opened)
    assert names(stored) == []


def test_contents_go_with_their_repository(stored: HubInside, ada: Actor, where: Repository) -> None:
    put(stored, ada, where.id, SMALL)
    begin(stored, ada, where.id, BIG, 1000)
    other = stored.repository(ada, "other")
    put(stored, ada, other.id, SMALL)
    stored.opened.hub.repositories.remove(ada, where.id)
    upkeep.tidy(stored.opened)
    assert [name.split("/")[1] for name in names(stored)] == [str(other.id)]
    assert read(stored, ada, other.id, key_of(SMALL)) == SMALL


def test_a_fork_has_the_same_objects_which_go_with_the_last_of_both(
    stored: HubInside, ada: Actor, where: Repository
) -> None:
    bob, contents, key = stored.person("bob"), stored.opened.hub.contents, key_of(SMALL)
    stored.opened.hub.repositories.change(ada, where.id, visibility=Visibility.PUBLIC)
    put(stored, ada, where.id, SMALL)
    put(stored, ada, where.id, BIG)
    before = names(stored)
    fork = stored.opened.hub.forks.fork(bob, where.id)
    assert names(stored) == before, "no byte was copied"
    assert read(stored, bob, fork.id, KEY) == BIG
    assert contents.remove(ada, where.id, key)
    upkeep.tidy(stored.opened)
    assert read(stored, bob, fork.id, key) == SMALL
    stored.opened.hub.repositories.remove(ada, where.id)
    upkeep.tidy(stored.opened)
    assert names(stored) == before
    assert [one.verdict for one in fsck.look(stored.opened)] == [Verdict.GOOD]
    assert contents.remove(bob, fork.id, key)
    upkeep.tidy(stored.opened)
    assert [name for name in before if key not in name] == names(stored)
    assert read(stored, bob, fork.id, KEY) == BIG


def test_fsck_claims_what_is_in_the_store_and_right(stored: HubInside, ada: Actor, where: Repository) -> None:
    objects = stored.opened.objects
    assert isinstance(objects, S3Objects)
    objects.s3.put(object_name(where.id, key_of(SMALL), "aa"), SMALL)
    objects.s3.put(object_name(where.id, key_of(BIG), "bb"), BIG[:1000])
    objects.s3.put(object_name(where.id, "WORM-s4-m1--x", "cc"), b"four")
    assert [one.verdict for one in fsck.look(stored.opened)] == [Verdict.MENDED]
    assert read(stored, ada, where.id, key_of(SMALL)) == SMALL


def test_a_backup_is_the_way_from_a_store_to_a_disk_and_back(
    stored: HubInside, store: ObjectStore, ada: Actor, where: Repository, tmp_path: Path
) -> None:
    put(stored, ada, where.id, SMALL)
    put(stored, ada, where.id, b"four", "WORM-s4-m1--\udcff x")
    list(backup.back_up(stored.opened, tmp_path / "backup"))
    on_disk = make_hub_inside(tmp_path / "disk", ROOKERY_HUB_CONTENT="")
    list(backup.restore(on_disk.opened, tmp_path / "backup"))
    assert read(on_disk, ada, where.id, key_of(SMALL)) == SMALL
    list(backup.back_up(on_disk.opened, tmp_path / "again"))
    twin = make_hub_inside(tmp_path / "twin", **in_store(store.url, os.urandom(8).hex()))
    list(backup.restore(twin.opened, tmp_path / "again"))
    assert [one.verdict for one in fsck.look(twin.opened)] == [Verdict.GOOD]
    assert read(twin, ada, where.id, "WORM-s4-m1--\udcff x") == b"four"
    assert not list(twin.opened.histories.place(where.id).glob("annex/objects/*"))
    for hub in (on_disk, twin):
        hub.opened.database.close()


def test_an_address_at_the_store_is_good_for_a_moment_and_for_this_content_alone(
    stored: HubInside, store: ObjectStore, ada: Actor, where: Repository
) -> None:
    contents, key = stored.opened.hub.contents, key_of(SMALL)
    put(stored, ada, where.id, SMALL)
    put(stored, ada, where.id, b"other", key_of(b"other"))
    said = contents.address(ada, where.id, key, name='a "name".txt', media_type="text/plain")
    assert said is not None
    reply = store.fetch(said)
    assert reply.status == 200 and reply.body == SMALL
    assert reply.headers["Content-Disposition"] == "attachment; filename*=UTF-8''a%20%22name%22.txt"
    path = urlsplit(said).path
    other = next(name for name in names(stored) if name not in path)
    assert (
        store.fetch(said.replace(path.partition("content/")[2], other.partition("content/")[2])).status == 403
    )
    assert store.fetch(said.replace("X-Amz-Expires=1", "X-Amz-Expires=9999")).status == 403
    with pytest.raises(NotFound):
        contents.address(stored.person("bob"), where.id, key, name="x", media_type="x")
    store.ahead = 2
    assert store.fetch(said).status == 403
