"""Fixtures of the hub's tests.

| fixture       | gives                                                                           |
|---------------|---------------------------------------------------------------------------------|
| `hub`         | a hub opened in this process, on a clock that stands                            |
| `served`      | a hub served by a process of its own, for all tests of a module                 |
| `new_database` | a factory of databases: "" for SQLite in the hub's folder, or a URL             |

Where ROOKERY_HUB_TESTS_ON is "postgresql", all of them are on PostgreSQL.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support import postgresql
from support.home import make_home
from support.hubs import HubInside, HubServer, make_hub_inside, serving
from support.postgresql import PostgreSQL

# Set where the machine must have everything: a test that would be skipped for want of a program fails.
EVERYTHING_INSTALLED = os.environ.get("CI") == "true"
ON_POSTGRESQL = os.environ.get("ROOKERY_HUB_TESTS_ON") == "postgresql"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgreSQL]:
    """Run a PostgreSQL server; skip where there is none, unless everything must be there."""
    if postgresql.programs() is None:
        reason = "no PostgreSQL on this machine; Debian and Ubuntu have it in postgresql"
        if EVERYTHING_INSTALLED or ON_POSTGRESQL:
            pytest.fail(reason)
        pytest.skip(reason)
    with PostgreSQL().running() as server:
        yield server


@pytest.fixture(scope="session")
def new_database(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Give a factory of empty databases, as URLs."""
    if not ON_POSTGRESQL:
        return str
    server: PostgreSQL = request.getfixturevalue("postgres")
    return server.create


@pytest.fixture
def hub(tmp_path: Path, new_database: Callable[[], str]) -> Iterator[HubInside]:
    """Open a hub with nobody and nothing in it."""
    made = make_hub_inside(tmp_path / "hub", database=new_database())
    yield made
    made.opened.database.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Iterator[HubServer]:
    """Serve a hub for all tests of a module; each makes its own people and repositories."""
    folder = tmp_path_factory.mktemp("served")
    env = make_home(folder / "home", os.environ).env
    with serving(folder / "hub", env, database=new_database()) as server:
        yield server
