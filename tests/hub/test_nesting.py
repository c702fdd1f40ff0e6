"""Subdatasets are found at their paths below the superdataset's address, by whoever may read them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rookery.hub.app import make_app
from rookery.hub.domain.access import Action, Actor, Level, Means, Visibility
from rookery.hub.domain.errors import BadName, NotFound
from rookery.hub.domain.names import NestedPath, parse_path, parse_place
from rookery.hub.domain.records import Repository
from rookery.hub.web.visit import COOKIE
from support.asgi import Caller
from support.home import Home, make_home
from support.hub_keys import Keyring
from support.hubs import HubInside, HubServer, serving
from support.programs import Program

ONE, TWO, OTHER = (f"00000000-0000-4000-8000-00000000000{n}" for n in range(3))


def commit(hub: HubInside, repository: Repository, identity: str, listing: str = "") -> None:
    """Give a repository a history: a dataset with an identity and a `.gitmodules`, as a push would."""
    repo = hub.opened.histories.open(repository.id)
    config = f'[datalad "dataset"]\n\tid = {identity}\n'
    files = {".datalad/config": config, ".gitmodules": listing}
    lines = ["commit refs/heads/main", "committer A <a@b> 0 +0000", "data 1", "x"]
    for path, text in files.items():
        lines += [f"M 100644 inline {path}", f"data {len(text.encode())}", text]
    # fast-import runs beside the hub, as a push does
    subprocess.run(
        ["git", "fast-import", "--quiet", "--force"],
        cwd=repo.gitdir,
        input="\n".join([*lines, ""]).encode(),
        check=True,
    )
    hub.clock.go(1)
    hub.opened.hub.repositories.pushed(repository.id)


def entry(path: str, identity: str = "", url: str = "") -> str:
    return f'[submodule "{path}"]\n\tpath = {path}\n\turl = {url or "./" + path}\n' + (
        f"\tdatalad-id = {identity}\n" if identity else ""
    )


def found(hub: HubInside, who: Actor, place: str) -> str:
    return str(hub.opened.hub.gate.enter(who, parse_place(place), Action.READ).repository.path)


def test_by_the_name_of_create_sibling_at_any_depth(hub: HubInside) -> None:
    ada = hub.person("ada")
    top, sub, deep = (hub.repository(ada, name) for name in ("study", "study-sub", "study-sub-deep-er"))
    commit(hub, top, "", entry("sub", ONE))
    commit(hub, sub, ONE, entry("deep/er", TWO))
    commit(hub, deep, TWO)
    assert found(hub, ada, "/ada/study.git/sub/deep/er.git") == "ada/study-sub-deep-er"
    assert found(hub, ada, "ada/study/sub") == "ada/study-sub"
    for nowhere in ("ada/study/sub/deep", "ada/study/nothing", "ada/study/sub/deep/er/more", "ada/none/sub"):
        with pytest.raises(NotFound):
            found(hub, ada, nowhere)


def test_by_address_and_by_identity_and_never_another_dataset(hub: HubInside) -> None:
    ada, bob = hub.person("ada"), hub.person("bob")
    top = hub.repository(ada, "study")
    lure = hub.repository(ada, "study-sub")
    renamed = hub.repository(ada, "anything")
    theirs = hub.repository(bob, "shared", Visibility.PUBLIC)
    plain = hub.repository(ada, "plain")
    commit(hub, lure, OTHER)
    commit(hub, renamed, ONE)
    commit(hub, theirs, TWO)
    commit(hub, plain, "")
    listing = (
        entry("sub", ONE)
        + entry("from bob", TWO, "https://hub.example.org/bob/shared")
        + entry("git", url="../plain")
    )
    commit(hub, top, "", listing)
    assert found(hub, ada, "ada/study/sub") == "ada/anything"
    assert found(hub, ada, "ada/study/from bob") == "bob/shared"
    assert found(hub, ada, "ada/study/git") == "ada/plain"
    commit(hub, renamed, OTHER)
    with pytest.raises(NotFound):
        found(hub, ada, "ada/study/sub")
    commit(hub, lure, ONE)
    assert found(hub, ada, "ada/study/sub") == "ada/study-sub", "what was read is read again after a push"


def test_only_what_may_be_read_is_found(hub: HubInside) -> None:
    ada, bob = hub.person("ada"), hub.person("bob")
    top, sub = hub.repository(ada, "study", Visibility.PUBLIC), hub.repository(ada, "study-sub")
    commit(hub, top, "", entry("sub", ONE))
    commit(hub, sub, ONE)
    services = hub.opened.hub
    stranger = services.identity.stranger("127.0.0.1")
    for who in (bob, stranger):
        with pytest.raises(NotFound) as unreadable:
            found(hub, who, "ada/study/sub")
        with pytest.raises(NotFound) as unknown:
            found(hub, who, "ada/study/nothing")
        assert unreadable.value.message.replace("/sub", "/nothing") == unknown.value.message
        assert type(unreadable.value) is type(unknown.value)
    services.repositories.set_collaborator(ada, parse_path("ada/study-sub"), "bob", Level.READ)
    assert found(hub, bob, "ada/study/sub") == "ada/study-sub"
    with pytest.raises(Exception, match="may not write"):
        services.gate.enter(bob, parse_place("ada/study/sub"), Action.WRITE)
    # a superdataset that may not be read tells nothing of what is below it
    services.repositories.change(ada, parse_path("ada/study"), visibility=Visibility.PRIVATE)
    with pytest.raises(NotFound):
        found(hub, bob, "ada/study/sub")
    narrow = ada._replace(means=Means(repositories=frozenset({top.id})))
    with pytest.raises(NotFound):
        found(hub, narrow, "ada/study/sub")


def test_a_browser_is_led_to_the_repository_of_a_subdataset(hub: HubInside) -> None:
    ada, bob = hub.person("ada"), hub.person("bob")
    top, sub = hub.repository(ada, "study", Visibility.PUBLIC), hub.repository(ada, "study-sub")
    commit(hub, top, "", entry("sub", ONE) + entry("raw", TWO) + entry("in/side", TWO))
    commit(hub, sub, ONE)
    commit(hub, hub.repository(ada, "study-raw", Visibility.PUBLIC), TWO)
    ask = Caller(make_app(hub.opened.hub, hub.opened.settings))
    identity = hub.opened.hub.identity
    cookies = {who.name: {"Cookie": f"{COOKIE}={identity.begin(who)}"} for who in (ada, bob)}
    for url, leads in (
        ("/ada/study/sub", "/ada/study-sub"),
        ("/ada/study/raw", "/ada/study-raw"),  # also a word of the pages' addresses
        ("/ada/study/in/side", "/ada/study-raw"),
    ):
        assert ask("GET", url, headers=cookies["ada"]).headers["location"] == leads
    for who in (cookies["bob"], {}):
        assert ask("GET", "/ada/study/sub", headers=who).status == 404
        assert ask("GET", "/ada/study/raw", headers=who).status == 302
    for odd in (
        "/ada/study/sub/",
        "/ada/study//sub",
        "/ada/study/..%2f",
        "/ada/study/nothing",
        "/ada/study/a/%00",
    ):
        assert ask("GET", odd, headers=cookies["bob"]).status == 404, odd
    ask.close()


@pytest.mark.parametrize(
    "listing",
    ['[submodule "x"\n', entry("../../etc", ONE), entry("sub", ONE, "http://[/"), "[a]\n" + "x = y\n" * 2_000_000],
    ids=["broken", "leads out", "odd address", "huge"],
)  # fmt: skip
def test_an_odd_listing_hides_subdatasets_and_breaks_nothing(hub: HubInside, listing: str) -> None:
    ada = hub.person("ada")
    commit(hub, hub.repository(ada, "study"), "", listing)
    with pytest.raises(NotFound):
        found(hub, ada, "ada/study/sub")


@pytest.mark.parametrize(
    "place",
    [
        "ada/x/../y",
        "ada/x/./y",
        "ada/x//y",
        "ada/x/.git",
        "ada/x/.GIT/y",
        "ada/x/a\0b",
        "ada/x/" + "a/" * 40 + "b",
    ],
)
def test_odd_places_are_none(place: str) -> None:
    with pytest.raises(BadName):
        parse_place(place)


def test_places_keep_their_spelling() -> None:
    assert parse_place("/ada/x.git/") == parse_path("ada/x")
    assert parse_place("ada/x.git/ü b/c.git") == NestedPath(parse_path("ada/x"), "ü b/c")


DEEP = "raw/one deep"  # `raw` is a word of the pages' addresses too


def nested_dataset(cli: Program, root: Path) -> Path:
    """Make a dataset with a subdataset that has one, and a file in each."""
    cli("create", "study", cwd=root)
    study = root / "study"
    for below in (".", "raw", DEEP):
        if below != ".":
            cli("create", "-d", ".", below, cwd=study)
        (study / below / "data.bin").write_bytes(below.encode() * 1000)
    cli("save", "-r", cwd=study)
    return study


@pytest.fixture(scope="module")
def with_ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubServer]:
    folder = tmp_path_factory.mktemp("nested")
    with serving(folder / "hub", make_home(folder / "home", os.environ).env, ssh=True) as server:
        yield server


@pytest.mark.parametrize(
    ("tool", "access"),
    [
        ("rookery", "https"),
        pytest.param("datalad", "https", marks=pytest.mark.campaign),
        pytest.param("datalad", "ssh", marks=pytest.mark.campaign),
    ],
)
def test_a_stock_clone_finds_its_subdatasets(
    with_ssh: HubServer, cli: Program, datalad: Program, home: Home, tmp_path: Path, tool: str, access: str
) -> None:
    name = f"{tool}{access}"
    study = nested_dataset(cli, tmp_path)
    if access == "ssh":
        keys = Keyring(home, with_ssh)
        ada = keys.person(f"ada{name}")
        bob = keys.person(f"bob{name}")
    else:
        ada, bob = with_ssh.add_user(f"ada{name}"), with_ssh.add_user(f"bob{name}")

    def person(program: Program, who: str, token: str) -> Program:
        if access == "ssh":
            return program.having({"DATALAD_CREDENTIAL_HUB_TOKEN": token})
        helper = f"!f() {{ echo username={who}; echo password={token}; }}; f"
        settings = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "credential.helper"}
        told = {**settings, "GIT_CONFIG_VALUE_0": helper, "DATALAD_CREDENTIAL_HUB_TOKEN": token}
        return program.having(told)

    def come_as(who: str) -> None:
        if access == "ssh":
            keys.come_as(who)

    mine = person(cli if tool == "rookery" else datalad, f"ada{name}", ada).at(study)
    come_as(f"ada{name}")
    words = ("create-sibling-gin", "study", "-r", "--private", "--access-protocol", access)
    mine(*words, "--api", with_ssh.url, "--credential", "hub")
    mine("push", "-r", "--to", "gin")
    for repository in ("study", "study-raw", "study-raw-one_deep"):
        path = f"repos/ada{name}/{repository}/collaborators/bob{name}"
        with_ssh.api("PUT", path, {"permission": "write"}, 204, token=ada)
    theirs = person(datalad, f"bob{name}", bob)
    come_as(f"bob{name}")
    base = with_ssh.ssh if access == "ssh" else with_ssh.url
    theirs("clone", f"{base}/ada{name}/study.git", "clone", cwd=tmp_path)
    clone = tmp_path / "clone"
    theirs("get", "-n", "-r", ".", cwd=clone)
    theirs("get", "-r", ".", cwd=clone)
    assert (clone / DEEP / "data.bin").read_bytes() == DEEP.encode() * 1000
    # and back: to the address that the clone knows
    (clone / "raw/note.bin").write_bytes(b"seen" * 1000)
    theirs("save", "-r", cwd=clone)
    theirs("push", "-r", "--to", "origin", cwd=clone)
    come_as(f"ada{name}")
    mine("update", "-r", "-s", "gin", "--how", "merge")
    mine("get", "raw/note.bin")
    assert (study / "raw/note.bin").read_bytes() == b"seen" * 1000


def test_pages_and_programs_at_one_address(with_ssh: HubServer) -> None:
    token = with_ssh.add_user("eve")
    with_ssh.api("POST", "user/repos", {"name": "data"}, 201, token=token)
    for agent, status in (("git-annex/10.20261026", 404), ("Mozilla/5.0", 404), ("git/2.39.5", 404)):
        reply = with_ssh.ask("GET", "eve/data/raw/config", token=token, headers={"User-Agent": agent})
        assert reply.status == status
        page = b"<html" in reply.body
        assert page == agent.startswith("Mozilla")
