"""What people say of themselves: the full name, which everybody sees, and the e-mail address, which nobody does."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from rookery.hub.app import make_app
from rookery.hub.web import visit
from support.asgi import Caller
from support.browser import Browser
from support.hubs import PASSWORD, HubInside


@pytest.fixture
def ask(hub: HubInside) -> Iterator[Caller]:
    caller = Caller(make_app(hub.opened.hub, hub.opened.settings))
    yield caller
    caller.close()


@pytest.fixture
def eve(hub: HubInside, ask: Caller) -> Browser:
    browser = Browser(ask)
    browser.cookies[visit.COOKIE] = hub.opened.hub.identity.begin(hub.person("eve", password=PASSWORD))
    return browser.go("/user/settings")


def test_a_full_name_is_on_ones_page_and_the_address_is_not(
    hub: HubInside, ask: Caller, eve: Browser
) -> None:
    eve.submit("Save", full_name="Eve <Moneypenny>")
    assert eve.at == "/user/settings"
    assert b'value="Eve &lt;Moneypenny&gt;"' in eve.answer.body
    assert "Edit profile" in eve.go("/eve").text
    stranger = Browser(ask).go("/eve")
    assert "Eve <Moneypenny>" in stranger.text
    assert "Edit profile" not in stranger.text
    assert b"eve@example.org" not in stranger.answer.body
    eve.go("/user/settings").submit("Save", 422, full_name="x" * 101)
    eve.submit("Save", full_name="")
    assert "Moneypenny" not in Browser(ask).go("/eve").text


def test_another_address_wants_the_password_and_is_good_for_signing_in(hub: HubInside, eve: Browser) -> None:
    identity = hub.opened.hub.identity
    hub.person("bob")
    eve.submit("Change address", 422, email="new@example.org", password="not the one")
    assert "the password is wrong" in eve.text
    assert b'value="new@example.org"' in eve.answer.body, "what was typed is not lost"
    eve.submit("Change address", 422, email="BOB@example.org", password=PASSWORD)
    assert "is taken" in eve.text
    eve.submit("Change address", 422, email="nowhere", password=PASSWORD)
    assert hub.opened.hub.accounts.own(hub.person("eve")).email == "eve@example.org"
    eve.submit("Change address", email="new@example.org", password=PASSWORD)
    assert identity.by_password("new@example.org", PASSWORD, "").name == "eve"
    events = hub.opened.hub.administration.events(hub.person("boss", admin=True), subject="eve")
    assert ("change account", "e-mail address") in {(one.action, one.outcome) for one in events}


def test_wrong_passwords_at_the_address_are_counted_as_at_the_door(hub: HubInside, eve: Browser) -> None:
    for _ in range(hub.opened.hub.limits.failures):
        eve.submit("Change address", 422, email="new@example.org", password="not the one")
    eve.submit("Change address", 422, email="new@example.org", password=PASSWORD)
    assert "too many wrong passwords" in eve.text
    assert hub.opened.hub.accounts.own(hub.person("eve")).email == "eve@example.org"


def test_a_form_without_a_field_changes_nothing(hub: HubInside, eve: Browser) -> None:
    eve.submit("Save", full_name="Eve")
    csrf = eve.page.forms[-1].fields["csrf"]
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert eve.request("POST", "/user/settings", f"csrf={csrf}".encode(), form).status == 422
    assert hub.opened.hub.accounts.own(hub.person("eve")).full_name == "Eve"


def test_the_api_changes_the_full_name_and_never_shows_the_address(hub: HubInside, ask: Caller) -> None:
    _, secret = hub.opened.hub.accounts.add_token(hub.person("eve"), "test")
    headers = {"Authorization": f"token {secret}", "Content-Type": "application/json"}

    def call(method: str, body: object = None, status: int = 200) -> object:
        raw = b"" if body is None else json.dumps(body).encode()
        answer = ask(method, "/api/v1/user/settings", raw, headers)
        assert answer.status == status, answer.body
        return json.loads(answer.body)

    assert call("GET") == {"full_name": "", "hide_email": True}
    assert call("PATCH", {"full_name": "Eve"}) == {"full_name": "Eve", "hide_email": True}
    assert call("PATCH", {}) == {"full_name": "Eve", "hide_email": True}
    call("PATCH", {"hide_email": False}, 422)
    call("PATCH", {"full_name": "two\nlines"}, 422)
    assert call("GET") == {"full_name": "Eve", "hide_email": True}
