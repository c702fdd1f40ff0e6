"""The hub and git-annex's own servers are told the same, step by step, and answer the same: over HTTP, and in lines."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rookery.hub.domain.access import Actor
from rookery.hub.domain.records import Repository
from rookery.hub.p2p.session import Session
from rookery.hub.p2p.wire import Wire
from support.home import make_home
from support.hubs import HubInside, HubServer, make_hub_inside
from support.p2p import P2p, key_of
from support.p2p_clients import ABSENT, Client, Lines, Requests

_SALTS = itertools.count()
BACKENDS = ("SHA256E", "MD5E", "SHA512", "SHA1")


class Step(NamedTuple):
    """Something that is asked: `what` with the content of a number."""

    what: str
    number: int
    variant: int = 0


STEPS = st.builds(
    Step,
    st.sampled_from(["put", "put", "check", "get", "lock", "claim", "bypass", "remove", "remove before"]),
    st.integers(0, 2),
    st.integers(0, 3),
)


def content(salt: int, number: int) -> bytes:
    """Give content that nobody has sent before."""
    return f"{salt} {number}\n".encode() * (1 + 700 * number)


def take(client: Client, step: Step, salt: int) -> Any:
    """Ask, and give the answer."""
    data = content(salt, step.number)
    key = key_of(data, BACKENDS[step.number % len(BACKENDS)])
    match step.what:
        case "put":
            # not what the key says; or changed while it was sent (git-annex stores that if it is right by chance)
            sent = data[::-1] if step.variant in (1, 2) else data
            return client.put(key, sent, valid=step.variant != 2)
        case "check":
            return client.check(key)
        case "get":
            offset = (0, 1, len(data) // 2, len(data))[step.variant]
            told = client.get(key, offset)
            # git-annex answers over HTTP for what it has not with nothing at all, and so do both in version 0
            return ABSENT if told == b"" else told
        case "lock":
            return client.lock(key)
        case "claim" if client.version >= 4:
            return client.claim(key)
        case "bypass" if client.version >= 2:
            return client.bypass(key)
        case "claim" | "bypass":
            return client.check(key)
        case "remove before" if client.version >= 3:
            return client.remove_before(key, (-5, 0, 600, 600)[step.variant])
        case _:
            return client.remove(key)


def compare(ours: Client, theirs: Client, steps: list[Step]) -> None:
    """Take all steps with both."""
    salt = next(_SALTS)
    for number, step in enumerate(steps):
        mine, yours = take(ours, step, salt), take(theirs, step, salt)
        assert mine == yours, f"step {number}: {step}"


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, dict[str, str]]:
    """Make a bare annex of git-annex's own; give its uuid, and the environment of those who work with it."""
    folder = tmp_path_factory.mktemp("reference")
    env = make_home(folder / "home", os.environ).env
    place = folder / "bare.git"
    subprocess.run(["git", "init", "-q", "--bare", place], env=env, check=True)
    subprocess.run(["git", "annex", "init", "-q"], cwd=place, env=env, check=True)
    uuid = subprocess.run(
        ["git", "config", "annex.uuid"], cwd=place, env=env, capture_output=True, check=True
    )
    return place, uuid.stdout.decode().strip(), env


@pytest.fixture(scope="module")
def p2phttp(reference: tuple[Path, str, dict[str, str]]) -> Iterator[P2p]:
    place, uuid, env = reference
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serve = ["git", "annex", "p2phttp", "-J2", "--wideopen", "--bind", "127.0.0.1", "--port", str(port)]
    with subprocess.Popen(serve, cwd=place, env=env) as server:
        deadline = time.monotonic() + 30
        while True:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield P2p(f"http://127.0.0.1:{port}", uuid)
        server.terminate()


@pytest.fixture(scope="module")
def token(served: HubServer) -> str:
    return served.add_user("ada")


@pytest.fixture(scope="module")
def hub_http(served: HubServer, token: str) -> P2p:
    served.api("POST", "user/repos", {"name": "compared", "private": True}, 201, token=token)
    config = served.ask("GET", "ada/compared/config", token=token).body.decode()
    uuid = config.partition("uuid = ")[2].split()[0]
    return P2p(served.url, uuid, {"Authorization": f"token {token}"})


COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@settings(COMMON, max_examples=8)
@given(steps=st.lists(STEPS, min_size=3, max_size=10), version=st.integers(0, 4))
def test_over_http(hub_http: P2p, p2phttp: P2p, steps: list[Step], version: int) -> None:
    compare(Requests(hub_http, version), Requests(p2phttp, version), steps)


