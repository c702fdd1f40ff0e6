"""Webhooks: what is told and to whom, sent once by several, tried again, signed, and never to servers inside."""

from __future__ import annotations

import hashlib
import hmac
import http.server
import json
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from rookery.hub.domain.access import Actor, Level
from rookery.hub.domain.errors import BadName, Conflict, Forbidden, NotFound
from rookery.hub.domain.hooks import DeliveryState, HookEvent, HookTarget, hook_events, hook_target
from rookery.hub.domain.records import Repository
from rookery.hub.services import outward
from rookery.hub.services.outward import NotSent, Sent, is_public
from rookery.hub.services.webhooks import CLAIM_SECONDS, RETRIES, WebhookService
from support.hub_histories import commit, pushed
from support.hubs import HubInside, make_hub_inside


class Receiver:
    """What comes in, and how it is answered; as a part that sends for the hub."""

    def __init__(self) -> None:
        self.came: list[tuple[HookTarget, dict[str, str], bytes]] = []
        self.answers: list[int | NotSent] = []
        self.lock = threading.Lock()

    def __call__(
        self, target: HookTarget, headers: Mapping[str, str], body: bytes, /, *, private: bool, seconds: float
    ) -> Sent:
        with self.lock:
            self.came.append((target, dict(headers), body))
            answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, NotSent):
            raise answer
        return Sent(answer, "answered")


class Scene(NamedTuple):
    hub: HubInside
    ada: Actor
    data: Repository
    receiver: Receiver
    webhooks: WebhookService


@pytest.fixture
def scene(hub: HubInside) -> Scene:
    ada, receiver = hub.person("ada"), Receiver()
    services = hub.opened.hub
    parts = (hub.opened.database, services.gate, receiver, services.limits, "http://hub.test", hub.clock)
    return Scene(hub, ada, hub.repository(ada), receiver, WebhookService(*parts))


def state(scene: Scene, hook: int) -> list[tuple[DeliveryState, int, int | None]]:
    found = scene.webhooks.deliveries(scene.ada, scene.data.id, hook)
    return [(one.state, one.tries, one.status) for one in found]


def test_what_happens_is_told_signed_and_only_to_those_who_want_it(scene: Scene) -> None:
    hub, where = scene.hub, scene.data.id
    all_of_it = scene.webhooks.add(scene.ada, where, "https://ci.example.org/x?y=1", secret="s3cret")
    scene.webhooks.add(scene.ada, where, "https://a.example.org", events=frozenset({HookEvent.FORK}))
    scene.webhooks.add(scene.ada, where, "https://b.example.org", active=False)
    tip = commit(hub, scene.data)
    pushed(hub, scene.ada, scene.data, main=("", tip))
    hub.opened.hub.issues.create(scene.ada, where, "A title")
    hub.opened.hub.issues.comment(scene.ada, where, 1, "hello")
    assert scene.webhooks.send_due() == 3
    told = [(headers["X-Gitea-Event"], json.loads(body)) for _, headers, body in scene.receiver.came]
    assert [event for event, _ in told] == ["push", "issues", "issue_comment"]
    assert (told[0][1]["ref"], told[0][1]["after"]) == ("refs/heads/main", tip)
    assert told[0][1]["repository"]["full_name"] == "ada/data"
    assert (told[1][1]["action"], told[1][1]["issue"]["title"]) == ("opened", "A title")
    assert told[2][1]["comment"]["body"] == "hello"
    target, headers, body = scene.receiver.came[0]
    assert target == HookTarget(True, "ci.example.org", 443, "/x?y=1")
    digest = hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert headers["X-Gitea-Signature"] == headers["X-Gogs-Signature"] == digest
    assert headers["X-Hub-Signature-256"] == f"sha256={digest}"
    assert state(scene, all_of_it.id) == [(DeliveryState.SENT, 1, 200)] * 3
    assert scene.webhooks.send_due() == 0


def test_a_message_is_tried_again_ever_later_and_then_given_up(scene: Scene) -> None:
    hook = scene.webhooks.add(scene.ada, scene.data.id, "https://ci.example.org")
    scene.webhooks.try_out(scene.ada, scene.data.id, hook.id)
    scene.receiver.answers = [500, NotSent("no answer"), 302, 404, 500, 500, 500]
    for number, seconds in enumerate(RETRIES, 1):
        assert scene.webhooks.send_due() == 1
        assert state(scene, hook.id)[0][:2] == (DeliveryState.WAITING, number)
        scene.hub.clock.go(seconds - 1)
        assert scene.webhooks.send_due() == 0
        scene.hub.clock.go(2)
    assert scene.webhooks.send_due() == 1
    assert state(scene, hook.id) == [(DeliveryState.FAILED, len(RETRIES) + 1, 500)]
    scene.hub.clock.go(10**6)
    assert scene.webhooks.send_due() == 0
    (old,) = scene.webhooks.deliveries(scene.ada, scene.data.id, hook.id)
    again = scene.webhooks.redeliver(scene.ada, scene.data.id, hook.id, old.id)
    assert (again.payload, again.uuid != old.uuid) == (old.payload, True)
    assert scene.webhooks.send_due() == 1
    assert [one[0] for one in state(scene, hook.id)] == [DeliveryState.SENT, DeliveryState.FAILED]


def test_a_message_whose_sender_died_is_sent_by_another_later(scene: Scene) -> None:
    hook = scene.webhooks.add(scene.ada, scene.data.id, "https://ci.example.org")
    made = scene.webhooks.try_out(scene.ada, scene.data.id, hook.id)
    assert scene.webhooks._claimed() is not None  # and is killed
    assert scene.webhooks.send_due() == 0
    scene.hub.clock.go(CLAIM_SECONDS + 60)
    assert scene.webhooks.send_due() == 1
    assert scene.receiver.came[0][1]["X-Gitea-Delivery"] == made.uuid


