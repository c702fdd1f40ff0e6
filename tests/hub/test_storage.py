"""What is stored, on both databases: tables as migrated, and those who work on one key at the same time."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import alembic.command
import alembic.config
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, select, text

from rookery.hub.domain.access import Visibility
from rookery.hub.domain.errors import BadName, HubError, InUse, Unavailable
from rookery.hub.domain.names import parse_path, repository_name
from rookery.hub.storage.database import MIGRATIONS, SqlDatabase, WrongVersion
from rookery.hub.storage.tables import metadata
from support.hubs import HubInside, make_hub_inside

DATA = b"content" * 1000
KEY = f"SHA256-s{len(DATA)}--{hashlib.sha256(DATA).hexdigest()}"
ROUNDS = 40


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/other.sqlite3"
    made: str = request.getfixturevalue("postgres").create()
    return made


@pytest.fixture
def either(url: str, tmp_path: Path) -> Iterator[HubInside]:
    hub = make_hub_inside(tmp_path / "hub", database=url)
    yield hub
    hub.opened.database.close()


def ours(name: str | None, kind: str, _: object) -> bool:
    """Leave out the index of words, which each database has in its own way."""
    return not (kind == "table" and name and name.startswith("search_words"))


def test_the_migrated_tables_are_those_of_the_source(url: str) -> None:
    database = SqlDatabase(url, lambda: 0.0)
    database.migrate()
    database.migrate()
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": ours})
        assert compare_metadata(context, metadata) == []
    database.close()


def test_a_database_of_a_later_version_is_left_alone(url: str) -> None:
    database = SqlDatabase(url, lambda: 0.0)
    database.migrate()
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(WrongVersion, match="9999"):
        database.migrate()
    database.close()


def upgrade(database: SqlDatabase, version: str) -> None:
    """Make the tables as a version had them."""
    config = alembic.config.Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with database.engine.begin() as config.attributes["connection"]:
        alembic.command.upgrade(config, version)


def copied(source: SqlDatabase, into: SqlDatabase) -> None:
    """Fill old tables with what those of today have for them."""
    new, old = MetaData(), MetaData()
    with source.engine.connect() as reading, into.engine.begin() as writing:
        new.reflect(reading, only=[table.name for table in metadata.sorted_tables])
        old.reflect(writing)
        for table in old.sorted_tables:
            if table.name in new.tables:
                columns = [new.tables[table.name].c[column.name] for column in table.columns]
                if rows := [dict(row) for row in reading.execute(select(*columns)).mappings()]:
                    writing.execute(table.insert(), rows)


def test_a_hub_of_the_first_version_is_brought_here_with_all_that_is_in_it(
    hub: HubInside, url: str, tmp_path: Path
) -> None:
    ada = hub.person("ada")
    where = hub.repository(ada)
    _, secret = hub.opened.hub.accounts.add_token(ada, "kept")
    with hub.opened.hub.contents.receive(ada, where.id, KEY, length=len(DATA)) as coming:
        coming.write(DATA)
        assert coming.finish()
    assert hub.opened.hub.contents.lock(ada, where.id, KEY)
    old = SqlDatabase(url, lambda: 0.0)
    upgrade(old, "0001")
    copied(hub.opened.database, old)
    upgrade(old, "0006")
    with old.engine.begin() as connection:  # it was read for the search before it was known what to read
        words = ("description", "authors", "keywords", "readme", "metadata", "paths", "runs")
        document = {
            "repository_id": where.id,
            "asked": 1,
            "done": 1,
            "read": 0,
            "commit": "0" * 40,
            "title": "",
        }
        document |= {"licence": "", "doi": "", "files": 0, "size": 0} | dict.fromkeys(words, "")
        connection.execute(metadata.tables["search_document"].insert(), document)
    old.close()
    new = make_hub_inside(tmp_path / "new", database=url)
    with new.opened.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": ours})
        assert compare_metadata(context, metadata) == []
        search = metadata.tables["search_document"].c
        assert connection.execute(select(search.asked, search.done)).one() == (2, 1), "it is not read again"
    who = new.opened.hub.identity.by_token(secret, "")
    assert new.opened.hub.repositories.get(who, where.path) == where
    with new.opened.database.reading() as work:
        assert work.contents.size(where.id, KEY) == len(DATA)
    new.opened.database.close()


@pytest.mark.parametrize("whose", ["this process", "another process"])
def test_a_writer_that_waits_too_long_for_another_is_refused_and_the_next_is_not(
    whose: str, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/one.sqlite3"
    slow = SqlDatabase(url, lambda: 0.0)
    slow.migrate()
    here = SqlDatabase(url, lambda: 0.0, patience=0.05)
    holder = here if whose == "this process" else slow
    begun, let_go = threading.Event(), threading.Event()

    def hold() -> None:
        with holder.writing():
            begun.set()
            let_go.wait()

    holding = threading.Thread(target=hold)
    holding.start()
    begun.wait()
    try:
        with pytest.raises(Unavailable, match="writing"), here.writing():
            pass
        with here.reading() as work:
            assert work.accounts.by_name("ada") is None  # who only looks waits for nobody
    finally:
        let_go.set()
        holding.join()
    with here.writing() as work:
        work.attempts.add("somebody", 0.0)
    here.close()
    slow.close()


def test_a_number_of_a_repository_is_never_used_again(either: HubInside) -> None:
    ada = either.person("ada")
    first = either.repository(ada)
    either.opened.hub.repositories.remove(ada, first.id)
    assert either.repository(ada).id > first.id


def together(*actions: Callable[[], object]) -> None:
    """Do things at the same time; what fails otherwise than as a refusal fails the test."""
    wrong: list[BaseException] = []
    start = threading.Barrier(len(actions))

    def act(action: Callable[[], object]) -> None:
        start.wait()
        try:
            action()
        except HubError:
            pass  # one of them was refused
        except BaseException as e:  # noqa: BLE001 - told to the test
            wrong.append(e)

    threads = [threading.Thread(target=act, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_what_is_locked_is_not_dropped_whoever_is_first(either: HubInside) -> None:
    ada, contents = either.person("ada"), either.opened.hub.contents
    where = either.repository(ada).id
    outcomes = set()
    for _ in range(ROUNDS):
        if not contents.present(ada, where, KEY):
            with contents.receive(ada, where, KEY, length=len(DATA)) as coming:
                coming.write(DATA)
                assert coming.finish()
        locks: list[str | None] = []
        drops: list[bool] = []
        together(
            lambda locks=locks: locks.append(contents.lock(ada, where, KEY)),
            lambda drops=drops: drops.append(contents.remove(ada, where, KEY)),
        )
        lock, dropped = locks[0], drops[0]
        assert not (lock and dropped), "a lock was given on what was dropped"
        assert contents.present(ada, where, KEY) is not dropped
        outcomes.add(dropped)
        if lock:
            contents.unlock(lock)
    assert outcomes <= {True, False}


def test_storing_and_dropping_at_once_leave_claims_that_are_true(either: HubInside) -> None:
    ada, opened = either.person("ada"), either.opened
    contents = opened.hub.contents
    where = either.repository(ada).id

    def put() -> None:
        try:
            with contents.receive(ada, where, KEY, length=len(DATA)) as coming:
                coming.write(DATA)
                assert coming.finish()
        except InUse:
            pass

    for _ in range(ROUNDS):
        together(put, lambda: contents.remove(ada, where, KEY), put)
        with opened.database.reading() as work:
            claimed = work.contents.size(where, KEY)
        if claimed is not None:
            assert opened.objects.verified(where, KEY)
        else:
            assert opened.objects.size(where, KEY) is None


def test_an_account_that_is_just_given_a_repository_is_not_removed(either: HubInside) -> None:
    boss, eve = either.person("boss", admin=True), either.person("eve")
    database, service = either.opened.database, either.opened.hub.administration
    refused = []

    def remove() -> None:
        try:
            service.remove_account(boss, "eve")
        except BadName as e:
            refused.append(e.message)

    with database.writing() as work:
        other = threading.Thread(target=remove)
        work.repositories.add(
            eve.account or 0,
            repository_name("study"),
            uuid=str(uuid4()),
            visibility=Visibility.PRIVATE,
            description="",
            default_branch="main",
            now=0.0,
        )
        other.start()
        while other.is_alive() and not _waiting(database):
            other.join(0.01)
    other.join()
    assert refused == ["eve owns repositories: 1"]
    with database.reading() as work:
        assert work.repositories.by_path(parse_path("eve/study"))


def _waiting(database: SqlDatabase) -> bool:
    """Say whether somebody waits for a lock; in SQLite nobody could be seen to."""
    if database.engine.dialect.name == "sqlite":
        return True
    with database.engine.connect() as connection:
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        return bool(connection.scalar(text(waiting)))
