"""Whatever is sent to whatever address, the hub answers: it may refuse, it never breaks."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rookery.hub.app import make_app
from rookery.hub.domain.access import Visibility
from rookery.hub.web.visit import COOKIE
from support.asgi import Caller
from support.hubs import HubInside, make_hub_inside

# Where the trouble mostly is: ends of strings in C, bytes that are no text, what means something to SQL, HTML, Git.
nasty = st.sampled_from((
    "", "\0", "a\0b", "\udcff", "'; --", "<b>", "..", "-x", "%", "%00", "a/b", "ü", "9" * 30, "\r\nX: y", "refs/x",
))  # fmt: skip
words = st.text(max_size=30) | nasty | st.sampled_from(["ada", "data", "main", "1", "lab"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)


def in_address(word: str) -> str:
    return quote(word.encode("utf-8", "surrogatepass"), safe="")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Iterator[HubInside]:
    made = make_hub_inside(tmp_path_factory.mktemp("hub") / "hub", database=new_database())
    ada = made.person("ada", admin=True)
    made.repository(ada, "data", Visibility.PUBLIC)
    yield made
    made.opened.database.close()


@pytest.fixture(scope="module")
def ask(hub: HubInside) -> Iterator[Caller]:
    caller = Caller(make_app(hub.opened.hub, hub.opened.settings))
    yield caller
    caller.close()


@pytest.fixture(scope="module")
def token(hub: HubInside) -> str:
    return hub.opened.hub.accounts.add_token(hub.person("ada"), "all")[1]


@pytest.fixture(scope="module")
def signed_in(hub: HubInside) -> tuple[str, str]:
    """Give what a cookie holds, and what the forms of that session do."""
    identity = hub.opened.hub.identity
    secret = identity.begin(hub.person("ada"))
    found = identity.by_session(secret, "")
    assert found
    return secret, found[1].csrf


@pytest.fixture(scope="module")
def described(ask: Caller) -> list[tuple[str, str, dict[str, Any]]]:
    """Give what the API says of itself: method, address, the fields of its body."""
    told = json.loads(ask("GET", "/api/v1/openapi.json").body)
    found = []
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            body = (
                operation.get("requestBody", {})
                .get("content", {})
                .get("application/json", {})
                .get("schema", {})
            )
            name = next(iter(re.findall(r"schemas/(\w+)", json.dumps(body))), None)
            fields = told["components"]["schemas"][name]["properties"] if name else {}
            found.append((method.upper(), path, fields))
    return found


@settings(max_examples=200)
@given(st.data())
def test_the_api_never_breaks(
    ask: Caller, token: str, described: list[tuple[str, str, dict[str, Any]]], data: st.DataObject
) -> None:
    method, path, fields = data.draw(st.sampled_from(described))
    names = {"{owner}": "ada", "{repo}": "data", "{name}": "ada"}
    url = re.sub(r"\{\w+\}", lambda m: in_address(data.draw(st.just(names.get(m[0], "1")) | words)), path)
    query = data.draw(
        st.dictionaries(st.sampled_from(["q", "ref", "sha", "path", "page", "limit"]), words, max_size=2)
    )
    url += "?" + "&".join(f"{name}={in_address(value)}" for name, value in query.items())
    shaped = st.fixed_dictionaries({}, optional=dict.fromkeys(fields, values))
    body = data.draw(shaped | values | st.dictionaries(words, values, max_size=2)) if fields else None
    raw = b"" if body is None else json.dumps(body).encode()
    headers = {"Authorization": f"token {token}", "Content-Type": "application/json"}
    answer = ask(method, f"/api/v1{url}", raw, headers)
    assert answer.status < 500, (method, url, body, answer.body)
    if answer.status >= 400 and answer.headers.get("content-type") == "application/json":
        assert json.loads(answer.body)["message"], (method, url, body)


PAGES = ("/{}", "/{}/{}", "/ada/data/{}/{}", "/ada/data/src/{}", "/ada/data/raw/{}/{}", "/?q={}&before={}",
         "/user/{}", "/{}/{}/config", "/{}/{}/info/refs?service={}", "/ada/data/annex/objects/a/b/{}/{}",
         "/user/login?next={}", "/assets/{}")  # fmt: skip


@settings(max_examples=60)
@given(st.sampled_from(PAGES), st.lists(words, min_size=3, max_size=3))
def test_no_address_breaks_a_page(
    ask: Caller, signed_in: tuple[str, str], page: str, parts: list[str]
) -> None:
    secret, _ = signed_in
    url = page.format(*map(in_address, parts))
    answer = ask("GET", url, headers={"Cookie": f"{COOKIE}={secret}"})
    assert answer.status < 500, (url, answer.body)


FORMS = {
    "/user/sign_up": ("name", "email", "password", "again"),
    "/user/login": ("name", "password", "next"),
    "/user/settings": ("full_name", "email", "password"),
    "/user/settings/keys": ("title", "key", "remove"),
    "/user/settings/applications": ("name", "reach", "days", "remove"),
    "/repo/create": ("owner", "name", "description", "visibility"),
    "/ada/data/settings": ("visibility", "description", "default_branch", "drop_level", "what", "confirm"),
    "/ada/data/settings/collaboration": ("name", "level", "remove"),
    "/ada/data/settings/keys": ("title", "key", "reach", "remove"),
}


@settings(max_examples=40)
@given(st.data())
def test_no_form_breaks_a_page(ask: Caller, signed_in: tuple[str, str], data: st.DataObject) -> None:
    secret, csrf = signed_in
    url = data.draw(st.sampled_from(sorted(FORMS)))
    fields = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(FORMS[url], words)))
    fields["csrf"] = csrf
    body = "&".join(f"{name}={in_address(value)}" for name, value in fields.items())
    headers = {"Cookie": f"{COOKIE}={secret}", "Content-Type": "application/x-www-form-urlencoded"}
    answer = ask("POST", url, body.encode(), headers)
    assert answer.status < 500, (url, fields, answer.body)
    assert "\n" not in answer.headers.get("location", "")


@given(
    st.binary(max_size=200),
    st.sampled_from(["application/json", "text/plain", "application/x-www-form-urlencoded"]),
)
def test_bodies_that_are_nothing_are_refused(ask: Caller, token: str, body: bytes, kind: str) -> None:
    headers = {"Authorization": f"token {token}", "Content-Type": kind}
    for url in ("/api/v1/user/repos", "/user/login", "/ada/data/git-upload-pack"):
        assert ask("POST", url, body, headers).status < 500
