"""The many-writer deposit over real special remotes of git-annex."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.core.context import Context
from rookery.deposit import upkeep
from rookery.deposit.protocol.exchange import Change, FetchFirst, Unchanged, Update
from rookery.deposit.terms import layout, url
from rookery.deposit.transport.annexstore import AnnexStore
from rookery.deposit.transport.locks import FolderCell, Lease, Policy
from rookery.deposit.upkeep import Verdict
from support.depositors import MAIN, Person


@pytest.mark.parametrize("more", ["", "&exporttree=yes"])
def test_two_clones_work_together_through_a_folder(
    tmp_path: Path, context: Callable[..., Context], more: str
) -> None:
    place = tmp_path / "place"
    place.mkdir()
    address = url.parse(f"datalad-annex::?type=directory&directory={place}&encryption=none{more}")

    def person(name: str) -> Person:
        store = AnnexStore(address, tmp_path / f"annex-{name}", context(tmp_path).runner)
        made = Person(name, tmp_path / name, context, store)
        lock = Lease(FolderCell(place / "lock"))
        made.options = made.options._replace(lock=lock, lock_policy=Policy.REQUIRE, legacy_name=layout.REFS)
        return made.at(store)

    anna, berta = person("anna"), person("berta")
    anna.commit(os.urandom(300_000), "large")
    anna.pushed(head=MAIN)
    berta.catch_up()
    base = berta.tip("HEAD")
    anna.commit("of anna")
    berta.commit("of berta", "other")
    berta.pushed()
    assert anna.deposit.push(Update((Change(MAIN, base, anna.tip("HEAD")),))) == FetchFirst((MAIN,))
    anna.catch_up()
    anna.pushed()
    assert isinstance(anna.push(), Unchanged)
    assert berta.fetch() == {MAIN: anna.tip("HEAD")}
    assert {f.verdict for f in upkeep.verify(berta.deposit)} == {Verdict.GOOD}
