"""The pages of issues, pull requests, forks, webhooks, notices and activity, with a browser that runs no scripts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from rookery.hub.app import make_app
from rookery.hub.domain.access import Visibility
from rookery.hub.domain.names import parse_path
from rookery.hub.domain.records import Repository
from rookery.hub.web import visit
from rookery.hub.web.prose import prose
from support.asgi import Caller
from support.browser import Browser
from support.hub_histories import commit, store
from support.hubs import HubInside


class Scene(NamedTuple):
    """A public dataset of ada's, and browsers of two people."""

    hub: HubInside
    data: Repository
    ada: Browser
    bob: Browser
    stranger: Browser


@pytest.fixture
def scene(hub: HubInside) -> Iterator[Scene]:
    ask = Caller(make_app(hub.opened.hub, hub.opened.settings))
    people = []
    for name in ("ada", "bob"):
        browser = Browser(ask)
        browser.cookies[visit.COOKIE] = hub.opened.hub.identity.begin(hub.person(name))
        people.append(browser.go("/"))
    data = hub.repository(hub.person("ada"), visibility=Visibility.PUBLIC)
    commit(hub, data, {"notes": b"one\ntwo\n"})
    yield Scene(hub, data, *people, Browser(ask))
    ask.close()


def test_a_change_with_data_is_forked_proposed_looked_at_and_merged(scene: Scene) -> None:
    hub, bob, ada = scene.hub, scene.bob, scene.ada
    bob.go("/ada/data/pulls/new")
    assert "You have no fork of this" in bob.text
    bob.go("/ada/data/fork").submit("Fork")
    assert "forked from" in bob.go("/bob/data").text
    fork = hub.opened.hub.repositories.get(hub.person("bob"), parse_path("bob/data"))
    key = store(hub, hub.person("bob"), fork, b"x" * 5000)
    lost = "SHA256-s77--" + "0" * 64
    commit(hub, fork, {"new.dat": key, "lost.dat": lost, "notes": b"one\ntwo\nthree\n"}, branch="news")
    bob.go("/ada/data/pulls/new?source=bob/data&branch=news&target=main")
    assert "1 commit" in bob.text
    bob.submit("Propose", title="More <b>data</b>", body="as @ada asked")
    assert "More <b>data</b>" in bob.text
    assert "merge it" in bob.text, "whoever may is named"
    assert "Merge" not in [button[0].strip() for form in bob.page.forms for button in form.buttons]

    ada.go("/notifications")
    assert "you were mentioned" in ada.text
    ada.go("/ada/data/pulls/1")
    assert "The content of 1 annexed file comes along (5.0 kB)" in ada.text
    assert "lost.dat" in ada.text
    assert "It can be merged into main" in ada.text
    assert "Nothing new" in ada.go("/notifications").text, "who has seen it knows"
    ada.go("/ada/data/pulls/1/files")
    assert "new.dat" in ada.text
    assert key in ada.text
    assert "three" in ada.text
    assert "change new.dat" in ada.go("/ada/data/pulls/1/commits").text
    ada.go("/ada/data/pulls/1").submit("Comment", body="Good, merging")
    ada.submit("Merge")
    assert "merged this as" in ada.text
    assert "merged" in ada.go("/ada/data/pulls?state=closed").text
    assert "new.dat" in ada.go("/ada/data").text
    assert hub.opened.hub.contents.present(hub.person("ada"), scene.data.id, key)
    assert "new.dat" in bob.go("/ada/data/pulls/1/files").text, "what it changed is still told"
    told = ada.go("/ada/data/activity").text
    for words in ("merged pull request", "opened pull request", "commented on", "forked"):
        assert words in told


def test_a_contradiction_is_shown_with_its_files_and_what_to_do(scene: Scene) -> None:
    hub = scene.hub
    scene.bob.go("/ada/data/fork").submit("Fork")
    fork = hub.opened.hub.repositories.get(hub.person("bob"), parse_path("bob/data"))
    commit(hub, fork, {"notes": b"one\nbob\n"}, branch="news")
    commit(hub, scene.data, {"notes": b"one\nada\n"})
    scene.bob.go("/ada/data/pulls/new?source=bob/data&branch=news").submit("Propose", title="Mine")
    scene.ada.go("/ada/data/pulls/1")
    assert "contradict each other" in scene.ada.text
    assert "git merge FETCH_HEAD" in scene.ada.text
    assert "Merge" not in [button[0].strip() for form in scene.ada.page.forms for button in form.buttons]
    scene.bob.go("/ada/data/pulls/1").submit("Close")
    assert "closed this" in scene.bob.text
    scene.bob.submit("Open again")
    assert "opened this again" in scene.bob.text


