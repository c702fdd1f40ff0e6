"""Forks: history and content of another repository, stored once, and each safe from what happens to the other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rookery.core.errors import RookeryError
from rookery.git import refs
from rookery.git.repo import Repo
from rookery.hub.admin import backup, fsck, upkeep
from rookery.hub.admin.findings import Verdict
from rookery.hub.domain.access import Visibility
from rookery.hub.domain.errors import BadName, Conflict, NotFound, TooMuch
from rookery.hub.domain.names import OwnerName
from rookery.hub.domain.records import Repository
from rookery.hub.services.last_copy import places_of
from rookery.hub.storage import disk_links
from support.hub_histories import begin_annex_branch, commit, store
from support.hubs import HubInside, make_hub_inside


def inode(hub: HubInside, where: Repository, key: str) -> int:
    place = hub.opened.objects.path(where.id, key)
    assert place is not None
    return place.stat().st_ino


def test_a_fork_has_history_and_content_and_no_byte_is_stored_twice(on_disk: None, hub: HubInside) -> None:
    ada, bob = hub.person("ada"), hub.person("bob")
    data = hub.repository(ada, visibility=Visibility.PUBLIC)
    keys = [store(hub, ada, data, bytes([n]) * 5000) for n in range(5)]
    tip = commit(hub, data)
    fork = hub.opened.hub.forks.fork(bob, data.id)
    assert (str(fork.path), fork.uuid != data.uuid) == ("bob/data", True)
    for key in keys:
        assert hub.opened.hub.contents.present(bob, fork.id, key)
        assert inode(hub, fork, key) == inode(hub, data, key)
    repo = hub.opened.histories.open(fork.id)
    assert refs.resolve(repo, "refs/heads/main") == tip
    assert not (repo.gitdir / "objects" / "info" / "alternates").exists()
    with hub.opened.database.reading() as work:
        assert work.forks.progress(fork.id) is None
        assert work.forks.parent(fork.id) == data.id


def test_what_is_dropped_or_removed_in_one_stays_in_the_other(hub: HubInside) -> None:
    ada, bob = hub.person("ada"), hub.person("bob")
    data = hub.repository(ada, visibility=Visibility.PUBLIC)
    one, two = (store(hub, ada, data, word) for word in (b"one", b"two"))
    tip = commit(hub, data)
    services = hub.opened.hub
    fork = services.forks.fork(bob, data.id)
    assert services.contents.remove(bob, fork.id, one)
    assert services.contents.present(ada, data.id, one)
    assert not services.contents.present(bob, fork.id, one)
    services.repositories.remove(ada, data.id)
    reader = services.contents.open(bob, fork.id, two)
    assert reader.read(10) == b"two"
    reader.close()
    repo = hub.opened.histories.open(fork.id)
    repo.run("gc", "--quiet", "--prune=now")
    repo.run("fsck", "--full", "--connectivity-only")
    assert refs.resolve(repo, "refs/heads/main") == tip


def test_a_fork_of_what_may_not_be_read_is_hidden(hub: HubInside) -> None:
    ada, bob = hub.person("ada"), hub.person("bob")
    data = hub.repository(ada)
    with pytest.raises(NotFound):
        hub.opened.hub.forks.fork(bob, data.id)
    with pytest.raises(BadName):
        hub.opened.hub.forks.fork(ada, data.id)
    hub.repository(bob, "other")
    hub.opened.hub.repositories.change(ada, data.id, visibility=Visibility.INTERNAL)
    with pytest.raises(Conflict):
        hub.opened.hub.forks.fork(bob, data.id, name="other")
    with pytest.raises(NotFound):
        hub.opened.hub.forks.fork(bob, data.id, owner=OwnerName("nobody"))


def test_shared_content_is_paid_by_the_origin_while_it_is_there(tmp_path: Path) -> None:
    hub = make_hub_inside(tmp_path / "hub", ROOKERY_HUB_LIMITS_QUOTA_ACCOUNT="5000")
    ada, bob = hub.person("ada"), hub.person("bob")
    services, data = hub.opened.hub, hub.repository(ada, visibility=Visibility.PUBLIC)
    key = store(hub, ada, data, b"a" * 4000)
    fork = services.forks.fork(bob, data.id)
    store(hub, bob, fork, b"b" * 4000)
    with pytest.raises(TooMuch):
        store(hub, bob, fork, b"c" * 4000)
    assert services.contents.remove(ada, data.id, key)
    with pytest.raises(TooMuch):
        store(hub, bob, fork, b"c" * 500)  # all 8000 bytes are bob's now
    assert services.contents.present(bob, fork.id, key)
    hub.opened.database.close()


def test_a_fork_that_a_crash_left_unfinished_is_gone_on_with(
    on_disk: None, hub: HubInside, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = hub.person("ada"), hub.person("bob")
    data = hub.repository(ada, visibility=Visibility.PUBLIC)
    keys = [store(hub, ada, data, bytes([n]) * 100) for n in range(5)]
    tip = commit(hub, data)
    real, calls = os.link, []

    def failing(source: str, target: str) -> None:
        calls.append(source)
        if len(calls) == 6:
            raise OSError(5, "Input/output error")
        real(source, target)

    monkeypatch.setattr(os, "link", failing)
    with pytest.raises(OSError, match="Input/output"):
        hub.opened.hub.forks.fork(bob, data.id)
    monkeypatch.undo()
    with hub.opened.database.reading() as work:
        ((number, _),) = work.forks.unfinished()
    upkeep.tidy(hub.opened)
    with hub.opened.database.reading() as work:
        assert work.forks.unfinished() == []
        assert len(work.contents.keys(number)) == len(keys)
    assert refs.resolve(hub.opened.histories.open(number), "refs/heads/main") == tip
    assert {f.verdict for f in fsck.look(hub.opened)} == {Verdict.GOOD}


def test_where_links_are_not_to_be_had_content_is_copied(
    on_disk: None, hub: HubInside, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = hub.person("ada"), hub.person("bob")
    data = hub.repository(ada, visibility=Visibility.PUBLIC)
    key = store(hub, ada, data, b"content")

    def refused(source: str, target: str) -> None:
        raise OSError(31, "Too many links")

    monkeypatch.setattr(os, "link", refused)
    fork = hub.opened.hub.forks.fork(bob, data.id)
    monkeypatch.undo()
    assert inode(hub, fork, key) != inode(hub, data, key)
    reader = hub.opened.hub.contents.open(bob, fork.id, key)
    assert reader.read(100) == b"content"
    reader.close()


def test_a_claim_whose_bytes_are_cut_off_is_not_shared(on_disk: None, hub: HubInside) -> None:
    ada, bob = hub.person("ada"), hub.person("bob")
    data = hub.repository(ada, visibility=Visibility.PUBLIC)
    key = store(hub, ada, data, b"content")
    place = hub.opened.objects.path(data.id, key)
    assert place is not None
    place.chmod(0o644)
    place.write_bytes(b"con")
    fork = hub.opened.hub.forks.fork(bob, data.id)
    assert not hub.opened.hub.contents.present(bob, fork.id, key)
    assert hub.opened.objects.path(fork.id, key) is None


def test_backup_and_restore_keep_what_is_shared_stored_once(
    on_disk: None, hub: HubInside, tmp_path: Path
) -> None:
    ada, bob = hub.person("ada"), hub.person("bob")
    data = hub.repository(ada, visibility=Visibility.PUBLIC)
    key = store(hub, ada, data, b"x" * 100_000)
    fork = hub.opened.hub.forks.fork(bob, data.id)
    for _ in range(2):  # renewing it too
        list(backup.back_up(hub.opened, tmp_path / "backup"))
    back = make_hub_inside(tmp_path / "back")
    list(backup.restore(back.opened, tmp_path / "backup"))
    for opened in (hub, back):
        assert inode(opened, data, key) == inode(opened, fork, key)
    copies = [p.stat().st_ino for p in (tmp_path / "backup").rglob(key) if p.is_file()]
    assert len(copies) == 2
    assert len(set(copies)) == 1
    with back.opened.database.reading() as work:
        assert work.forks.parent(fork.id) == data.id
    back.opened.database.close()


def test_the_location_log_of_a_fork_tells_of_it(hub: HubInside) -> None:
    ada, bob = hub.person("ada"), hub.person("bob")
    data = hub.repository(ada, visibility=Visibility.PUBLIC)
    key = store(hub, ada, data, b"content")
    begin_annex_branch(hub, data)
    fork = hub.opened.hub.forks.fork(bob, data.id)
    assert places_of(hub.opened.histories.open(fork.id), key) == [fork.uuid]
    assert not places_of(hub.opened.histories.open(data.id), key)


def test_objects_that_git_tidies_away_while_they_are_linked_come_by_the_fetch(
    hub: HubInside, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, bob = hub.person("ada"), hub.person("bob")
    data = hub.repository(ada, visibility=Visibility.PUBLIC)
    tip = commit(hub, data)
    real = os.link

    def racing(source: str, target: str) -> None:
        if not list(Path(hub.opened.histories.place(data.id)).glob("objects/pack/*.pack")):
            hub.opened.histories.open(data.id).run("repack", "-adq")
            hub.opened.histories.open(data.id).run("prune-packed")
        real(source, target)

    monkeypatch.setattr(os, "link", racing)
    fork = hub.opened.hub.forks.fork(bob, data.id)
    repo: Repo = hub.opened.histories.open(fork.id)
    assert refs.resolve(repo, "refs/heads/main") == tip
    repo.run("fsck", "--full")


def test_an_index_without_its_pack_is_not_linked(tmp_path: Path) -> None:
    pack = tmp_path / "a" / "pack"
    pack.mkdir(parents=True)
    (tmp_path / "b").mkdir()
    for name in ("pack-1.idx", "pack-2.idx", "pack-2.pack", "pack-2.rev", "pack-2.keep", "multi-pack-index"):
        (pack / name).write_bytes(b"x")
    disk_links.link_objects(tmp_path / "a", tmp_path / "b")
    assert sorted(os.listdir(tmp_path / "b" / "pack")) == ["pack-2.idx", "pack-2.pack", "pack-2.rev"]
    with pytest.raises((OSError, RookeryError)):
        disk_links.share(str(tmp_path / "none"), tmp_path / "c" / "d")
