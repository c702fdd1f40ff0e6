"""Looking after a hub: doctor, fsck, backup, restore; also while it works, and when they are killed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from rookery.core.errors import RookeryError
from rookery.core.process import Runner
from rookery.hub.admin import backup, doctor, fsck, upkeep
from rookery.hub.admin.findings import Finding, Verdict
from rookery.hub.domain.access import Actor, Level, Visibility
from rookery.hub.domain.records import Repository
from rookery.hub.storage.database import WrongVersion
from support.hubs import HubInside, HubServer, make_hub_inside
from support.killing import Killing, spread
from support.programs import Program

DATA = b"one" * 1000
KEY = f"SHA256-s{len(DATA)}--{hashlib.sha256(DATA).hexdigest()}"
ODD = "WORM-s4-m1--\udcff name/with:all%kinds"  # of a file name that is not UTF-8


def put(hub: HubInside, who: Actor, where: int, data: bytes = DATA, key: str = KEY) -> None:
    with hub.opened.hub.contents.receive(who, where, key, length=len(data)) as coming:
        coming.write(data)
        assert coming.finish()


@pytest.fixture
def filled(hub: HubInside, git: Program) -> tuple[Actor, Repository]:
    """Have a repository with a history and two contents."""
    ada = hub.person("ada")
    where = hub.repository(ada, visibility=Visibility.PUBLIC)
    put(hub, ada, where.id)
    put(hub, ada, where.id, b"four", ODD)
    place = hub.opened.histories.place(where.id)
    tree = git("mktree", cwd=place, stdin="").text
    commit = git("commit-tree", tree, "-m", "first", cwd=place).text
    git("update-ref", "refs/heads/main", commit, cwd=place)
    return ada, where


def bad(found: Iterator[Finding]) -> list[str]:
    return [f"{one.name} {one.message}" for one in found if one.verdict is Verdict.BAD]


# --- doctor and fsck -----------------------------------------------------------------------------


def test_doctor_finds_what_is_not_as_it_must_be(
    hub: HubInside, filled: tuple[Actor, Repository], git: Program
) -> None:
    _, where = filled
    runner = Runner(os.environ)
    assert bad(doctor.look(hub.opened, runner)) == []
    hub.opened.settings.data.chmod(0o755)
    place = hub.opened.histories.place(where.id)
    git("config", "annex.uuid", "another", cwd=place)
    assert len(bad(doctor.look(hub.opened, runner))) == 2
    place.rename(place.with_name("77.git"))
    found = list(doctor.look(hub.opened, runner))
    assert "its folder is not there" in str(bad(iter(found)))
    assert any("77.git" in one.name for one in found)


def test_fsck_takes_back_claims_that_are_false(hub: HubInside, filled: tuple[Actor, Repository]) -> None:
    ada, where = filled
    contents = hub.opened.hub.contents
    assert bad(fsck.look(hub.opened)) == []
    hub.behind(where.id).damage(KEY, DATA[::-1])
    hub.behind(where.id).lose(ODD)
    found = bad(fsck.look(hub.opened))
    assert len(found) == 2
    assert not contents.present(ada, where.id, KEY)
    assert contents.totals(ada, where.id).keys == 0
    assert hub.behind(where.id).aside() == [DATA[::-1]]
    assert bad(fsck.look(hub.opened)) == []
    put(hub, ada, where.id)


def test_fsck_claims_what_is_there_and_right(hub: HubInside, filled: tuple[Actor, Repository]) -> None:
    ada, where = filled
    with hub.opened.database.writing() as work:
        work.contents.remove(where.id, KEY)
    assert not hub.opened.hub.contents.present(ada, where.id, KEY)
    assert [one.verdict for one in fsck.look(hub.opened)] == [Verdict.MENDED]
    assert hub.opened.hub.contents.present(ada, where.id, KEY)


def test_fsck_finds_damaged_history(hub: HubInside, filled: tuple[Actor, Repository]) -> None:
    _, where = filled
    objects = hub.opened.histories.place(where.id) / "objects"
    for file in objects.glob("??/*"):
        file.chmod(0o600)
        file.write_bytes(b"damaged")
    assert "history" in str(bad(fsck.look(hub.opened)))


def test_upkeep_removes_uploads_that_nobody_went_on_with(
    hub: HubInside, filled: tuple[Actor, Repository], caplog: pytest.LogCaptureFixture
) -> None:
    ada, where = filled
    contents = hub.opened.hub.contents
    key = KEY.replace("s3000", "s3001")
    with contents.receive(ada, where.id, key, length=3001) as coming:
        coming.write(DATA)
    hub.behind(where.id).age_part(hub.clock())
    upkeep.tidy(hub.opened)
    assert contents.put_offset(ada, where.id, key) == 3000
    old = hub.clock() - hub.opened.settings.limits.unfinished - 1
    hub.behind(where.id).age_part(old)
    caplog.clear()
    upkeep.tidy(hub.opened)
    assert contents.put_offset(ada, where.id, key) == 0
    assert not caplog.records


# --- backup and restore --------------------------------------------------------------------------


def restored(source: Path, folder: Path, database: str) -> HubInside:
    made = make_hub_inside(folder, database=database)
    assert bad(backup.restore(made.opened, source)) == []
    return made


@pytest.mark.parametrize("into", ["sqlite", "postgresql"])
def test_a_hub_comes_back_from_its_backup_in_either_database(
    hub: HubInside,
    filled: tuple[Actor, Repository],
    tmp_path: Path,
    git: Program,
    request: pytest.FixtureRequest,
    into: str,
) -> None:
    ada, where = filled
    hub.person("bob")
    _, secret = hub.opened.hub.accounts.add_token(ada, "kept")
    hub.opened.hub.repositories.set_collaborator(ada, where.id, "bob", Level.WRITE)
    assert bad(backup.back_up(hub.opened, tmp_path / "backup")) == []
    database = request.getfixturevalue("postgres").create() if into == "postgresql" else ""
    twin = restored(tmp_path / "backup", tmp_path / "twin", database)
    assert bad(fsck.look(twin.opened)) == []
    who = twin.opened.hub.identity.by_token(secret, "")
    again = twin.opened.hub.repositories.get(who, where.path)
    assert again == where
    assert twin.opened.hub.contents.size(who, where.id, ODD) == 4
    assert [(a.name, level) for a, level in twin.opened.hub.repositories.collaborators(who, where.id)] == [
        ("bob", Level.WRITE)
    ]
    place = twin.opened.histories.place(where.id)
    assert git("log", "--format=%s", "main", cwd=place).text == "first"
    assert twin.repository(who, "next").id > where.id
    with pytest.raises(RookeryError, match="already"):
        list(backup.restore(twin.opened, tmp_path / "backup"))
    twin.opened.database.close()


def test_a_backup_of_an_older_version_is_restored_and_one_of_a_newer_is_not(
    hub: HubInside, filled: tuple[Actor, Repository], tmp_path: Path
) -> None:
    ada, where = filled
    list(backup.back_up(hub.opened, tmp_path / "backup"))
    file = tmp_path / "backup" / "manifest.json"
    manifest = json.loads(file.read_text())
    newer, empty = {**manifest, "schema": "9999"}, make_hub_inside(tmp_path / "twin")
    file.write_text(json.dumps(newer))
    with pytest.raises(WrongVersion, match="9999"):
        list(backup.restore(empty.opened, tmp_path / "backup"))
    assert not list(empty.opened.histories.numbers()), "nothing was made before that was known"

    del manifest["schema"]  # the first version did not say it, and knew nothing of discussions
    for later in ("issue", "comment", "label", "issue_label", "pull", "fork", "merging", "hook", "delivery"):
        del manifest["rows"][later]
        (tmp_path / "backup" / manifest["tables"] / f"{later}.jsonl").unlink()
    file.write_text(json.dumps(manifest))
    assert bad(backup.restore(empty.opened, tmp_path / "backup")) == []
    assert empty.opened.hub.contents.size(ada, where.id, KEY) == len(DATA)
    assert empty.opened.hub.issues.create(ada, where.id, "all is here") is not None
    empty.opened.database.close()


def test_a_backup_without_all_of_its_rows_is_not_restored(
    hub: HubInside, filled: tuple[Actor, Repository], tmp_path: Path
) -> None:
    list(backup.back_up(hub.opened, tmp_path / "backup"))
    [rows] = tmp_path.glob("backup/tables-*/content.jsonl")
    rows.write_text("".join(rows.read_text().splitlines(keepends=True)[1:]))
    twin = make_hub_inside(tmp_path / "twin")
    with pytest.raises(RookeryError, match=r"not whole.*'content': 2"):
        list(backup.restore(twin.opened, tmp_path / "backup"))
    with twin.opened.database.reading() as work:
        assert work.accounts.count() == 0
    twin.opened.database.close()


def test_the_next_backup_forgets_what_was_dropped(
    hub: HubInside, filled: tuple[Actor, Repository], tmp_path: Path
) -> None:
    ada, where = filled
    to = tmp_path / "backup"
    list(backup.back_up(hub.opened, to))
    hub.opened.hub.contents.remove(ada, where.id, KEY)
    other = hub.repository(ada, "other")
    hub.clock.go(1)
    list(backup.back_up(hub.opened, to))
    hub.opened.hub.repositories.remove(ada, other.id)
    hub.clock.go(1)
    list(backup.back_up(hub.opened, to))
    assert len(list(to.glob("tables-*"))) == 1
    assert [one.name for one in (to / "repositories").iterdir()] == [f"{where.id}.git"]
    assert len([f for f in (to / "repositories").rglob("annex/objects/*/*/*/*") if f.is_file()]) == 1


def test_a_backup_of_a_hub_at_work_is_whole(
    hub: HubInside, filled: tuple[Actor, Repository], tmp_path: Path, new_database: Callable[[], str]
) -> None:
    ada, where = filled
    done = threading.Event()

    def work() -> None:
        number = 0
        while not done.is_set():
            data = f"content {number}".encode()
            key = f"SHA256-s{len(data)}--{hashlib.sha256(data).hexdigest()}"
            put(hub, ada, where.id, data, key)
            if number % 2:
                hub.opened.hub.contents.remove(ada, where.id, key)
            number += 1

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for number in range(3):
            hub.clock.go(1)
            assert bad(backup.back_up(hub.opened, tmp_path / "backup")) == [], number
    finally:
        done.set()
        worker.join()
    twin = restored(tmp_path / "backup", tmp_path / "twin", new_database())
    assert bad(fsck.look(twin.opened)) == []
    assert twin.opened.hub.contents.totals(ada, where.id).keys > 2
    twin.opened.database.close()


def killed_backups(tmp_path: Path, env: Mapping[str, str], most: int) -> None:
    """Kill a second backup at so many of its steps; each time there must be a whole one, the first or the second."""
    server, to = HubServer(tmp_path / "hub", env), tmp_path / "backup"
    with server.beside() as hub:
        ada = hub.person("ada")
        where = hub.repository(ada)
        put(hub, ada, where.id)
        list(backup.back_up(hub.opened, to))
        put(hub, ada, hub.repository(ada, "second").id)
    killing = Killing(server.env, tmp_path / "steps")
    shutil.copytree(to, tmp_path / "counted")
    steps = killing.steps(["hub", "backup", str(tmp_path / "counted")], tmp_path)
    for step in spread(steps, most):
        again = tmp_path / f"backup{step}"
        shutil.copytree(to, again)
        killing.kill(["hub", "backup", str(again)], tmp_path, step)
        twin = restored(again, tmp_path / f"twin{step}", "")
        assert bad(fsck.look(twin.opened)) == [], step
        assert twin.opened.hub.contents.present(ada, where.id, KEY), step
        assert len(twin.opened.hub.repositories.search(ada)) in (1, 2), step
        twin.opened.database.close()
    killing.again(["hub", "backup", str(again)], tmp_path)
    assert len(list(again.glob("tables-*"))) == 1, "the next one tidies up"


def test_a_backup_that_is_killed_leaves_a_whole_one(tmp_path: Path, cli: Program) -> None:
    killed_backups(tmp_path, cli.env, 3)


@pytest.mark.campaign
@pytest.mark.timeout(1200)
def test_a_backup_killed_at_many_steps_leaves_a_whole_one(tmp_path: Path, cli: Program) -> None:
    killed_backups(tmp_path, cli.env, 25)


def test_what_is_no_backup_is_not_restored(hub: HubInside, tmp_path: Path) -> None:
    with pytest.raises(RookeryError, match="not a backup"):
        list(backup.restore(hub.opened, tmp_path))
    with pytest.raises(RookeryError, match="inside"):
        list(backup.back_up(hub.opened, hub.opened.settings.data / "backup"))
