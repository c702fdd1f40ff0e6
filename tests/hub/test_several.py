"""Several small contents in one request: as whole and as safe as each of them alone."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rookery.annex.p2p import several
from rookery.hub.domain.ports.objects import Objects
from rookery.hub.services.small_contents import SmallContents
from support.cutting import Cutting
from support.home import Home, make_home
from support.hubs import HubInside, HubServer, Reply, serving
from support.p2p import P2p, key_of
from support.programs import Program


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Iterator[HubServer]:
    folder = tmp_path_factory.mktemp("several")
    env = make_home(folder / "home", os.environ).env
    with serving(folder / "hub", env, database=new_database()) as made:
        yield made


@pytest.fixture(scope="module")
def token(server: HubServer) -> str:
    return server.add_user("ada")


@pytest.fixture
def annex(server: HubServer, token: str, request: pytest.FixtureRequest) -> P2p:
    return annex_of(server, token, re.sub(r"\W+", "-", request.node.name).strip("-")[:80])


def annex_of(server: HubServer, token: str, name: str) -> P2p:
    server.api("POST", "user/repos", {"name": name, "private": True}, 201, token=token)
    owner = server.api("GET", "user", None, 200, token=token)["login"]
    config = server.ask("GET", f"{owner}/{name}/config", token=token).body.decode()
    return P2p(server.url, re.findall(r"uuid = (\S+)", config)[0], {"Authorization": f"token {token}"})


def put(annex: P2p, contents: dict[str, bytes]) -> set[str]:
    reply = annex.ask("POST", several.PUT, several.packed(contents.items()))
    assert reply.status == 200, reply
    return set(several.keys_of(reply.body))


def get(annex: P2p, *keys: str) -> dict[str, bytes]:
    reply = annex.ask("POST", several.GET, several.listed(keys))
    assert reply.status == 200, reply
    return dict(several.unpacked(reply.body))


def some(number: int, size: int = 100) -> dict[str, bytes]:
    return {key_of(data): data for data in (os.urandom(size) for _ in range(number))}


def test_they_go_in_and_come_out_as_they_were(annex: P2p) -> None:
    odd = {"WORM-s4-m1--a b\udcff.dat": b"a\nb\n", key_of(b""): b"", "XYZ-s4--unheard": b"four"}
    contents = some(several.MOST - len(odd)) | odd
    assert put(annex, contents) == set(contents)
    assert get(annex, *contents) == contents
    assert all(annex.get(key).body == data for key, data in list(contents.items())[:3])
    assert put(annex, contents) == set(contents), "what is here already is said to be"


def test_what_is_wrong_is_left_out_and_the_rest_is_stored(annex: P2p) -> None:
    good, bad, short = some(3), some(2), some(1)
    wrong = {key: data[::-1] for key, data in bad.items()} | {key: data[:-1] for key, data in short.items()}
    assert put(annex, good | wrong) == set(good)
    assert get(annex, *good, *wrong) == good
    assert not annex.told("checkpresent", key=next(iter(bad)))["present"]
    assert annex.told("putoffset", key=next(iter(bad))) == {"offset": 0}, "nothing is left of it"


def test_what_is_large_is_not_in_an_answer(annex: P2p) -> None:
    small, large = some(1), some(1, several.LARGEST + 1)
    assert put(annex, large) == set(large)
    assert get(annex, *small, *large) == {}
    assert annex.get(next(iter(large))).body == next(iter(large.values()))
    many = some(several.MOST_BYTES // several.LARGEST + 2, several.LARGEST)
    for key, data in many.items():
        assert annex.stored(key, data)
    assert len(get(annex, *many)) == several.MOST_BYTES // several.LARGEST


def test_content_that_was_damaged_on_the_disk_is_not_given(server: HubServer, annex: P2p) -> None:
    contents = some(3)
    put(annex, contents)
    cut, gone, whole = contents
    with server.beside() as inside:
        with inside.opened.database.reading() as work:
            number = work.repositories.by_uuid(annex.uuid)
        assert number is not None
        place = inside.opened.objects.path(number.id, cut)
        lost = inside.opened.objects.path(number.id, gone)
    if place is None or lost is None:
        pytest.skip("contents are not in files here")
    for file in (place, lost):
        file.parent.chmod(0o755)
        file.chmod(0o644)
    place.write_bytes(b"short")
    lost.unlink()
    assert get(annex, *contents) == {whole: contents[whole]}
    assert put(annex, contents) == set(contents), "what was lost comes back"
    assert get(annex, *contents) == contents


def test_naming_a_key_gains_nothing(server: HubServer, annex: P2p) -> None:
    contents = some(2)
    put(annex, contents)
    other = annex_of(server, server.add_user("bob"), "empty")
    assert get(other, *contents) == {}
    assert put(other, dict.fromkeys(contents, b"")) == set()


def test_a_request_that_makes_no_sense_is_refused(annex: P2p) -> None:
    def ask(action: str, body: bytes) -> Reply:
        return annex.ask("POST", action, body)

    assert ask(several.PUT, b"5 MD5-s5--x\nfour").status == 400
    assert ask(several.PUT, b"nothing of this").status == 400
    assert ask(several.PUT, several.packed([("../../x", b"x")])).status == 400
    assert ask(several.GET, b"../../x").status == 400
    keys = [key_of(b"%d" % number) for number in range(several.MOST + 1)]
    assert ask(several.GET, several.listed(keys)).status == 413
    assert ask(several.PUT, bytes(several.LONGEST + 1)).status == 413
    assert annex.ask("POST", several.GET, b"", version=5).status == 404


def test_many_at_once_with_contents_in_common_lose_nothing(annex: P2p) -> None:
    shared = some(20)
    batches = [some(20) | shared for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        stored = list(pool.map(lambda batch: put(annex, batch), batches))
    assert all(set(batch) - set(shared) <= told for batch, told in zip(batches, stored, strict=True))
    assert all(get(annex, *batch) == batch for batch in batches)


def test_a_quota_counts_for_all_of_them(server: HubServer, token: str, annex: P2p) -> None:
    with server.beside() as inside:
        with inside.opened.database.reading() as work:
            where = work.repositories.by_uuid(annex.uuid)
        assert where is not None
        boss = inside.person("boss", admin=True)
        inside.opened.hub.administration.set_repository_quota(boss, where.path, 1_000)
    assert annex.ask("POST", several.PUT, several.packed(some(11).items())).status == 413
    contents = some(9)
    assert put(annex, contents) == set(contents)


class Dropping:
    """A store in which somebody drops a content just when it was shown, before anything is said of it."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def __getattr__(self, name: str) -> Any:
        return getattr(self._objects, name)

    def settle(self, keys: Iterable[str], repository: int) -> None:
        """Drop the first of them."""
        self._objects.remove(repository, next(iter(keys)))


