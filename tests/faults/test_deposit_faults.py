"""Deposits under crashes, torn uploads, failing requests, and many writers at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.core.context import Context
from rookery.core.errors import RookeryError
from rookery.deposit.protocol import compaction, records
from rookery.deposit.protocol.exchange import Change, FetchFirst, Pushed, Unchanged, Update
from rookery.deposit.terms.store import Damaged, Overwritten, Unreadable
from support.depositors import MAIN, Person, no_pause
from support.stores import Died, MemoryStore, Troubled, dies_after, dies_before, dies_tearing, fails

# A push by a known writer: look, part, record, register, look again.
REQUESTS = 5


@pytest.fixture
def new_person(tmp_path: Path, context: Callable[..., Context]) -> Callable[..., Person]:
    def make(name: str, store: MemoryStore) -> Person:
        return Person(name, tmp_path / name, context, store)

    return make


@pytest.mark.parametrize("death", [dies_before, dies_after, dies_tearing])
def test_a_push_that_dies_at_any_request_loses_nothing_and_the_next_one_heals(
    new_person: Callable[..., Person], death: Callable[..., None]
) -> None:
    store = MemoryStore()
    anna, reader = new_person("anna", store), new_person("reader", store)
    anna.commit("first")
    anna.pushed()
    for at in range(1, REQUESTS + 1):
        acknowledged = anna.tip("HEAD")
        wish = anna.update()
        anna.commit(f"dies at {at}")
        troubled = Troubled(store, at, death)
        with pytest.raises(Died):
            anna.at(troubled).deposit.push(
                wish._replace(changes=(Change(MAIN, acknowledged, anna.tip("HEAD")),))
            )
        try:
            assert reader.fetch()[MAIN] in (acknowledged, anna.tip("HEAD"))
        except Damaged:  # our register was hit: said, not guessed
            assert death is dies_tearing
        anna.at(store)
        assert isinstance(anna.push(), Pushed | Unchanged)
        if death is dies_tearing:  # what was torn is written anew by the next push that has something to say
            anna.commit(f"heals {at}")
            anna.pushed()
        assert reader.fetch()[MAIN] == anna.tip("HEAD")


@pytest.mark.parametrize("death", [dies_before, dies_after, dies_tearing])
def test_a_first_push_that_dies_at_any_request_can_be_done_again(
    new_person: Callable[..., Person], death: Callable[..., None]
) -> None:
    for at in range(1, 20):
        store = MemoryStore()
        anna = new_person(f"anna{at}", store)
        anna.commit("first")
        troubled = Troubled(store, at, death)
        anna.at(troubled)
        try:
            anna.push()
        except Died:
            anna.at(store)
            assert isinstance(anna.push(), Pushed | Unchanged)
        else:
            assert troubled.requests < at
            anna.at(store)
        assert anna.deposit.state().values == {MAIN: anna.tip("HEAD")}
        if troubled.requests < at:
            return
    raise AssertionError("a first push has more requests than were tried")


def test_a_push_whose_request_fails_is_not_acknowledged_and_is_taken_back(
    new_person: Callable[..., Person],
) -> None:
    store = MemoryStore()
    anna, reader = new_person("anna", store), new_person("reader", store)
    anna.commit("first")
    anna.pushed()
    for at in range(1, REQUESTS + 1):
        before = anna.tip("HEAD")
        anna.commit(f"fails at {at}")
        anna.at(Troubled(store, at, fails))
        with pytest.raises(RookeryError, match="was to fail"):
            anna.deposit.push(Update((Change(MAIN, before, anna.tip("HEAD")),)))
        assert reader.fetch()[MAIN] == before
        anna.at(store)
        anna.pushed()
        assert reader.fetch()[MAIN] == anna.tip("HEAD")


def test_a_read_that_fails_is_never_taken_for_an_empty_deposit(new_person: Callable[..., Person]) -> None:
    store = MemoryStore()
    anna, berta = new_person("anna", store), new_person("berta", store)
    anna.commit("first")
    anna.pushed()
    berta.catch_up()
    berta.commit("second", branch="side")
    objects = dict(store.objects)
    for at in (1, 2, 3):
        berta.at(Troubled(store, at, fails))
        with pytest.raises(Unreadable):
            berta.deposit.look()
            berta.deposit.look()
            berta.deposit.look()
    assert store.objects == objects


def test_a_register_that_is_absent_while_it_is_replaced_is_waited_for(
    new_person: Callable[..., Person],
) -> None:
    store = MemoryStore()
    anna, berta = new_person("anna", store), new_person("berta", store)
    anna.commit("first")
    anna.pushed()
    name = records.register_name("anna")
    gap = store.objects.pop(name)

    def comes_back(seconds: float) -> None:
        store.objects[name] = gap

    berta.options = berta.options._replace(pause=comes_back)
    assert berta.at(store).fetch() == {MAIN: anna.tip("HEAD")}
    del store.objects[name]
    berta.options = berta.options._replace(pause=no_pause)
    with pytest.raises(Unreadable, match="register of writer anna is not there"):
        berta.at(store).fetch()


def test_a_register_torn_anywhere_is_read_past_and_nothing_is_built_on_that(
    new_person: Callable[..., Person],
) -> None:
    store = MemoryStore()
    anna, berta, reader = (new_person(name, store) for name in ("anna", "berta", "reader"))
    anna.commit("first")
    anna.pushed()
    known = anna.tip("HEAD")
    berta.catch_up()
    berta.commit("of berta", branch="side")
    berta.pushed("refs/heads/side")
    anna.commit("second")
    anna.pushed()
    name = records.register_name("anna")
    whole = store.objects[name]
    wish = Update((Change("refs/heads/more", None, berta.tip("HEAD")),))
    for length in (0, 1, 20, len(whole) // 2, len(whole) - 1):
        store.objects[name] = whole[:length]
        before = dict(store.objects)
        seen = reader.deposit.look(reading=True)
        assert seen.state.values == {MAIN: known, "refs/heads/side": berta.tip("HEAD")}
        assert set(seen.lost) == {"anna"}
        with pytest.raises(Damaged, match="register of writer anna"):
            reader.deposit.look()
        with pytest.raises(Damaged, match="register of writer anna"):
            berta.deposit.push(wish)
        assert store.objects == before
    store.objects[name] = whole
    assert not reader.deposit.look(reading=True).lost
    assert reader.fetch()[MAIN] == anna.tip("HEAD")
    store.objects[name] = whole[:20]
    assert reader.deposit.look(reading=True).state.values[MAIN] == anna.tip("HEAD"), "it has read it before"


def test_a_writer_who_was_overwritten_in_the_directory_is_found_again(
    new_person: Callable[..., Person],
) -> None:
    store = MemoryStore()
    anna, berta = new_person("anna", store), new_person("berta", store)
    anna.commit("first")
    anna.pushed()
    for name in (records.DIRECTORY, records.SPARE_DIRECTORY):
        store.objects[name] = records.build_writers(["carla"])
    store.objects[records.register_name("carla")] = records.build_register(
        records.Register("carla", None, 0, 0)
    )
    assert berta.deposit.state().values == {}
    anna.commit("second")
    anna.pushed()
    assert berta.fetch() == {MAIN: anna.tip("HEAD")}
    assert records.parse_writers(store.objects[records.DIRECTORY]) == {"anna", "carla"}


def test_who_joins_while_others_join_gets_into_the_list_of_writers(new_person: Callable[..., Person]) -> None:
    first = MemoryStore()
    anna, berta = new_person("anna", first), new_person("berta", first)
    anna.commit("first")
    anna.pushed()
    berta.catch_up()
    berta.commit("second")
    others = records.build_writers(["anna", "carla"])
    hit = set()

    def overwrites(store: MemoryStore, kind: str, *arguments: object) -> None:
        name = arguments[0]
        if kind == "write" and name in (records.DIRECTORY, records.SPARE_DIRECTORY):
            hit.add(name)
            empty = records.build_register(records.Register("carla", None, 0, 0))
            store.write(records.register_name("carla"), empty)
            store.write(str(name), others)
            raise Overwritten(f"{name} is another one's")

    for at in range(1, 12):
        store = MemoryStore()
        store.objects.update(first.objects)
        joining = new_person(f"berta{at}", Troubled(store, at, overwrites))
        joining.take_from(berta)
        joining.pushed()
        assert {"anna", f"berta{at}"} <= records.parse_writers(store.objects[records.DIRECTORY])
        assert new_person(f"reader{at}", store).fetch()[MAIN] == berta.tip("HEAD")
    assert hit == {records.DIRECTORY, records.SPARE_DIRECTORY}


def test_two_who_push_at_the_same_moment_lose_nothing(new_person: Callable[..., Person]) -> None:
    """The second push is made by the store itself, at each request of the first."""
    for at in range(1, REQUESTS + 1):
        store = MemoryStore()
        anna, berta = new_person(f"anna{at}", store), new_person(f"berta{at}", store)
        anna.commit("first")
        anna.pushed()
        berta.catch_up()
        base = anna.tip("HEAD")
        anna.commit("of anna")
        berta.commit("of berta")
        outcomes = []

        def pushes_too(
            *_: object, person: Person = berta, base: str = base, out: list[object] = outcomes
        ) -> None:
            out.append(person.deposit.push(Update((Change(MAIN, base, person.tip("HEAD")),))))

        anna.at(Troubled(store, at, pushes_too))
        outcomes.append(anna.deposit.push(Update((Change(MAIN, base, anna.tip("HEAD")),))))
        winners = [o for o in outcomes if isinstance(o, Pushed)]
        assert len(winners) <= 1
        assert len(winners) + sum(isinstance(o, FetchFirst) for o in outcomes) == 2
        values = anna.at(store).fetch()
        if winners:
            assert values[MAIN] == winners[0].state.values[MAIN]
            assert not anna.deposit.state().conflicts
        berta.push_until_through()
        anna.push_until_through()
        assert anna.fetch()[MAIN] == anna.tip("HEAD")


def test_a_storm_of_four_writers_keeps_every_commit(new_person: Callable[..., Person]) -> None:
    store = MemoryStore()
    people = [new_person(name, store) for name in ("anna", "berta", "carla", "dora")]
    people[0].commit("first", "start")
    people[0].pushed()
    for person in people[1:]:
        person.catch_up()
    failures: list[BaseException] = []
    subjects = []

    def work(person: Person, rounds: int = 3) -> None:
        try:
            for number in range(rounds):
                person.commit(f"{number}", f"{person.name}-{number}")
                person.push_until_through()
        except BaseException as e:
            failures.append(e)
            raise

    threads = [threading.Thread(target=work, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    reader = new_person("reader", store)
    values = reader.fetch()
    subjects = reader.work.text("log", "--format=%s", values[MAIN]).splitlines()
    assert sorted(subjects) == sorted(
        ["anna: start"] + [f"{p.name}: {p.name}-{n}" for p in people for n in range(3)]
    )
    # A push that was refused may live on as a conflict, in the record of a third who saw it before it was taken back.
    for name in reader.deposit.state().conflicts:
        assert set(reader.work.text("log", "--format=%s", values[name]).splitlines()) <= set(subjects)


@pytest.mark.parametrize("trouble", ["another push", "death"])
def test_a_compaction_that_is_disturbed_at_any_request_loses_nothing(
    new_person: Callable[..., Person], trouble: str
) -> None:
    first = MemoryStore()
    anna, berta = new_person("anna", first), new_person("berta", first)
    for number in range(compaction.FEWEST_PARTS):
        anna.commit(f"line {number}")
        anna.pushed()
    berta.catch_up()
    berta.commit("of berta")
    berta.pushed("refs/heads/known")
    berta.commit("more of berta")
    side = Update((Change("refs/heads/side", None, berta.tip("HEAD")),))
    at = 0
    while True:
        at += 3
        store = MemoryStore()
        store.objects.update(first.objects)
        berta.at(store)

        def disturbs(inner: MemoryStore, kind: str, *arguments: object) -> None:
            if trouble == "death":
                dies_tearing(inner, kind, *arguments)
            assert isinstance(berta.deposit.push(side), Pushed)

        troubled = Troubled(store, at, disturbs)
        try:
            assert isinstance(anna.at(troubled).deposit.tidy(), Pushed)
        except Died:
            anna.at(store)
            assert isinstance(anna.deposit.tidy(), Pushed | None)
        reader = new_person(f"reader{at}", store)
        values = reader.fetch()
        assert values[MAIN] == anna.tip("HEAD")
        if troubled.requests < at:
            assert len(reader.deposit.state().parts) == 1
            break
        if trouble == "another push":
            assert values["refs/heads/side"] == berta.tip("HEAD")
    assert at > 9


def test_a_deposit_that_was_emptied_is_begun_anew_by_those_who_knew_the_old_one(
    new_person: Callable[..., Person],
) -> None:
    store = MemoryStore()
    anna, berta = new_person("anna", store), new_person("berta", store)
    anna.commit("one")
    anna.pushed()
    berta.catch_up()
    berta.commit("two")
    berta.pushed("refs/heads/side")
    anna.fetch()
    store.objects.clear()
    assert anna.deposit.state().values == {}
    anna.pushed()
    assert berta.fetch() == {MAIN: anna.tip("HEAD")}
    berta.pushed("refs/heads/side")
    assert set(anna.fetch()) == {MAIN, "refs/heads/side"}
