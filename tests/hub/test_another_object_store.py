"""The same contents in another S3 server than that of all other tests: what only one of them understands shows here."""

from __future__ import annotations

import os
import shutil
import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rookery.hub.admin import fsck, upkeep
from rookery.hub.admin.findings import Verdict
from rookery.hub.domain.access import Actor
from rookery.hub.domain.records import Repository
from rookery.hub.storage.s3_objects import S3Objects
from rookery.hub.storage.s3_upload import PART
from support.hubs import HubInside, make_hub_inside
from support.p2p import key_of

# Where ./run test puts it; it looks at signatures, and has one login.
S3RVER = Path(__file__).parents[2] / ".venv" / "s3rver" / "node_modules" / ".bin" / "s3rver"
LOGIN = "S3RVER"

BIG = os.urandom(2 * PART + 100_000)

pytestmark = pytest.mark.skipif(
    not S3RVER.exists() or shutil.which("node") is None, reason="s3rver is not installed"
)


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    place = tmp_path_factory.mktemp("s3rver")
    argv = [S3RVER, "--directory", place, "--address", "127.0.0.1", "--port", "0", "--no-vhost-buckets"]
    with subprocess.Popen(
        [*argv, "--configure-bucket", "nest"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        assert server.stdout is not None
        line = next(line for line in server.stdout if "listening" in line.lower())
        yield f"http://127.0.0.1:{line.rpartition(':')[2].strip()}"
        server.terminate()


@pytest.fixture
def hub(endpoint: str, tmp_path: Path, new_database: Callable[[], str]) -> Iterator[HubInside]:
    settings = {
        "ROOKERY_HUB_CONTENT": f"s3://nest/{os.urandom(8).hex()}",
        "ROOKERY_HUB_S3_ENDPOINT": endpoint,
        "ROOKERY_HUB_S3_KEY_ID": LOGIN,
        "ROOKERY_HUB_S3_SECRET": LOGIN,
        "ROOKERY_HUB_S3_LINKS": "60",
    }
    made = make_hub_inside(tmp_path / "hub", database=new_database(), **settings)
    yield made
    made.opened.database.close()


@pytest.fixture
def ada(hub: HubInside) -> Actor:
    return hub.person("ada")


@pytest.fixture
def where(hub: HubInside, ada: Actor) -> Repository:
    return hub.repository(ada)


def names(hub: HubInside) -> list[str]:
    objects = hub.opened.objects
    assert isinstance(objects, S3Objects)
    return list(objects.s3.names(""))


def whole(hub: HubInside, who: Actor, where: int, key: str, offset: int = 0) -> bytes:
    reader = hub.opened.hub.contents.open(who, where, key, offset)
    try:
        return b"".join(iter(lambda: reader.read(1 << 20), b""))
    finally:
        reader.close()


def test_small_contents_alone_and_together(hub: HubInside, ada: Actor, where: Repository) -> None:
    hub.opened.objects.check()
    contents = {key_of(data): data for data in (b"", b"x", os.urandom(1000))}
    assert set(hub.opened.hub.small.store(ada, where.id, contents)) == set(contents)
    assert dict(hub.opened.hub.small.read(ada, where.id, list(contents))) == contents
    data = b"alone"
    with hub.opened.hub.contents.receive(ada, where.id, key_of(data), length=len(data)) as coming:
        coming.write(data)
        assert coming.finish()
    assert whole(hub, ada, where.id, key_of(data)) == data
    assert len(names(hub)) == 4


@pytest.mark.parametrize("upto", [0, 1000, PART + 5])
def test_large_content_goes_on_behind_what_came(
    hub: HubInside, ada: Actor, where: Repository, upto: int
) -> None:
    contents, key = hub.opened.hub.contents, key_of(BIG)
    if upto:
        with contents.receive(ada, where.id, key, length=len(BIG)) as coming:
            coming.write(BIG[:upto])
    assert contents.put_offset(ada, where.id, key) == upto
    with contents.receive(ada, where.id, key, length=len(BIG) - upto, offset=upto) as coming:
        for at in range(upto, len(BIG), 1 << 20):
            coming.write(BIG[at : at + (1 << 20)])
        assert coming.finish()
    for offset in (0, 1, PART, len(BIG) - 1, len(BIG)):
        assert whole(hub, ada, where.id, key, offset) == BIG[offset:]
    upkeep.tidy(hub.opened)
    assert len(names(hub)) == 1, "nothing else is left"
    assert hub.opened.objects.verified(where.id, key)


def test_content_is_dropped_given_by_address_and_checked(
    hub: HubInside, ada: Actor, where: Repository
) -> None:
    key, data = key_of(b"some content"), b"some content"
    assert hub.opened.hub.small.store(ada, where.id, {key: data}) == [key]
    address = hub.opened.hub.contents.address(ada, where.id, key, name="a b.dat", media_type="text/csv")
    assert address is not None
    with urllib.request.urlopen(address) as answer:
        assert answer.read() == data and answer.headers["Content-Type"] == "text/csv"
    assert not [found for found in fsck.look(hub.opened) if found.verdict in (Verdict.BAD, Verdict.MENDED)]
    hub.opened.hub.repositories.change(ada, where.path, keep_last=False)
    assert hub.opened.hub.contents.remove(ada, where.id, key)
    upkeep.tidy(hub.opened)
    assert names(hub) == []
