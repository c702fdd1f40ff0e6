"""Finding with a browser: the list and what narrows it, files by name, and what pages tell to machines."""

from __future__ import annotations

import json
import re

import pytest

from rookery.hub.domain.access import Visibility
from rookery.hub.domain.records import Repository
from rookery.hub.services.searching import A_PAGE, MOST_FILES
from rookery.hub.web import visit
from support.asgi import Caller
from support.browser import Browser
from support.history import History
from support.hubs import HubInside


@pytest.fixture(scope="module")
def hub(shared: HubInside) -> HubInside:
    return shared


def pushed(
    hub: HubInside, owner: str, name: str, files: dict[str, str], visibility: Visibility = Visibility.PUBLIC
) -> Repository:
    made = hub.repository(hub.person(owner), name, visibility)
    History().commit("first", files).write(hub.opened.histories.place(made.id))
    hub.opened.hub.search.catch_up()
    return made


def description(title: str, licence: str = "CC0") -> str:
    return json.dumps({"Name": title, "License": licence, "Keywords": ["Memory"]})


def test_somebody_finds_a_dataset_and_narrows_the_list(hub: HubInside, ask: Caller, browser: Browser) -> None:
    pushed(
        hub,
        "bea",
        "faces",
        {"dataset_description.json": description("Faces"), "README": "All of hippocampus."},
    )
    pushed(hub, "bea", "places", {"dataset_description.json": description("Places", "PDDL")})
    pushed(hub, "carl", "hidden", {"README": "hippocampus"}, Visibility.PRIVATE)
    text = browser.go("/?q=hippoc").text
    assert "bea/faces" in text
    assert "hidden" not in text
    assert b"<mark>hippocampus</mark>" in browser.answer.body
    carl = Browser(ask)
    carl.cookies[visit.COOKIE] = hub.opened.hub.identity.begin(hub.person("carl"))
    assert "carl/hidden" in carl.go("/?q=hippocampus").text
    browser.go("/?owner=bea")
    assert "2 repositories" in browser.text
    narrowed = next(link for link in browser.page.links if "licence=PDDL" in link)
    assert "owner=bea" in narrowed
    browser.go(narrowed)
    assert "bea/places" in browser.text
    assert "bea/faces" not in browser.text
    back = next(link for link in browser.page.links if link == "/?owner=bea")
    assert "bea/faces" in browser.go(back).text
    for sort in ("best", "changed", "name", "size", "odd"):
        assert "bea/faces" in browser.go(f"/?q=faces&sort={sort}").text
    assert "Nothing that you can see" in browser.go("/?q=nosuchword").text


def test_a_long_list_has_pages(hub: HubInside, browser: Browser) -> None:
    for n in range(A_PAGE + 2):
        hub.repository(hub.person("many"), f"number-{n:02}", Visibility.PUBLIC)
    browser.go("/?owner=many&sort=name")
    assert "number-00" in browser.text
    after = next(link for link in browser.page.links if f"from={A_PAGE}" in link)
    assert f"number-{A_PAGE + 1}" in browser.go(after).text
    assert "number-00" not in browser.text


@pytest.mark.parametrize(
    "query",
    ["q=%00", "q=%22", "q=" + "a" * 5000, "from=-1", "from=9999999999", "visibility=odd", "licence=%27%3B--"],
)
def test_any_address_of_the_list_is_answered(browser: Browser, query: str) -> None:
    browser.go(f"/?{query}")


def test_files_of_a_repository_are_found_by_parts_of_their_paths(hub: HubInside, browser: Browser) -> None:
    names = {f"sub-{n:03}/func/bold_{n}.json": f"{n}" for n in range(MOST_FILES + 50)}
    pushed(hub, "bea", "wide", {**names, "a b/ü#.txt": "x"})
    browser.go("/bea/wide/find?q=SUB-007+bold")
    assert "sub-007/func/bold_7.json" in browser.text
    assert "1 file" in browser.text
    assert "The first" in browser.go("/bea/wide/find/main?q=json").text
    links = [link for link in browser.go("/bea/wide/find/main?q=txt").page.links if "/src/" in link]
    assert links == ["/bea/wide/src/main/a%20b/%C3%BC%23.txt"]
    assert "No file" in browser.go("/bea/wide/find/main?q=nothing").text
    browser.go("/bea/wide/find/nowhere?q=x", 404)


def test_a_public_dataset_tells_machines_what_it_is(hub: HubInside, ask: Caller, browser: Browser) -> None:
    title = "</script><script>alert(1)</script> & \u2028 faces"
    made = pushed(hub, "bea", "told", {"dataset_description.json": description(title)})
    browser.go("/bea/told")
    page = browser.answer.body.decode()
    (told,) = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    data = json.loads(told)
    assert (data["@type"], data["license"], data["keywords"]) == ("Dataset", "CC0", ["Memory"])
    assert data["name"] == " ".join(title.split())
    assert data["url"] == "http://hub.test/bea/told"
    assert ask("GET", data["distribution"][0]["contentUrl"].removeprefix("http://hub.test")).status == 200
    assert "<script>alert" not in page
    assert "ld+json" not in ask("GET", "/bea/told/src/main").body.decode()
    hub.opened.hub.repositories.change(hub.person("bea"), made.id, visibility=Visibility.UNLISTED)
    assert "ld+json" not in ask("GET", "/bea/told").body.decode()
