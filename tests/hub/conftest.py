"""Fixtures of the hub's tests: `hub` is one opened in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.hubs import HubInside, make_hub_inside


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubInside]:
    """Open a hub with nobody and nothing in it."""
    made = make_hub_inside(tmp_path / "hub")
    yield made
    made.opened.database.close()
