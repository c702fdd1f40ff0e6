"""The tools for deposits: what they find, mend and remove."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.core.context import Context
from rookery.core.errors import RookeryError
from rookery.deposit import upkeep
from rookery.deposit.protocol import compaction, records
from rookery.deposit.protocol.exchange import Pushed
from rookery.deposit.terms.store import Damaged
from rookery.deposit.upkeep import Verdict
from support.depositors import MAIN, Person
from support.stores import MemoryStore


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def new_person(tmp_path: Path, context: Callable[..., Context], store: MemoryStore) -> Callable[..., Person]:
    def make(name: str) -> Person:
        return Person(name, tmp_path / name, context, store)

    return make


def bad(findings: list[upkeep.Finding]) -> list[str]:
    return [f.name for f in findings if f.verdict is Verdict.BAD]


def test_status_says_what_is_there(new_person: Callable[..., Person]) -> None:
    anna = new_person("anna")
    anna.commit("one")
    anna.pushed(head=MAIN)
    facts = {fact.name: fact.value for fact in upkeep.status(anna.deposit)}
    assert (facts["refs"], facts["head"], facts["writers"], facts["parts"]) == (1, MAIN, 1, 1)
    assert facts["record of anna"] == int(anna.now)


def test_verify_names_lost_parts_and_the_refs_that_need_them(
    new_person: Callable[..., Person], store: MemoryStore
) -> None:
    anna = new_person("anna")
    anna.commit("one")
    first = anna.pushed()
    anna.commit("two")
    anna.pushed("refs/heads/side")
    assert bad(list(upkeep.verify(anna.deposit))) == []
    del store.objects[first.parts[0]]
    assert bad(list(upkeep.verify(anna.deposit))) == [first.parts[0], MAIN, "refs/heads/side"]


def test_a_deposit_that_has_lost_parts_is_repaired_from_a_clone(
    new_person: Callable[..., Person], store: MemoryStore
) -> None:
    anna, berta = new_person("anna"), new_person("berta")
    anna.commit("one")
    first = anna.pushed()
    anna.commit("two")
    anna.pushed()
    del store.objects[first.parts[0]]
    with pytest.raises(Damaged):
        berta.fetch()
    mended = [f for f in upkeep.repair(anna.deposit, anna.work) if f.verdict is Verdict.MENDED]
    assert len(mended) == 1
    assert berta.fetch() == {MAIN: anna.tip("HEAD")}
    assert bad(list(upkeep.verify(berta.deposit))) == []
    assert list(upkeep.repair(anna.deposit, anna.work)) == []


def test_repair_from_a_clone_without_the_history_says_so_and_changes_nothing(
    new_person: Callable[..., Person], store: MemoryStore
) -> None:
    anna, berta = new_person("anna"), new_person("berta")
    anna.commit("one")
    del store.objects[anna.pushed().parts[0]]
    before = dict(store.objects)
    with pytest.raises(RookeryError, match="does not have the history of refs/heads/main"):
        list(upkeep.repair(berta.deposit, berta.work))
    assert store.objects == before


@pytest.mark.parametrize("damage", [b"", b"torn", None])
@pytest.mark.parametrize("name", [records.register_name("anna"), records.DIRECTORY])
def test_a_damaged_register_or_directory_is_mended_by_another_writer(
    new_person: Callable[..., Person], store: MemoryStore, name: str, damage: bytes | None
) -> None:
    anna, berta = new_person("anna"), new_person("berta")
    anna.commit("one")
    anna.pushed()
    berta.catch_up()
    berta.commit("two")
    berta.pushed()
    if damage is None:
        del store.objects[name]
    else:
        store.objects[name] = damage
    list(upkeep.repair(berta.deposit, berta.work))
    assert berta.fetch() == {MAIN: berta.tip("HEAD")}
    anna.catch_up()
    anna.commit("three")
    anna.pushed()
    assert berta.fetch() == {MAIN: anna.tip("HEAD")}


def test_compacting_leaves_one_part_and_removes_the_old_ones_after_the_grace_time(
    new_person: Callable[..., Person], store: MemoryStore
) -> None:
    anna, berta = new_person("anna"), new_person("berta")
    for number in range(5):
        anna.commit(f"line {number}\n")
        anna.pushed()
        anna.now += 60
    old = set(anna.deposit.state().parts)
    assert len(old) == 5
    findings = list(upkeep.compact(anna.deposit))
    assert Verdict.REMOVED not in {f.verdict for f in findings}
    assert old <= store.objects.keys()
    anna.now += compaction.GRACE + 60
    anna.commit("later")
    anna.pushed()
    removed = {f.name for f in upkeep.compact(anna.deposit) if f.verdict is Verdict.REMOVED}
    assert old <= removed
    assert not old & store.objects.keys()
    assert berta.fetch() == {MAIN: anna.tip("HEAD")}
    assert bad(list(upkeep.verify(berta.deposit))) == []
    assert isinstance(berta.push(MAIN, to=None), Pushed)


@pytest.mark.parametrize("pushes", [40, pytest.param(200, marks=pytest.mark.campaign)])
def test_many_pushes_send_in_proportion_to_the_history(
    new_person: Callable[..., Person], store: MemoryStore, pushes: int
) -> None:
    """Everything that is sent, compactions included, against what one pack of it all would be."""
    anna = new_person("anna")
    text = ""
    for number in range(pushes):
        text += f"line {number} of a file that grows\n"
        anna.commit(text)
        outcome = anna.pushed()
        anna.deposit.tidy(outcome.state)
        assert len(anna.deposit.state().parts) <= compaction.MOST_PARTS + 1
    packs_sent = sum(
        int(n[0].split("-")[1][1:]) for k, n in store.log if k == "write" and n[0].startswith("SHA")
    )
    whole = sum(len(store.objects[name]) for name in anna.deposit.state().parts)
    record = max(len(raw) for name, raw in store.objects.items() if raw.startswith(b"{"))
    assert packs_sent - pushes * record < 6 * whole
    requests = len(store.log) / pushes
    assert requests < 12
