"""Archives as programs of the system unpack them: names, links, rights, and what is not whole."""

from __future__ import annotations

import gzip
import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from rookery.annex.store import link_target
from rookery.hub.domain.access import Actor, Visibility
from rookery.hub.domain.records import Repository
from rookery.hub.services.archive_kinds import KINDS
from support.history import DATASET, LINK, History
from support.hub_histories import key_of, store
from support.hubs import HubInside

CHOSEN = {kind.ending.removeprefix("."): kind for kind in KINDS}
LONG = f"{'a-folder-with-a-long-name/' * 9}{'n' * 120}"
BIG = b"\x00\xffcontent" * 40_000


@pytest.fixture
def ada(hub: HubInside) -> Actor:
    return hub.person("ada")


@pytest.fixture
def data(hub: HubInside, ada: Actor) -> Repository:
    made = hub.repository(ada, "data", Visibility.PUBLIC)
    missing = key_of(b"nobody has it")
    history = History().commit(
        "all kinds",
        {
            LONG: b"far away",
            "grüße.txt": b"1",
            "run me": ("100755", b"#!/bin/sh\n"),
            "link": (LINK, b"run me"),
            "annexed": (LINK, link_target(store(hub, ada, made, BIG), "annexed")),
            "missing": (LINK, link_target(missing, "missing")),
            "sub": (DATASET, "1" * 40),
            "below/x": b"x",
        },
    )
    history.write(hub.opened.histories.place(made.id))
    return made


def archive(hub: HubInside, ada: Actor, data: Repository, kind: str, folder: str = "") -> bytes:
    place = hub.opened.hub.browsing.at(ada, data.id)
    return b"".join(hub.opened.hub.archives.made(CHOSEN[kind], ada, place, folder))


def test_tar_unpacks_all_of_it(hub: HubInside, ada: Actor, data: Repository, tmp_path: Path) -> None:
    made = archive(hub, ada, data, "tar")
    subprocess.run(["tar", "-x"], input=made, cwd=tmp_path, check=True, env={"LC_ALL": "C.UTF-8"})
    top = tmp_path / "data"
    assert (top / LONG).read_bytes().startswith(b"far away")
    assert (top / "grüße.txt").exists()
    assert (top / "run me").stat().st_mode & 0o111
    assert (top / "link").readlink() == Path("run me")
    assert (top / "annexed").read_bytes() == BIG
    assert not (top / "annexed").is_symlink()
    said = (top / "NOT-IN-THIS-ARCHIVE.txt").read_text()
    assert said.splitlines() == [
        f"missing: the content of {key_of(b'nobody has it')} is not here",
        "sub: a subdataset, with a repository of its own",
    ]


def test_a_packed_tar_is_the_same_tar_and_smaller(hub: HubInside, ada: Actor, data: Repository) -> None:
    packed = archive(hub, ada, data, "tar.gz")
    assert gzip.decompress(packed) == (plain := archive(hub, ada, data, "tar"))
    assert len(packed) < len(plain) / 2


def test_a_folder_is_a_part_of_the_same(hub: HubInside, ada: Actor, data: Repository) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive(hub, ada, data, "tar", "below"))) as found:
        assert found.getnames() == ["data/below/x"]


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_content_that_is_cut_off_ends_the_archive(
    hub: HubInside, ada: Actor, data: Repository, kind: str, on_disk: None
) -> None:
    place = hub.opened.hub.browsing.at(ada, data.id)
    made = hub.opened.hub.archives.made(CHOSEN[kind], ada, place)
    file = hub.opened.objects.path(data.id, key_of(BIG))
    assert file is not None
    file.chmod(0o600)
    while b"\xffcontent" not in next(made):
        pass
    with file.open("r+b") as cut:
        cut.truncate(1000)
    with pytest.raises(OSError, match="bytes"):
        list(made)
