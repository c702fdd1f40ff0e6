"""Paths in lines for people: what a shortcut gives is what `os.path.relpath` gives."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from rookery.render.words import shown_path

PARTS = st.lists(st.sampled_from(["a", "b", ".", "..", "", "...", ".a", "a b", "é"]), max_size=5)


@given(top=PARTS, more=PARTS)
def test_a_path_is_shown_from_the_reference_dataset(top: list[str], more: list[str]) -> None:
    refds = "/" + "/".join(part for part in top if part not in (".", "..", ""))
    path = "/".join([refds, *more])
    assert shown_path({"path": path, "refds": refds}) == os.path.relpath(path, refds)
