"""Joining two versions of `.gitmodules` key by key."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rookery.steps.sharing.merge import Settings, three_way

NAMES = st.tuples(st.sampled_from(["submodule.a", "submodule.b"]), st.sampled_from(["path", "url"]))
VALUES = st.tuples(st.sampled_from(["1", "2", "3"]))
SETTINGS: st.SearchStrategy[Settings] = st.dictionaries(NAMES, VALUES)


@given(SETTINGS, SETTINGS)
def test_a_side_that_changed_nothing_takes_the_other(base: Settings, other: Settings) -> None:
    assert three_way(base, base, other) == other
    assert three_way(base, other, base) == other
    assert three_way(base, other, other) == other


@given(SETTINGS, SETTINGS, SETTINGS)
def test_neither_side_counts_more(base: Settings, ours: Settings, theirs: Settings) -> None:
    assert three_way(base, ours, theirs) == three_way(base, theirs, ours)


@given(SETTINGS, SETTINGS, SETTINGS)
def test_every_change_of_either_side_is_in_what_they_are_joined_to(
    base: Settings, ours: Settings, theirs: Settings
) -> None:
    joined = three_way(base, ours, theirs)
    keys = {*base, *ours, *theirs}
    apart = any(
        ours.get(k) != base.get(k) and theirs.get(k) != base.get(k) and ours.get(k) != theirs.get(k)
        for k in keys
    )
    assert (joined is None) == apart
    if joined is not None:
        for side in (ours, theirs):
            assert all(joined.get(k) == side.get(k) for k in keys if side.get(k) != base.get(k))
