"""Fixtures of the hub's tests.

| fixture       | gives                                                                           |
|---------------|---------------------------------------------------------------------------------|
| `hub`         | a hub opened in this process, on a clock that stands                            |
| `shared`      | the same for all tests of a module, with `hub_settings`, which a module can have |
| `ask`, `browser` | call its pages; a browser without scripts                                     |
| `served`      | a hub served by a process of its own, for all tests of a module                 |
| `new_database` | a factory of databases: "" for SQLite in the hub's folder, or a URL             |
| `on_disk`     | nothing; a test that needs contents on disk asks for it                         |
| `bucket_server` | an S3 server; for settings of hubs in it see `support.hubs.in_store`           |

Where ROOKERY_HUB_TESTS_ON is "postgresql", all of them are on PostgreSQL; where
ROOKERY_HUB_TESTS_CONTENT is "s3", contents of all of them are in an S3 server.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rookery.hub.app import make_app
from support import postgresql
from support.asgi import Caller
from support.browser import Browser
from support.home import make_home
from support.hubs import STORE, HubInside, HubServer, make_hub_inside, serving
from support.objectstore import ObjectStore
from support.postgresql import PostgreSQL

# Set where the machine must have everything: a test that would be skipped for want of a program fails.
EVERYTHING_INSTALLED = os.environ.get("CI") == "true"
ON_S3 = os.environ.get("ROOKERY_HUB_TESTS_CONTENT") == "s3"
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


@pytest.fixture(scope="session")
def bucket_server() -> Iterator[ObjectStore]:
    """Run an S3 server with one bucket."""
    with ObjectStore().running() as server:
        server.make_bucket()
        yield server


@pytest.fixture(scope="session", autouse=ON_S3)
def _contents_in_a_store(bucket_server: ObjectStore) -> Iterator[None]:
    """Have the contents of all hubs in the S3 server."""
    STORE.append(bucket_server.url)
    yield
    STORE.clear()


@pytest.fixture
def on_disk() -> None:
    """Have contents on disk: for what only a disk has."""
    if ON_S3:
        pytest.skip("contents are in a store")


@pytest.fixture
def hub(tmp_path: Path, new_database: Callable[[], str]) -> Iterator[HubInside]:
    """Open a hub with nobody and nothing in it."""
    made = make_hub_inside(tmp_path / "hub", database=new_database())
    yield made
    made.opened.database.close()


@pytest.fixture(scope="module")
def hub_settings() -> dict[str, str]:
    """Give settings of the hub that the tests of a module share."""
    return {}


@pytest.fixture(scope="module")
def shared(
    tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str], hub_settings: dict[str, str]
) -> Iterator[HubInside]:
    """Open a hub for all tests of a module; each makes its own people and repositories."""
    made = make_hub_inside(tmp_path_factory.mktemp("hub") / "hub", database=new_database(), **hub_settings)
    yield made
    made.opened.database.close()


@pytest.fixture(scope="module")
def ask(shared: HubInside) -> Iterator[Caller]:
    """Call the pages of the hub that a module's tests share."""
    caller = Caller(make_app(shared.opened.hub, shared.opened.settings))
    yield caller
    caller.close()


@pytest.fixture
def browser(ask: Caller) -> Browser:
    """Give a stranger's browser without scripts."""
    return Browser(ask)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Iterator[HubServer]:
    """Serve a hub for all tests of a module; each makes its own people and repositories."""
    folder = tmp_path_factory.mktemp("served")
    env = make_home(folder / "home", os.environ).env
    with serving(folder / "hub", env, database=new_database()) as server:
        yield server