def test_what_is_dropped_before_it_is_claimed_is_not_said_to_be_stored(on_disk: None, hub: HubInside) -> None:
    ada, data = hub.person("ada"), hub.opened
    where = hub.repository(ada)
    objects: Any = Dropping(data.objects)
    small = SmallContents(data.database, objects, data.hub.gate, data.hub.limits, data.hub.clock)
    contents = some(3)
    dropped, *others = contents
    assert small.store(ada, where.id, contents) == others
    assert set(dict(data.hub.small.read(ada, where.id, list(contents)))) == set(others)
    assert not data.hub.contents.present(ada, where.id, dropped)


@pytest.mark.native
def test_small_files_are_pushed_and_got_in_few_requests(
    server: HubServer, token: str, home: Home, git: Program, cli: Program, tmp_path: Path
) -> None:
    annex = annex_of(server, token, "few")
    relay = Cutting(int(server.url.rpartition(":")[2]), lambda: None)
    try:
        between = f"http://127.0.0.1:{relay.port}"
        git("config", "--global", "credential.helper", "store", cwd=tmp_path)
        (home.path / ".git-credentials").write_text(f"{between.replace('://', f'://ada:{token}@')}\n")
        here, there = tmp_path / "here", tmp_path / "there"
        git("init", "-q", here, cwd=tmp_path)
        git("annex", "init", "-q", cwd=here)
        contents = {f"file{n}": os.urandom(several.LARGEST + 1 if n == 0 else 50 + n) for n in range(120)}
        for name, data in contents.items():
            (here / name).write_bytes(data)
        git("annex", "add", "-q", ".", cwd=here)
        git("commit", "-qm", "Files", cwd=here)
        git("remote", "add", "hub", f"{between}/ada/few.git", cwd=here)
        cli("push", "--to", "hub", cwd=here)
        assert relay.requests < 40
        keys = {name: key_of_file(git, here)(name) for name in list(contents)[: several.MOST]}
        assert get(annex, *keys.values()) == {
            key: contents[name] for name, key in keys.items() if name != "file0"
        }, "all but the large one"
        cli("clone", f"{between}/ada/few.git", there, cwd=tmp_path)
        spoil(server, annex, keys["file7"])
        before = relay.requests
        answer = cli("get", ".", cwd=there, code=None)
        assert relay.requests - before < 40
    finally:
        relay.close()
    there_now = {name: (there / name).read_bytes() for name in contents if (there / name).exists()}
    spoiled = answer.code != 0
    assert there_now == {name: data for name, data in contents.items() if not (spoiled and name == "file7")}
    git("annex", "fsck", "-q", cwd=there)


def key_of_file(git: Program, folder: Path) -> Callable[[str], str]:
    return lambda name: git("annex", "lookupkey", name, cwd=folder).text.strip()


def spoil(server: HubServer, annex: P2p, key: str) -> None:
    """Change content on the hub's disk, where it has files."""
    with server.beside() as inside:
        with inside.opened.database.reading() as work:
            where = work.repositories.by_uuid(annex.uuid)
        assert where is not None
        place = inside.opened.objects.path(where.id, key)
    if place is not None:
        place.chmod(0o644)
        place.write_bytes(place.read_bytes()[::-1])
