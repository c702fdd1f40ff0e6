"""Fixtures of the hub's tests: `hub` is one opened in this process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.home import make_home
from support.hubs import HubInside, HubServer, make_hub_inside, serving


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubInside]:
    """Open a hub with nobody and nothing in it."""
    made = make_hub_inside(tmp_path / "hub")
    yield made
    made.opened.database.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    """Serve a hub for all tests of a module; each makes its own people and repositories."""
    folder = tmp_path_factory.mktemp("served")
    with serving(folder / "hub", make_home(folder / "home", os.environ).env) as server:
        yield server
