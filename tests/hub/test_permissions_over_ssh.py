"""Who may do what over SSH: every command, and every request of git-annex's protocol in lines, by everybody.

test_permissions.py has the same for every route of HTTP, the API and the pages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from rookery.annex.p2p import messages as m
from rookery.hub.domain.access import STRANGER, Actor, Level, Visibility
from rookery.hub.domain.names import parse_path
from rookery.hub.p2p.session import Session
from rookery.hub.p2p.wire import Wire
from rookery.hub.ssh import commands
from rookery.hub.ssh.running import Ends, run_command
from support.hubs import HubInside, make_hub_inside

KEY = "SHA256-s4--" + "0" * 64

# What is said to start with, and which right that wants.
GIT = {"git-upload-pack": "read", "git-upload-archive": "read", "git-receive-pack": "write"}
SHELL = {"git-annex-shell 'configlist' '/ada/data.git'": "read"}
LINES = {
    f"CHECKPRESENT {KEY}": "read",
    f"GET 0 name {KEY}": "read",
    f"LOCKCONTENT {KEY}": "read",
    "UNLOCKCONTENT": "read",
    "GETTIMESTAMP": "read",
    "BYPASS 11111111-2222-3333-4444-555555555555": "read",
    f"PUT name {KEY}": "write",
    f"REMOVE {KEY}": "drop",
    f"REMOVE-BEFORE 5 {KEY}": "drop",
}
# Not about a repository: which version is spoken, and what a client says of its own doings.
BESIDE = {m.Version, m.Success, m.Failure}

LEVELS = {
    "root": ("read", "write", "drop"),
    "owner": ("read", "write", "drop"),
    "admin": ("read", "write", "drop"),
    "writer": ("read", "write"),
    "reader": ("read",),
    "outsider": (),
    "reading deploy key": ("read",),
    "writing deploy key": ("read", "write"),
    "adding deploy key": ("read", "write"),
    "another's deploy key": (),
    "stranger": (),
}
READS = {
    Visibility.PRIVATE: set(),
    Visibility.INTERNAL: {"outsider"},
    Visibility.UNLISTED: {"outsider", "another's deploy key", "stranger"},
    Visibility.PUBLIC: {"outsider", "another's deploy key", "stranger"},
}


class World(NamedTuple):
    """A hub, and who comes to it."""

    hub: HubInside
    people: dict[str, Actor]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Iterator[World]:
    hub = make_hub_inside(tmp_path_factory.mktemp("hub") / "hub", database=new_database())
    services = hub.opened.hub
    ada = hub.person("ada")
    data, other = hub.repository(ada), hub.repository(ada, "other")
    people = {"owner": ada, "root": hub.person("boss", admin=True), "stranger": STRANGER}
    people |= {name: hub.person(name) for name in ("writer", "reader", "outsider")}
    people["admin"] = hub.person("manager")
    for name, level in (("manager", Level.ADMIN), ("writer", Level.WRITE), ("reader", Level.READ)):
        services.repositories.set_collaborator(ada, data.path, name, level)
    keys = (f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{'A' * 42}{letter} x" for letter in "ABCD")
    for name, where, level, adds in (
        ("reading deploy key", data, Level.READ, False),
        ("writing deploy key", data, Level.WRITE, False),
        ("adding deploy key", data, Level.WRITE, True),
        ("another's deploy key", other, Level.WRITE, False),
    ):
        made = services.repositories.add_deploy_key(
            ada, where.path, name, next(keys), level=level, append_only=adds
        )
        people[name] = services.identity.by_key(made.fingerprint, "127.0.0.1")
    yield World(hub, people)
    hub.opened.database.close()


def said(world: World, who: str, command: str, coming: bytes) -> str:
    """Let somebody give a command; say what came of it."""
    pieces = iter([coming])
    heard: list[bytes] = []
    ends = Ends(lambda: next(pieces, b""), heard.append, heard.append)
    run_command(world.hub.opened.hub, world.people[who], command, ends)
    told = b"".join(heard).decode(errors="replace")
    if "not shared with you" in told:
        return "hidden"
    refused = re.search(r"may not|needs an account|access denied|append-only", told)
    return "forbidden" if refused else "passed"


def expected(right: str, who: str, visibility: Visibility) -> str:
    if "read" not in LEVELS[who] and who not in READS[visibility]:
        return "hidden"
    return "passed" if right == "read" or right in LEVELS[who] else "forbidden"


@pytest.mark.parametrize("visibility", list(Visibility))
def test_each_gets_over_ssh_what_was_promised_and_nothing_else(world: World, visibility: Visibility) -> None:
    path = parse_path("ada/data")
    world.hub.opened.hub.repositories.change(world.people["owner"], path, visibility=visibility)
    asked = [(f"{verb} '/ada/data.git'", b"0000", right) for verb, right in GIT.items()]
    asked += [(command, b"", right) for command, right in SHELL.items()]
    talk = "git-annex-shell 'p2pstdio' '/ada/data.git' '11111111-2222-3333-4444-555555555555'"
    asked += [(talk, f"VERSION 4\n{line}\n".encode(), right) for line, right in LINES.items()]
    wrong = [
        f"{who}: {command} {coming!r}: {came}, not {should}"
        for command, coming, right in asked
        for who in world.people
        if (came := said(world, who, command, coming)) != (should := expected(right, who, visibility))
    ]
    assert not wrong, "\n".join(wrong)


def test_every_command_and_request_has_its_line(world: World) -> None:
    assert set(GIT) == set(commands._GIT)
    wire = Wire(lambda: b"", lambda _: None)
    session = Session(world.hub.opened.hub.contents, STRANGER, "", wire, renew_seconds=1)
    answered = set(session._answers) - BESIDE
    assert answered == {type(m.parse(line.encode())) for line in LINES}
