"""Pushes and fetches of the many-writer deposit: what they cost, what they bring, what they refuse."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.core.context import Context
from rookery.core.errors import LockedError
from rookery.deposit.protocol import packs, records
from rookery.deposit.protocol.exchange import Change, FetchFirst, Pushed, Unchanged, Update
from rookery.deposit.protocol.incremental import Options
from rookery.deposit.protocol.ledger import writer_of
from rookery.deposit.protocol.state import AnotherRepository
from rookery.deposit.terms import layout
from rookery.deposit.terms.store import Damaged, Unreadable
from rookery.deposit.transport.locks import FolderCell, Lease, LockLost, Policy
from support.depositors import MAIN, Person, no_pause
from support.stores import Died, MemoryStore, Troubled, dies_tearing, fails

SIDE = "refs/heads/side"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def new_person(tmp_path: Path, context: Callable[..., Context], store: MemoryStore) -> Callable[..., Person]:
    def make(name: str, **more: object) -> Person:
        return Person(name, tmp_path / name, context, store, **more)  # type: ignore[arg-type] # passed on as given

    return make


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_what_one_pushes_another_fetches(new_person: Callable[..., Person], object_format: str) -> None:
    anna = new_person("anna", object_format=object_format)
    berta = new_person("berta", object_format=object_format)
    anna.commit("one")
    anna.work.run("tag", "-a", "-m", "first", "v1")
    anna.pushed()
    anna.pushed("refs/tags/v1", to="v1")
    assert berta.fetch() == {MAIN: anna.tip("HEAD"), "refs/tags/v1": anna.tip("v1")}
    assert berta.work.text("show", "refs/deposit/heads/main:file") == "one"
    berta.work.run("fsck", "--full", "--strict")
    assert anna.deposit.state().identity.object_format == object_format


def test_a_push_of_one_line_costs_the_same_however_many_were_before(
    new_person: Callable[..., Person], store: MemoryStore
) -> None:
    anna = new_person("anna")
    anna.commit(os.urandom(300_000), "large")
    anna.pushed()
    costs = []
    for number in range(12):
        anna.commit(f"line {number}\n")
        update = anna.update()
        store.log.clear()
        before = store.sent
        assert isinstance(anna.deposit.push(update), Pushed)
        costs.append([kind for kind, _ in store.log])
        assert store.sent - before < 10_000
    assert all(cost == ["read", "write", "write", "write", "read"] for cost in costs)


def test_a_push_of_nothing_new_writes_nothing(new_person: Callable[..., Person], store: MemoryStore) -> None:
    anna = new_person("anna")
    anna.commit("one")
    anna.pushed()
    store.log.clear()
    assert isinstance(anna.push(), Unchanged)
    assert {kind for kind, _ in store.log} == {"read"}


def test_a_fetch_of_nothing_new_reads_little(new_person: Callable[..., Person], store: MemoryStore) -> None:
    anna, berta = new_person("anna"), new_person("berta")
    anna.commit("one")
    anna.pushed()
    berta.fetch()
    store.log.clear()
    before = store.received
    berta.fetch()
    assert store.received - before < 1000
    assert [kind for kind, _ in store.log] == ["read"]


def test_only_new_parts_are_fetched(new_person: Callable[..., Person], store: MemoryStore) -> None:
    anna, berta = new_person("anna"), new_person("berta")
    anna.commit(os.urandom(100_000), "large")
    anna.pushed()
    berta.fetch()
    anna.commit("small")
    second = anna.pushed()
    store.log.clear()
    berta.fetch()
    assert [names for kind, names in store.log if kind == "fetch"] == [second.parts]


def test_what_the_users_repository_has_is_not_fetched(
    new_person: Callable[..., Person], store: MemoryStore
) -> None:
    anna, berta = new_person("anna"), new_person("berta")
    anna.commit("one")
    anna.pushed()
    berta.take_from(anna)
    store.log.clear()
    berta.deposit.bring_objects()
    assert "fetch" not in {kind for kind, _ in store.log}


def test_a_push_to_a_ref_that_moved_is_told_to_fetch_first(new_person: Callable[..., Person]) -> None:
    anna, berta = new_person("anna"), new_person("berta")
    anna.commit("one")
    anna.pushed()
    berta.catch_up()
    wish = berta.update()
    berta.commit("two")
    anna.commit("three")
    anna.pushed()
    old = wish.changes[0].old
    assert berta.deposit.push(Update((Change(MAIN, old, berta.tip("HEAD")),))) == FetchFirst((MAIN,))
    berta.catch_up()
    berta.pushed()
    assert anna.fetch()[MAIN] == berta.tip("HEAD")


def test_refs_of_several_writers_are_one_remote_and_a_deleted_one_stays_deleted(
    new_person: Callable[..., Person],
) -> None:
    anna, berta, carla = new_person("anna"), new_person("berta"), new_person("carla")
    anna.commit("one")
    anna.pushed(head=MAIN)
    berta.catch_up()
    berta.commit("two", branch="side")
    berta.pushed(SIDE)
    assert set(carla.fetch()) == {MAIN, SIDE}
    carla.pushed(SIDE, to=None)
    assert set(anna.fetch()) == set(berta.fetch()) == {MAIN}
    anna.commit("three")
    anna.pushed()
    state = berta.deposit.state()
    assert set(state.values) == {MAIN} and state.head is not None and state.head.value == MAIN


def test_the_last_ref_can_be_deleted_and_come_back(new_person: Callable[..., Person]) -> None:
    anna = new_person("anna")
    anna.commit("one")
    anna.pushed()
    anna.pushed(to=None)
    assert anna.deposit.state().values == {}
    anna.pushed()
    assert new_person("berta").fetch() == {MAIN: anna.tip("HEAD")}


def test_history_can_be_rewritten_by_force(new_person: Callable[..., Person]) -> None:
    anna, berta = new_person("anna"), new_person("berta")
    anna.commit("one")
    anna.pushed()
    anna.commit("two")
    anna.pushed()
    anna.work.run("reset", "-q", "--hard", "HEAD^")
    anna.commit("another two")
    anna.pushed()
    assert berta.fetch() == {MAIN: anna.tip("HEAD")}


def test_another_repository_is_refused(new_person: Callable[..., Person], store: MemoryStore) -> None:
    anna, other = new_person("anna"), new_person("other")
    anna.commit("one")
    anna.pushed()
    objects = dict(store.objects)
    other.commit("something else")
    with pytest.raises(AnotherRepository, match="deposit holds another repository"):
        other.push(SIDE)
    assert store.objects == objects
    willing = other.options._replace(another=True)
    other.options = willing
    other.at(store).pushed(SIDE)
    assert set(anna.fetch()) == {MAIN, SIDE}


def test_the_branch_of_git_annex_alone_tells_whose_repository_it_is(
    new_person: Callable[..., Person],
) -> None:
    anna, berta, other = new_person("anna"), new_person("berta"), new_person("other")
    anna.commit("one")
    anna.pushed()
    for person in (berta, other):
        if person is berta:
            person.catch_up()
        else:
            person.commit("unrelated")
        tree = person.work.text("write-tree")
        person.work.run(
            "update-ref", "refs/heads/git-annex", person.work.text("commit-tree", "-m", "x", tree)
        )
    berta.pushed("refs/heads/git-annex", to="git-annex")
    there = other.deposit.state().values["refs/heads/git-annex"]
    with pytest.raises(AnotherRepository):
        other.deposit.push(Update((Change("refs/heads/git-annex", there, other.tip("git-annex")),)))


def test_a_repository_with_another_object_format_is_refused_even_by_force(
    new_person: Callable[..., Person],
) -> None:
    anna, other = new_person("anna"), new_person("other", object_format="sha256")
    anna.commit("one")
    anna.pushed()
    other.options = Options(pause=no_pause, another=True)
    other.at(anna.deposit.store).commit("two")
    with pytest.raises(AnotherRepository, match="sha256"):
        other.push(SIDE)


def test_large_history_is_stored_in_parts_and_a_fetch_goes_on_where_it_broke_off(
    new_person: Callable[..., Person], store: MemoryStore
) -> None:
    anna = new_person("anna", options=Options(pause=no_pause, part_size=1 << 20))
    for number in range(4):
        anna.commit(os.urandom(900_000), f"large-{number}")
    first = anna.pushed()
    assert len(first.parts) == 4
    assert new_person("berta").fetch() == {MAIN: anna.tip("HEAD")}
    assert parts_of_the_second_try(new_person("carla"), store, at=3 + 3) == 2


def parts_of_the_second_try(person: Person, store: MemoryStore, *, at: int) -> int:
    """Fetch with a failure in between, then again; give how many parts the second try had to bring."""
    person.at(Troubled(store, at, fails))
    with pytest.raises(Unreadable):
        person.fetch()
    store.log.clear()
    person.at(store).fetch()
    return [kind for kind, _ in store.log].count("fetch")


def test_an_upload_goes_on_where_it_broke_off(new_person: Callable[..., Person], store: MemoryStore) -> None:
    anna = new_person("anna", options=Options(pause=no_pause, part_size=1 << 20))
    anna.commit("small")
    before = anna.tip("HEAD")
    anna.pushed()
    for number in range(4):
        anna.commit(os.urandom(900_000), f"large-{number}")
    wish = Update((Change(MAIN, before, anna.tip("HEAD")),))
    with pytest.raises(Died):  # look, two parts, half of the third
        anna.at(Troubled(store, 4, dies_tearing)).deposit.push(wish)
    store.log.clear()
    outcome = anna.at(store).deposit.push(wish)
    assert isinstance(outcome, Pushed) and len(outcome.parts) == 4
    stored = [names[0] for kind, names in store.log if kind == "write" and names[0] in outcome.parts]
    assert len(stored) == 2
    assert new_person("berta").fetch() == {MAIN: anna.tip("HEAD")}


def test_half_an_upload_of_somebody_else_is_not_taken_for_a_part(
    new_person: Callable[..., Person], store: MemoryStore
) -> None:
    anna, reader = new_person("anna"), new_person("reader")
    anna.commit(os.urandom(900_000), "large")
    parts = packs.make(anna.work, [anna.tip("HEAD")], [], anna.folder / "elsewhere")
    for part in parts:
        store.objects[part.name] = b"half"
    anna.pushed()
    assert reader.fetch() == {MAIN: anna.tip("HEAD")}


def test_odd_objects_come_in_if_somebody_has_told_git_not_to_check(
    new_person: Callable[..., Person],
) -> None:
    anna, berta = new_person("anna"), new_person("berta")
    anna.commit("first")
    text = f"tree {anna.tip('HEAD^{tree}')}\nauthor A <a@b.c> 01 +0000\ncommitter A <a@b.c> 1 +0000\n\nodd\n"
    odd = anna.work.run(
        "hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=text.encode()
    ).text
    anna.work.run("update-ref", "refs/heads/main", odd)
    anna.pushed(to="main")
    with pytest.raises(Damaged) as refused:
        berta.fetch()
    assert "fetch.fsckObjects=false" in refused.value.hints[0]
    berta.mirror.run("config", "fetch.fsckObjects", "false")
    assert berta.fetch() == {MAIN: odd}


def test_a_part_that_is_not_what_its_name_says_is_refused(
    new_person: Callable[..., Person], store: MemoryStore
) -> None:
    anna, berta = new_person("anna"), new_person("berta")
    anna.commit("one")
    (part,) = anna.pushed().parts
    store.objects[part] = store.objects[part][:-1] + b"\0"
    with pytest.raises(Damaged, match="another content"):
        berta.fetch()
    assert not list((berta.mirror.gitdir / "objects" / "pack").iterdir())


def test_objects_that_git_refuses_do_not_come_in(
    new_person: Callable[..., Person], store: MemoryStore
) -> None:
    anna, berta = new_person("anna"), new_person("berta")
    blob = anna.work.run("hash-object", "-w", "--stdin", stdin=b"hostile").text
    line = f"100644 blob {blob}\t.git\n".encode()
    tree = anna.work.run("mktree", stdin=line).text
    commit = anna.work.text("commit-tree", "-m", "x", tree)
    anna.work.run("update-ref", "refs/heads/main", commit)
    anna.pushed(to="main")
    with pytest.raises(Damaged, match="hasDotgit"):
        berta.fetch()
    assert berta.mirror.run("cat-file", "-e", commit, ok=None).code


def test_a_deposit_without_all_objects_does_not_come_in(
    new_person: Callable[..., Person], store: MemoryStore
) -> None:
    anna, berta = new_person("anna"), new_person("berta")
    anna.commit("one")
    first = anna.pushed()
    anna.commit("two")
    anna.pushed()
    del store.objects[first.parts[0]]
    with pytest.raises(Damaged, match="lost the part"):
        berta.fetch()


def test_what_the_user_has_thrown_away_is_brought_again(new_person: Callable[..., Person]) -> None:
    anna = new_person("anna")
    anna.commit("one")
    tip = anna.tip("HEAD")
    anna.pushed()
    anna.work.run("update-ref", "-d", "refs/heads/main")
    anna.work.run("reflog", "expire", "--expire=now", "--all")
    anna.work.run("rm", "-q", "--cached", "file")
    anna.work.run("prune", "--expire=now")
    assert anna.work.run("cat-file", "-e", tip, ok=None).code
    assert anna.deposit.bring_objects() == 1
    assert not packs.lacking(anna.mirror, [tip])


def test_two_copies_of_one_clone_do_not_overwrite_each_other_unnoticed(
    new_person: Callable[..., Person], store: MemoryStore
) -> None:
    anna = new_person("anna")
    anna.commit("one")
    anna.pushed()
    twin = records.build_register(records.Register("anna", records.content_name(b""), 9, 9))
    write = store.write

    def written_by_the_twin(name: str, content: bytes | Path) -> None:
        write(name, twin if name == records.register_name("anna") else content)

    store.write = written_by_the_twin  # type: ignore[method-assign] # a fake at the port
    store.objects[records.content_name(b"")] = b""
    anna.commit("two")
    with pytest.raises(Exception, match=r"not what was written|does not have the form"):
        anna.push()
    assert store.objects[records.register_name("anna")] == twin


def test_a_shallow_clone_pushes_what_it_has_made(
    new_person: Callable[..., Person], store: MemoryStore
) -> None:
    anna, berta, reader = new_person("anna"), new_person("berta"), new_person("reader")
    for number in range(3):
        anna.commit(f"line {number}")
    anna.pushed()
    berta.work.run("fetch", "-q", "--depth=1", f"file://{anna.work.root}", "main")
    berta.work.run("reset", "-q", "--hard", "FETCH_HEAD")
    wish = berta.update()
    berta.commit("on a shallow history")
    berta.deposit.bring_objects()
    outcome = berta.deposit.push(Update((Change(MAIN, wish.changes[0].old, berta.tip("HEAD")),)))
    assert isinstance(outcome, Pushed)
    assert reader.fetch() == {MAIN: berta.tip("HEAD")}
    assert reader.work.text("rev-list", "--count", "refs/deposit/heads/main") == "4"


def test_with_a_lock_a_push_is_refused_while_another_one_goes_on(
    new_person: Callable[..., Person], store: MemoryStore, tmp_path: Path
) -> None:
    def options() -> Options:
        lock = Lease(FolderCell(tmp_path / "lock"))
        return Options(pause=no_pause, lock=lock, lock_policy=Policy.REQUIRE)

    anna, berta = new_person("anna", options=options()), new_person("berta", options=options())
    anna.commit("one")
    anna.pushed()
    berta.catch_up()
    berta.commit("two")
    held = Lease(FolderCell(tmp_path / "lock")).acquire("somebody", now=anna.now, lasting=60)
    objects = dict(store.objects)
    with pytest.raises(LockedError):
        berta.push()
    assert held is not None and store.objects == objects
    berta.now += 61
    berta.pushed()
    anna.now = berta.now
    anna.catch_up()
    anna.commit("three")
    anna.pushed()


def test_a_lock_that_is_lost_in_a_long_push_ends_it_where_one_is_required(
    new_person: Callable[..., Person], store: MemoryStore, tmp_path: Path
) -> None:
    anna, berta = new_person("anna"), new_person("berta")
    anna.commit("one")
    anna.pushed()
    before = berta.fetch()
    anna.options = Options(
        pause=no_pause, lock=Lease(FolderCell(tmp_path / "lock")), lock_policy=Policy.REQUIRE
    )
    anna.commit("two")

    def takes_long(*_: object) -> None:
        anna.now += 1000
        assert Lease(FolderCell(tmp_path / "lock")).acquire("berta", now=anna.now, lasting=60)

    wish = Update((Change(MAIN, before[MAIN], anna.tip("HEAD")),))
    with pytest.raises(LockLost):
        anna.at(Troubled(store, 2, takes_long)).deposit.push(wish)
    assert berta.fetch() == before
    anna.options = anna.options._replace(lock_policy=Policy.OFF)
    anna.at(store).pushed()


def test_a_copied_clone_is_another_writer(tmp_path: Path) -> None:
    here = writer_of(tmp_path, "host:/one")
    assert records.is_writer(here)
    assert writer_of(tmp_path, "host:/one") == here
    assert writer_of(tmp_path, "host:/two") != here


def test_a_legacy_push_is_taken_in_by_the_next_one(
    new_person: Callable[..., Person], store: MemoryStore
) -> None:
    """The legacy `refs` are one more writer; its objects come by the legacy archive."""

    options = Options(pause=no_pause, legacy_name=layout.REFS)
    anna, peer = new_person("anna", options=options), new_person("peer")
    anna.commit("one")
    anna.pushed(head=MAIN)
    peer.catch_up()
    peer.commit("of a peer")
    store.objects[layout.REFS] = f"{peer.tip('HEAD')} {MAIN}\n@{MAIN} HEAD\n".encode()
    anna.mirror.run("fetch", "-q", peer.work.root, "+main:refs/legacy/main")
    assert anna.deposit.state().values == {MAIN: peer.tip("HEAD")}
    anna.take_from(peer)
    anna.commit("on top")
    anna.pushed()
    # the legacy refs are as they were: older than what stands here, so nothing changes any more
    assert anna.deposit.state().values == {MAIN: anna.tip("HEAD")}
    assert new_person("reader").fetch() == {MAIN: anna.tip("HEAD")}


def test_a_legacy_deposit_becomes_one_of_many_writers_and_its_repository_is_recognised(
    new_person: Callable[..., Person], store: MemoryStore
) -> None:
    options = Options(pause=no_pause, legacy_name=layout.REFS)
    peer, anna = new_person("peer"), new_person("anna", options=options)
    other = new_person("other", options=options)
    peer.commit("of a peer")
    store.objects[layout.REFS] = f"{peer.tip('HEAD')} {MAIN}\n@{MAIN} HEAD\n".encode()
    for person in (anna, other):  # as the legacy archive would
        person.mirror.run("fetch", "-q", peer.work.root, "+main:refs/legacy/main")
    other.commit("unrelated")
    with pytest.raises(AnotherRepository):
        other.push(SIDE)
    anna.take_from(peer)
    anna.commit("on top", branch="side")
    anna.pushed(SIDE)
    state = anna.deposit.state()
    assert state.head is not None and state.head.value == MAIN
    reader = new_person("reader")
    assert reader.fetch() == {MAIN: peer.tip("HEAD"), SIDE: anna.tip("HEAD")}