class Inside(NamedTuple):
    """A hub in this process, and one repository."""

    hub: HubInside
    ada: Actor
    where: Repository

    def talk(self, version: int) -> tuple[Lines, Callable[[], None]]:
        """Begin a conversation in lines; give the client, and what ends it."""
        mine, its = socket.socketpair()
        out, into = mine.makefile("rb"), mine.makefile("wb")
        wire = Wire(lambda: its.recv(1 << 16), its.sendall)
        session = Session(self.hub.opened.hub.contents, self.ada, self.where.uuid, wire, renew_seconds=100)
        thread = threading.Thread(target=session.run)
        thread.start()

        def end() -> None:
            into.close()
            mine.shutdown(socket.SHUT_WR)
            thread.join(20)
            assert not thread.is_alive()
            for one in (out, mine, its):
                one.close()

        return Lines(out, into, version), end


@pytest.fixture(scope="module")
def inside(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Iterator[Inside]:
    hub = make_hub_inside(tmp_path_factory.mktemp("inside") / "hub", database=new_database())
    ada = hub.person("ada")
    yield Inside(hub, ada, hub.repository(ada))
    hub.opened.database.close()


@settings(COMMON, max_examples=12)
@given(steps=st.lists(STEPS, min_size=3, max_size=12), version=st.integers(0, 4))
def test_in_lines(
    inside: Inside, reference: tuple[Path, str, dict[str, str]], steps: list[Step], version: int
) -> None:
    place, uuid, env = reference
    argv = ["git-annex-shell", "p2pstdio", str(place), "11111111-2222-3333-4444-555555555555", "--uuid", uuid]
    ours, end = inside.talk(version)
    with subprocess.Popen(
        argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as shell:
        assert shell.stdout is not None
        assert shell.stdin is not None
        try:
            compare(ours, Lines(shell.stdout, shell.stdin, version), steps)
        finally:
            end()
            shell.stdin.close()


@settings(COMMON, max_examples=60)
@given(
    said=st.lists(
        st.one_of(
            st.binary(max_size=40),
            st.sampled_from(
                [
                    b"VERSION 4",
                    b"VERSION 99",
                    b"PUT a SHA256-s3--x",
                    b"DATA 3",
                    b"VALID",
                    b"UNLOCKCONTENT",
                    b"GET 0 a b",
                ]
            ),
        ),
        max_size=8,
    )
)
def test_no_words_of_a_client_break_a_conversation_or_store_anything(
    inside: Inside, said: list[bytes]
) -> None:
    answers: list[bytes] = []
    coming = iter([b"\n".join([*said, b""])])
    wire = Wire(lambda: next(coming, b""), answers.append)
    contents = inside.hub.opened.hub.contents
    Session(contents, inside.ada, inside.where.uuid, wire, renew_seconds=100).run()
    assert b"".join(answers).startswith(b"AUTH-SUCCESS ")
    assert not contents.present(inside.ada, inside.where.id, "SHA256-s3--x")


def test_an_endless_line_ends_the_conversation(inside: Inside) -> None:
    answers: list[bytes] = []
    wire = Wire(lambda: b"x" * 10_000, answers.append)
    contents = inside.hub.opened.hub.contents
    Session(contents, inside.ada, inside.where.uuid, wire, renew_seconds=100).run()
    assert b"no end" in answers[-1]


def test_a_part_that_came_before_the_line_broke_is_gone_on_with(inside: Inside) -> None:
    data = os.urandom(100_000)
    ours, end = inside.talk(4)
    assert ours.ask(f"PUT name {key_of(data)}") == "PUT-FROM 0"
    ours.say(f"DATA {len(data)}", data[:60_000])
    end()
    ours, end = inside.talk(4)
    assert ours.ask(f"PUT name {key_of(data)}") == "PUT-FROM 60000"
    ours.say("DATA 40000", data[60_000:] + b"VALID\n")
    assert ours.line() == "SUCCESS"
    assert ours.get(key_of(data), 0) == data
    end()


def test_content_that_changed_while_it_was_sent_leaves_nothing_to_go_on_with(inside: Inside) -> None:
    key = "WORM-m1--changing"
    ours, end = inside.talk(4)
    assert not ours.put(key, b"half of the old", valid=False)
    assert ours.ask(f"PUT name {key}") == "PUT-FROM 0"
    ours.say("DATA 3", b"newVALID\n")
    assert ours.line() == "SUCCESS"
    assert ours.get(key, 0) == b"new"
    end()


def test_a_lock_lasts_until_it_is_released_or_expires(inside: Inside) -> None:
    data = b"locked content"
    ours, end = inside.talk(4)
    other, end_other = inside.talk(4)
    assert ours.put(key_of(data), data)
    assert ours.ask(f"LOCKCONTENT {key_of(data)}") == "SUCCESS"
    assert not other.remove(key_of(data))
    ours.say("UNLOCKCONTENT")
    assert ours.check(key_of(data))
    assert other.remove(key_of(data))
    assert other.put(key_of(data), data)
    assert ours.ask(f"LOCKCONTENT {key_of(data)}") == "SUCCESS"
    end()
    assert not other.remove(key_of(data)), "the client went away without a word"
    inside.hub.let_pass(601)
    assert other.remove(key_of(data))
    end_other()
