"""Sizes that people type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.core.sizes import exact, typed


@given(
    st.integers(0, 10**19 - 1) | st.builds(lambda n, p: n * 1000**p, st.integers(0, 9999), st.integers(0, 8))
)
def test_what_is_written_exactly_is_read_as_the_same(size: int) -> None:
    assert typed(exact(size)) == size


@given(st.text(max_size=30))
def test_any_text_is_a_size_or_none(text: str) -> None:
    found = typed(text)
    assert found is None or found >= 0


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("500 GB", 500 * 10**9),
        (" 1.5tb ", 1_500_000_000_000),
        ("0 B", 0),
        ("0.1 kB", 100),
        ("500", None),
        ("", None),
        ("-1 GB", None),
        ("1,5 GB", None),
        ("1e9 B", None),
        ("5 GiB", None),
        ("٣ GB", None),
    ],
)
def test_a_size_has_its_unit(text: str, size: int | None) -> None:
    assert typed(text) == size
