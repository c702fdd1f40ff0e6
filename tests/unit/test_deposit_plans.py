"""Decisions about deposits that are functions of values: merging, identity, compaction, garbage, legacy, stamps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.deposit.legacy import stamp
from rookery.deposit.legacy.policy import CHEAP, LegacyWish, PairFacts, rewrite_is_due
from rookery.deposit.protocol import compaction, records, state
from rookery.deposit.protocol.compaction import Found
from rookery.deposit.protocol.records import Dot, Entry, Identity, Record, Seen
from rookery.deposit.protocol.state import AnotherRepository, Legacy

MAIN, SIDE = "refs/heads/main", "refs/heads/side"


def sha(number: int) -> str:
    return f"{number:040x}"


def older_is_ancestor(one: str, other: str) -> bool:
    """In these tests a history is a line below 100; what is above is on no line."""
    return int(one, 16) <= int(other, 16) < 100


def record(
    writer: str, generation: int, refs: dict[str, tuple[int, int, str]], seen: dict[str, Record] | None = None
) -> Record:
    return Record(
        writer,
        generation,
        Identity(),
        {ref: Entry(sha(n), Dot(g, w)) for ref, (n, g, w) in refs.items()},
        None,
        (),
        {w: Seen(r.generation, name(r)) for w, r in (seen or {}).items()},
    )


def name(of: Record) -> str:
    return records.content_name(records.build_record(of))


def merged(*some: Record, legacy: Legacy | None = None) -> dict[str, str]:
    return state.merge({name(r): r for r in some}, older_is_ancestor, legacy).values


ANNA = record("anna", 1, {MAIN: (1, 1, "anna")})


def test_different_refs_of_two_writers_are_both_there() -> None:
    assert merged(ANNA, record("berta", 1, {SIDE: (2, 1, "berta")})) == {MAIN: sha(1), SIDE: sha(2)}


def test_a_newer_record_that_knew_the_older_one_counts_alone() -> None:
    newer = record("berta", 2, {SIDE: (2, 2, "berta")}, {"anna": ANNA})
    assert merged(ANNA, newer) == {SIDE: sha(2)}, "main was deleted by one who knew it"


def test_of_one_ref_set_by_two_the_descendant_wins() -> None:
    assert merged(ANNA, record("berta", 1, {MAIN: (2, 1, "berta")})) == {MAIN: sha(2)}


def test_of_two_unrelated_values_one_wins_and_the_other_is_shown() -> None:
    other = record("berta", 1, {MAIN: (200, 1, "berta")})
    assert merged(ANNA, other) == {MAIN: sha(200), "refs/dlra-conflict/anna/heads/main": sha(1)}


def test_a_deletion_loses_against_an_update_that_it_did_not_know() -> None:
    deleted = record("berta", 2, {}, {"anna": ANNA})
    updated = record("carla", 2, {MAIN: (2, 2, "carla")}, {"anna": ANNA})
    assert merged(deleted, updated) == {MAIN: sha(2)}
    assert merged(deleted, ANNA) == {}


def test_a_ref_inside_another_one_is_shown_as_a_conflict() -> None:
    inside = record("berta", 2, {f"{MAIN}/x": (2, 2, "berta")})
    assert merged(ANNA, inside) == {f"{MAIN}/x": sha(2), "refs/dlra-conflict/anna/heads/main": sha(1)}


def test_a_conflict_that_is_shown_already_is_not_overwritten_by_another_one() -> None:
    first = {"refs/dlra-conflict/anna/heads/main": (300, 2, "carla"), MAIN: (200, 1, "berta")}
    values = merged(record("carla", 2, first), record("anna", 3, {MAIN: (301, 3, "anna")}))
    assert {sha(300), sha(301), sha(200)} <= set(values.values())


def test_a_legacy_push_is_one_more_writer() -> None:
    assert merged(ANNA, legacy=Legacy("h", {MAIN: sha(5), SIDE: sha(6)}, MAIN)) == {
        MAIN: sha(5),
        SIDE: sha(6),
    }
    known = ANNA._replace(legacy="h")
    assert merged(known, legacy=Legacy("h", {MAIN: sha(5)}, MAIN)) == {MAIN: sha(1)}
    values = merged(ANNA, legacy=Legacy("h", {MAIN: sha(500)}, MAIN))
    assert values == {MAIN: sha(1), "refs/dlra-conflict/dlr/heads/main": sha(500)}


@given(
    st.lists(
        st.tuples(st.sampled_from(["anna", "berta", "carla"]), st.integers(1, 3), st.integers(1, 300)),
        max_size=4,
        unique_by=lambda item: item[0],
    )
)
def test_merging_does_not_depend_on_the_order_and_shows_every_tip(items: list[tuple[str, int, int]]) -> None:
    some = [record(w, g, {MAIN: (n, g, w)}) for w, g, n in items]
    values = merged(*some)
    assert merged(*reversed(some)) == values
    for _, _, number in items:
        assert any(number == int(v, 16) or older_is_ancestor(sha(number), v) for v in values.values())


# --- identity ------------------------------------------------------------------------------------

OURS = Identity(frozenset({sha(1)}))
THEIRS = Identity(frozenset({sha(2)}))


def test_no_common_root_is_another_repository_unless_it_is_allowed_or_unknown() -> None:
    def check(ours: Identity, *, nothing_there: bool = False, override: bool = False) -> None:
        state.check_identity(ours, THEIRS, nothing_there=nothing_there, override=override)

    with pytest.raises(AnotherRepository, match="deposit holds another repository"):
        check(OURS)
    check(OURS, override=True)
    check(OURS, nothing_there=True)
    check(OURS._replace(shallow=True))
    check(OURS._replace(roots=OURS.roots | THEIRS.roots))
    check(Identity())
    with pytest.raises(AnotherRepository):
        check(OURS._replace(object_format="sha256"), override=True)


# --- compaction ----------------------------------------------------------------------------------


def part(size: int, number: int) -> str:
    return records.hashed_name(f"{number:064x}", size)


@given(st.lists(st.integers(100, 100_000), min_size=1, max_size=300))
def test_parts_stay_few_and_what_is_sent_stays_in_proportion(pushes: list[int]) -> None:
    parts: list[str] = []
    sent = 0
    for number, size in enumerate(pushes):
        parts.append(part(size, number))
        sent += size
        if together := compaction.due(parts):
            total = sum(records.parse_key(p).size or 0 for p in together)  # type: ignore[union-attr] # made above
            parts = [p for p in parts if p not in together] + [part(total, 10_000 + number)]
            sent += total
        assert len(parts) <= compaction.MOST_PARTS
    assert sent <= 8 * sum(pushes)


def test_large_parts_are_left_alone() -> None:
    parts = [part(60 << 20, n) for n in range(100)]
    assert not compaction.due(parts)
    assert not compaction.due([*parts, part(5, 200), part(6, 201)])


def test_only_what_no_live_record_names_and_is_old_is_garbage() -> None:
    old = ANNA._replace(parts=(part(1, 1), part(2, 2)), time=100)
    new = record("anna", 2, {}, {"anna": old})._replace(parts=(part(2, 2), part(3, 3)), time=200)
    found = {name(old): Found(old, 200), name(new): Found(new, None)}
    assert compaction.garbage(found, [name(new)], now=250, grace=100) == []
    assert compaction.garbage(found, [name(new)], now=301, grace=100) == sorted([part(1, 1), name(old)])


# --- legacy and stamp ----------------------------------------------------------------------------

MB = 1 << 20


@pytest.mark.parametrize(
    ("wish", "pair", "whole", "due"),
    [
        (LegacyWish.AUTO, PairFacts(None, 0, False), CHEAP - 1, True),
        (LegacyWish.AUTO, PairFacts(None, 0, False), CHEAP, False),
        (LegacyWish.AUTO, PairFacts(100 * MB, 49 * MB, False), 150 * MB, False),
        (LegacyWish.AUTO, PairFacts(100 * MB, 51 * MB, False), 151 * MB, True),
        (LegacyWish.AUTO, PairFacts(1 * MB, 0, True), 1 * MB, False),
        (LegacyWish.NOW, PairFacts(100 * MB, 0, False), 100 * MB, True),
        (LegacyWish.ALWAYS, PairFacts(None, 0, False), 100 * MB, True),
        (LegacyWish.OFF, PairFacts(1, 100, False), 1, False),
    ],
)
def test_the_legacy_pair_is_rewritten_when_that_is_cheap_overdue_or_wished_for(
    wish: LegacyWish, pair: PairFacts, whole: int, due: bool
) -> None:
    assert rewrite_is_due(wish, pair, whole=whole) is due


def test_a_stamp_is_read_back_and_holds_for_its_own_refs_only() -> None:
    identity = Identity(frozenset({sha(1)}), "sha1", "an-id")
    read = stamp.parse(stamp.build(identity, part(5, 5), b"refs"))
    assert read is not None
    assert (read.identity, read.record) == (identity, part(5, 5))
    assert read.holds_for(b"refs")
    assert not read.holds_for(b"refs after a peer's push")


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_what_is_no_stamp_is_none(raw: bytes) -> None:
    assert stamp.parse(raw) is None


def test_a_branch_that_a_peer_deleted_is_shown_as_lost_and_one_it_never_knew_stays() -> None:
    both = record("anna", 2, {MAIN: (2, 1, "anna"), SIDE: (1, 2, "anna")})
    knew = merged(both, legacy=Legacy("f" * 64, {MAIN: sha(3)}, MAIN))
    assert knew == {MAIN: sha(3), "refs/dlra-conflict/anna/heads/side": sha(1)}
    stale = merged(both, legacy=Legacy("f" * 64, {MAIN: sha(1)}, MAIN))
    assert stale == {MAIN: sha(2), SIDE: sha(1)}, "its list is older than our push"
    apart = record("anna", 2, {MAIN: (2, 1, "anna"), SIDE: (200, 2, "anna")})
    assert SIDE in merged(apart, legacy=Legacy("f" * 64, {MAIN: sha(3)}, MAIN)), (
        "its commits live nowhere else"
    )


def test_a_pair_of_ours_brings_nothing_back_however_late_it_comes() -> None:
    first = record("anna", 1, {MAIN: (1, 1, "anna"), SIDE: (1, 1, "anna")})
    pairs = {state.refs_digest(first): records.Pair(1, 0)}
    second = record("berta", 2, {MAIN: (2, 2, "berta")}, {"anna": first})._replace(pairs=pairs)
    late = Legacy(state.refs_digest(first), {MAIN: sha(1), SIDE: sha(1)}, MAIN)
    assert merged(second, legacy=late) == {MAIN: sha(2)}