def test_several_senders_send_each_message_once(scene: Scene) -> None:
    hook = scene.webhooks.add(scene.ada, scene.data.id, "https://ci.example.org")
    for _ in range(20):
        scene.webhooks.try_out(scene.ada, scene.data.id, hook.id)
    threads = [threading.Thread(target=scene.webhooks.send_due) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = [headers["X-Gitea-Delivery"] for _, headers, _ in scene.receiver.came]
    assert len(numbers) == len(set(numbers)) == 20


def test_hooks_are_for_those_who_manage_and_their_number_has_an_end(scene: Scene) -> None:
    where, webhooks = scene.data.id, scene.webhooks
    eve = scene.hub.person("eve")
    hers = scene.hub.repository(eve, "hers")
    hook = webhooks.add(scene.ada, where, "https://ci.example.org")
    with pytest.raises(NotFound):
        webhooks.hook(eve, where, hook.id)
    with pytest.raises(NotFound):
        webhooks.remove(eve, hers.id, hook.id)
    scene.hub.opened.hub.repositories.set_collaborator(scene.ada, where, "eve", Level.WRITE)
    with pytest.raises(Forbidden):
        webhooks.hooks(eve, where)
    for _ in range(scene.hub.opened.hub.limits.hooks - 1):
        webhooks.add(scene.ada, where, "https://ci.example.org")
    with pytest.raises(Conflict):
        webhooks.add(scene.ada, where, "https://ci.example.org")
    webhooks.change(scene.ada, where, hook.id, active=False)
    webhooks.try_out(scene.ada, where, hook.id)
    assert webhooks.send_due() == 1
    assert scene.receiver.came == []
    assert state(scene, hook.id)[0][0] is DeliveryState.FAILED
    webhooks.remove(scene.ada, where, hook.id)
    with pytest.raises(NotFound):
        webhooks.deliveries(scene.ada, where, hook.id)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x.org",
        "https://",
        "x.org",
        "https://a b/",
        "http://u:p@x.org/",
        "http://x.org:99999",
        "http://[::1",
        "http://x.org/\r\nHost: y",
        "http://ü.org/",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(BadName):
        hook_target(url)


def test_events_are_named() -> None:
    assert hook_events([]) == hook_events(["*"]) == frozenset(HookEvent)
    with pytest.raises(BadName):
        hook_events(["push", "everything"])


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("::ffff:8.8.8.8", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
        ("2002:7f00:1::", False),
        ("2001:0:0:0:0:0:80ff:fffe", False),
    ],
)
def test_addresses_inside_are_known(address: str, public: bool) -> None:
    assert is_public(address) is public


class Inside(http.server.BaseHTTPRequestHandler):
    """A server on this machine: tells how often it was asked; redirects, trickles, or sends without end."""

    def do_POST(self) -> None:
        self.server.asked += 1
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "/target")
            self.end_headers()
        elif self.path == "/slow":
            for letter in b"HTTP/1.0 200 OK":
                try:
                    self.wfile.write(bytes([letter]))
                    self.wfile.flush()
                except OSError:
                    return
                time.sleep(0.2)
        elif self.path == "/large":
            self.send_response(200)
            self.end_headers()
            try:
                for _ in range(1000):
                    self.wfile.write(b"x" * 65536)
            except OSError:
                return
        else:
            self.send_response(204)
            self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def inside() -> Iterator[http.server.ThreadingHTTPServer]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Inside)
    server.daemon_threads = True
    server.asked = 0
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def test_nothing_is_sent_to_servers_inside_unless_the_site_allows_it(
    inside: http.server.ThreadingHTTPServer,
) -> None:
    port = inside.server_address[1]
    for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "[::ffff:127.0.0.1]"):
        with pytest.raises(NotSent):
            outward.send(hook_target(f"http://{host}:{port}/"), {}, b"", private=False, seconds=5)
    assert inside.asked == 0
    target = hook_target(f"http://localhost:{port}/")
    assert outward.send(target, {"X": "y"}, b"body", private=True, seconds=5).status == 204


def test_redirects_are_not_followed_and_answers_have_an_end_in_size_and_time(
    inside: http.server.ThreadingHTTPServer,
) -> None:
    base = f"http://127.0.0.1:{inside.server_address[1]}"
    assert outward.send(hook_target(base + "/elsewhere"), {}, b"", private=True, seconds=5).status == 302
    assert inside.asked == 1
    large = outward.send(hook_target(base + "/large"), {}, b"", private=True, seconds=5)
    assert len(large.answer) == outward.MOST_ANSWER
    with pytest.raises(NotSent, match=r"within 0\.5 seconds"):
        outward.send(hook_target(base + "/slow"), {}, b"", private=True, seconds=0.5)


def test_the_settings_of_the_site_reach_the_senders(
    tmp_path: Path, inside: http.server.ThreadingHTTPServer
) -> None:
    for allowed, asked in (("false", 0), ("true", 1)):
        hub = make_hub_inside(tmp_path / allowed, ROOKERY_HUB_LIMITS_HOOKS_PRIVATE=allowed)
        ada, services = hub.person("ada"), hub.opened.hub
        data = hub.repository(ada)
        hook = services.webhooks.add(ada, data.id, f"http://127.0.0.1:{inside.server_address[1]}/")
        services.webhooks.try_out(ada, data.id, hook.id)
        assert services.webhooks.send_due() == 1
        assert inside.asked == asked
        (delivery,) = services.webhooks.deliveries(ada, data.id, hook.id)
        assert ("hooks_private" in delivery.answer) is (allowed == "false")
        hub.opened.database.close()
