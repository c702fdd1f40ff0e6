"""The pages with a browser that runs no scripts: what people do first, and what others must not do to them."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import pytest

from rookery.hub.domain.access import Visibility
from rookery.hub.web import visit
from support.asgi import Caller
from support.browser import Browser
from support.hub_histories import commit
from support.hubs import PASSWORD, HubInside
from support.programs import Program

OUR_SCRIPT = '<script src="/assets/script.js" defer>'
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 42 + "{} ada@home"


@pytest.fixture(scope="module")
def hub_settings() -> dict[str, str]:
    return {"ROOKERY_HUB_LIMITS_FAILURES": "3"}


@pytest.fixture(scope="module")
def hub(shared: HubInside) -> HubInside:
    return shared


def signed_in(hub: HubInside, ask: Caller, name: str) -> Browser:
    """Give a browser of somebody who is signed in, without the slow password."""
    browser = Browser(ask)
    browser.cookies[visit.COOKIE] = hub.opened.hub.identity.begin(hub.person(name))
    return browser.go("/")


def test_from_signing_up_to_an_invited_collaborator(hub: HubInside, ask: Caller, browser: Browser) -> None:
    hub.person("collaborator")
    browser.go("/user/sign_up")
    filled = {"name": "newcomer", "email": "new@example.org", "password": PASSWORD, "again": PASSWORD}
    browser.submit("Make an account", 422, **{**filled, "again": "other"})
    assert "not the same" in browser.text
    form = next(form for form in browser.page.forms if "email" in form.fields)
    assert form.fields["email"] == "new@example.org", "what was typed is still there"
    browser.submit("Make an account", **filled)
    assert "newcomer" in browser.text
    browser.go("/user/settings/keys").submit("Add key", title="laptop", key=SSH_KEY.format("A"))
    assert "laptop" in browser.text
    browser.go("/user/settings/applications").submit("Generate token", name="datalad")
    found = re.search(r"rkh_[0-9a-f]{40}", browser.text)
    assert found
    assert hub.opened.hub.identity.by_token(found[0], "").name == "newcomer"
    assert found[0] not in browser.go("/user/settings/applications").text
    browser.go("/repo/create").submit("Create repository", name="first", description="my <b>data</b>")
    assert browser.at == "/newcomer/first"
    assert "datalad push --to hub" in browser.text
    assert b"my &lt;b&gt;data" in browser.answer.body
    assert "my <b>data</b>" in browser.text
    browser.go("/newcomer/first/settings/collaboration")
    browser.submit("Add collaborator", 422, name="nobody")
    browser.submit("Add collaborator", name="collaborator", level="read")
    other = signed_in(hub, ask, "collaborator")
    assert "newcomer/first" in other.go("/newcomer/first").text
    other.go("/newcomer/first/settings", 403)
    browser.submit("Remove", name="collaborator")
    other.go("/newcomer/first", 404)
    browser.go("/newcomer/first/settings").submit("Save", visibility="public")
    assert "newcomer/first" in Browser(ask).go("/?q=first").text
    browser.go("/newcomer/first/settings").submit("Rename", name="renamed")
    assert browser.go("/newcomer/first").at == "/newcomer/renamed"
    browser.go("/newcomer/renamed/settings").submit("Remove this repository", 422, confirm="yes")
    browser.submit("Remove this repository", confirm="newcomer/renamed")
    browser.go("/newcomer/renamed", 404)


def test_signing_in_begins_a_session_of_its_own(hub: HubInside, ask: Caller, browser: Browser) -> None:
    hub.person("eve", password=PASSWORD)
    browser.cookies[visit.COOKIE] = planted = "planted-by-somebody"
    browser.go("/user/settings/keys")
    assert browser.at.startswith("/user/login?next=")
    browser.submit("Sign in", 422, name="eve", password="wrong password")
    assert "wrong" in browser.text
    answer = browser.request(
        "POST",
        "/user/login",
        f"name=eve&password={PASSWORD.replace(' ', '+')}&next=/user/settings/keys".encode(),
        {"Content-Type": "application/x-www-form-urlencoded"},
    )
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert answer.headers["location"] == "/user/settings/keys"
    first = browser.cookies[visit.COOKIE]
    assert first != planted
    second = Browser(ask)
    second.go("/user/login").submit("Sign in", name="eve@example.org", password=PASSWORD)
    assert second.cookies[visit.COOKIE] != first
    browser.go("/user/settings/password")
    browser.submit("Change password", old=PASSWORD, password="another one", again="another one")
    assert second.go("/user/settings/keys").at.startswith("/user/login"), "all others are signed out"
    assert browser.go("/user/settings/keys").at == "/user/settings/keys"
    last = browser.cookies[visit.COOKIE]
    browser.submit("Sign out")
    browser.cookies[visit.COOKIE] = last
    assert browser.go("/user/settings/keys").at.startswith("/user/login")


@pytest.mark.parametrize(
    "onward", ["//evil.example", "https://evil.example", "/\\evil.example", "evil", "/a\r\nb"]
)
def test_signing_in_leads_to_no_other_site(onward: str) -> None:
    assert visit.local(onward) == "/"


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        ({}, {"csrf": ""}),
        ({}, {"csrf": "guessed"}),
        ({"Origin": "https://evil.example"}, {}),
        ({"Origin": "null"}, {}),
        ({"Sec-Fetch-Site": "cross-site"}, {}),
    ],
)
def test_another_site_cannot_send_forms_in_ones_name(
    hub: HubInside, ask: Caller, headers: dict[str, str], fields: dict[str, str]
) -> None:
    browser = signed_in(hub, ask, "frank")
    browser.go("/repo/create").submit("Create repository", 403, headers=headers, name="forged", **fields)
    browser.go("/frank/forged", 404)


def test_too_many_wrong_passwords_are_not_even_looked_at(hub: HubInside, browser: Browser) -> None:
    hub.person("greta", password=PASSWORD)
    browser.go("/user/login")
    for _ in range(hub.opened.settings.limits.failures):
        browser.submit("Sign in", 422, name="greta", password="wrong password")
    browser.submit("Sign in", 422, name="greta", password=PASSWORD)
    assert "too many" in browser.text
    hub.clock.go(hub.opened.settings.limits.failures_within + 1)
    browser.submit("Sign in", name="greta", password=PASSWORD)


def test_every_link_of_every_page_leads_somewhere(hub: HubInside, ask: Caller) -> None:
    browser = signed_in(hub, ask, "hanna")
    hub.repository(hub.person("hanna"), "linked")
    seen: set[str] = set()
    waiting = ["/", "/user/settings/keys", "/repo/create", "/hanna/linked", "/hanna/linked/settings/keys"]
    while waiting:
        url = waiting.pop()
        if url in seen or url.startswith("#"):
            continue
        seen.add(url)
        assert url.startswith("/"), f"{url} is on another site"
        if url.startswith("/assets"):
            assert ask("GET", url).status == 200, url
            continue
        browser.go(url)
        policy = browser.answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert re.findall(r"<script[^>]*>", browser.answer.body.decode()) == [OUR_SCRIPT]
        for field in browser.page.inputs:
            named = field.get("type") in ("hidden", "radio", "checkbox") or "aria-label" in field
            assert named or field.get("id") in browser.page.labels, f"{url}: {field} has no label"
        waiting += browser.page.links
    assert len(seen) > 11


def test_what_people_pushed_is_shown_and_does_nothing(
    hub: HubInside, ask: Caller, git: Program, tmp_path: Path
) -> None:
    hanna = hub.person("hanna")
    made = hub.repository(hanna, "hostile", Visibility.PUBLIC)
    here = tmp_path / "clone"
    git("init", "-q", "-b", "main", here)
    (here / "README.md").write_text("<script>alert(1)</script>\n")
    (here / "page.html").write_text("<script>alert(2)</script>\n")
    (here / "sub <b>").mkdir()
    (here / "sub <b>" / "a&b?#%.txt").write_text("inside\n")
    (here / "link").symlink_to("/etc/passwd")
    git("add", ".", cwd=here)
    git("commit", "-qm", "<i>first</i>", cwd=here)
    place = hub.opened.histories.place(made.id)
    git("push", "-q", place, "main", cwd=here)
    browser = Browser(ask).go("/hanna/hostile")
    assert browser.answer.body.count(b"<script") == 1
    assert "<i>" not in browser.answer.body.decode()
    links = [link for link in browser.page.links if "/src/" in link or "/raw/" in link]
    folder = next(link for link in links if "sub" in link)
    inside = next(link for link in browser.go(folder).page.links if "a%26b" in link)
    assert browser.go(inside).answer.body.count(b"inside") == 1
    bytes_of_it = next(link for link in browser.page.links if "/raw/" in link)
    assert ask("GET", bytes_of_it).body == b"inside\n"
    links = [link.replace("/src/", "/raw/") for link in links]
    page = ask("GET", next(link for link in links if link.endswith("page.html")))
    assert page.headers["content-type"].startswith("text/plain")
    assert "sandbox" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert ask("GET", next(link for link in links if link.endswith("/link"))).body == b"/etc/passwd"


def test_colours_are_chosen_by_a_form_for_who_is_signed_in_and_who_is_not(browser: Browser) -> None:
    system = [("style", ""), ("dark", ' media="(prefers-color-scheme: dark)"')]
    assert sheets_of(browser.go("/?q=a%20b")) == system
    browser.submit("Dark")
    assert browser.at == "/?q=a%20b"
    assert sheets_of(browser) == [("style", ""), ("dark", "")]
    assert b'content="dark"' in browser.answer.body
    assert sheets_of(browser.submit("Light")) == [("style", "")]
    assert sheets_of(browser.submit("As the system")) == system
    browser.cookies["rookery_look"] = '"><script>'
    assert sheets_of(browser.go("/")) == system
    assert browser.submit("Dark", next="//elsewhere.example/").at == "/"


def sheets_of(browser: Browser) -> list[tuple[str, str]]:
    return re.findall(
        r'<link rel="stylesheet" href="/assets/(\w+)\.css"([^>]*)>', browser.answer.body.decode()
    )


def test_a_picture_of_a_name_is_drawn_here_and_tells_nothing_of_who_is_there(ask: Caller) -> None:
    for name, letters in (("ada", "A"), ("field-lab", "FL"), ("nobody", "N"), ("%3Cscript%3E", "S")):
        answer = ask("GET", f"/avatars/{name}")
        assert (answer.status, answer.headers["content-type"]) == (200, "image/svg+xml")
        assert f">{letters}</text>" in answer.body.decode()
        assert b"<script" not in answer.body
        assert "sandbox" in answer.headers["content-security-policy"]


PAGED = ["", "/src/main", "/commits", "/commit/main", "/branches", "/tags", "/issues", "/pulls", "/activity"]


@pytest.mark.parametrize("told", ["x", "-1", "99999999999", "%C2%B2", "7"])
def test_a_page_from_a_number_that_is_none_or_behind_the_end_is_shown(
    hub: HubInside, browser: Browser, told: str
) -> None:
    ada = hub.person("ada")
    made = hub.repository(ada, f"paged{zlib.crc32(told.encode())}", Visibility.PUBLIC)
    commit(hub, made, {"file": b"1\n"})
    for page in ["/", *(f"/{made.path}{page}" for page in PAGED)]:
        browser.go(f"{page}?from={told}")


def test_a_new_repository_is_empty_or_begins_with_a_readme(hub: HubInside, ask: Caller) -> None:
    browser = signed_in(hub, ask, "ada")
    browser.go("/repo/create").submit("Create repository", name="empty-one")
    assert "datalad push --to hub" in browser.text
    browser.go("/repo/create")
    browser.submit("Create repository", name="begun", description="Songs of *whales*", begin="on")
    assert (browser.at, "Begin with a README" in browser.text) == ("/ada/begun", True)
    raw = browser.request("GET", "/ada/begun/raw/main/README.md")
    assert raw.body == b"# begun\n\nSongs of *whales*\n"