def test_an_issue_is_opened_labelled_answered_edited_and_closed(scene: Scene) -> None:
    assert "No issues here" in scene.stranger.go("/ada/data/issues").text
    scene.bob.go("/ada/data/issues/new").submit(
        "Open issue", title="Wrong unit", body="In `notes`: **mm**, not cm"
    )
    assert "/ada/data/src/main/notes" in scene.bob.page.links
    scene.ada.go("/ada/data/labels").submit("Add label", name="mistake", color="#aa0000")
    scene.ada.go("/ada/data/issues/1").submit("Set labels", **{"label-1": "on"})
    assert "changed labels: +mistake" in scene.ada.text
    scene.ada.submit("Close", body="Done in the next version, @bob")
    assert "Wrong unit" in scene.ada.go("/ada/data/issues?state=closed&label=mistake&q=unit").text
    scene.bob.go("/notifications")
    assert "Wrong unit" in scene.bob.text
    scene.bob.submit("Mark as read")
    assert "Nothing new" in scene.bob.text
    scene.bob.go("/ada/data/issues/1?edit=1").submit("Save", title="Wrong unit of length")
    assert "Wrong unit of length" in scene.bob.text
    page = scene.stranger.go("/ada/data/issues/1")
    assert "Sign in" in page.text
    assert {form.action for form in page.page.forms} == {"/user/look"}, "that is for everybody"


def test_a_webhook_is_made_tried_out_and_removed(scene: Scene) -> None:
    ada = scene.ada.go("/ada/data/settings/hooks")
    assert "No webhooks yet" in ada.text
    ada.submit("Add webhook", url="http://127.0.0.1:9/x", secret="s3cret-word")
    ada.submit("Try it out")
    assert "waiting" in ada.text
    scene.hub.opened.hub.webhooks.send_due()
    ada.go(ada.at)
    assert "hooks_private" in ada.text
    assert "s3cret-word" not in ada.text
    ada.submit("Send it again")
    assert ada.text.count("waiting") == 2
    ada.submit("Switch off").submit("Remove")
    assert "No webhooks yet" in ada.text


HOSTILE = [
    "<script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "![x](http://elsewhere.example/x.png)",
    '<img src=x onerror=alert(1)> <a href="x" onclick=alert(1)>y</a>',
    "`</code><script>alert(1)</script>`",
    '@ada"><script>alert(1)</script>',
    "#1<svg/onload=alert(1)>",
    "<details open ontoggle=alert(1)>x</details>",
    '<a title="> @ada #1 <script>alert(1)</script>" href="/x">y</a>',
]


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_somebody_writes_runs_or_loads_anything(scene: Scene, text: str) -> None:
    (made,) = prose(scene.hub.opened.hub, scene.data, [text])
    low = made.lower()
    for word in ("<script", '="javascript:', "elsewhere.example/x.png", "<svg", '<img src="x'):
        assert word not in low
    for tag in ("onerror", "onclick", "onload", "ontoggle"):
        assert not [piece for piece in low.split("<")[1:] if tag in piece.partition(">")[0]]


def test_names_numbers_commits_and_files_become_links_where_they_are_meant(scene: Scene) -> None:
    sha = commit(scene.hub, scene.data, {"notes": b"x"})
    text = (
        f"@bob #7 {sha[:12]} deadbeef99 `notes` `none` a@b.c [#7](http://x.y) "
        "bob/data#7 &#35;8 __#9__\n\n```\n@bob #7\n```\n"
    )
    (made,) = prose(scene.hub.opened.hub, scene.data, [text])
    assert made.count('<a href="/bob">@bob</a>') == 1
    assert made.count('href="/ada/data/issues/7"') == 1
    assert f'<a href="/ada/data/commit/{sha[:12]}"><code>{sha[:10]}</code></a>' in made
    assert "commit/deadbeef99" not in made
    assert 'href="/ada/data/src/main/notes"' in made
    assert "src/main/none" not in made
    assert 'href="/ada/data/issues/9"' in made
