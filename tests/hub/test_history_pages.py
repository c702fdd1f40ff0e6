"""Pages of history with a browser that runs no scripts: branches, tags, commits, and what a commit changed."""

from __future__ import annotations

import hashlib

import pytest

from rookery.git import runrecords
from rookery.hub.domain.access import Visibility
from rookery.hub.domain.errors import BadName
from rookery.hub.domain.records import Repository
from rookery.hub.web.commits import A_PAGE
from support.asgi import Caller
from support.browser import Browser
from support.counting import programs_started
from support.history import DATASET, History, annexed
from support.hubs import HubInside

OLD, NEW = (f"MD5E-s{size}--{hashlib.md5(b'x' * size).hexdigest()}.dat" for size in (5, 7))


@pytest.fixture(scope="module")
def hub(shared: HubInside) -> HubInside:
    return shared


def pushed(hub: HubInside, name: str, history: History) -> tuple[Repository, str]:
    made = hub.repository(hub.person("ada"), name, Visibility.PUBLIC)
    return made, history.write(hub.opened.histories.place(made.id))


def test_branches_of_programs_stand_apart_and_are_never_the_default(hub: HubInside, browser: Browser) -> None:
    history = History().commit("first", {"a": b"1"})
    for branch in ("git-annex", "synced/main", "feature/x"):
        history.commit(f"of {branch}", {"b": b"1"}, branch=branch)
    made, _ = pushed(hub, "branched", history.tag("v1"))
    text = browser.go("/ada/branched/branches").text
    assert (
        text.index("main")
        < text.index("feature/x")
        < text.index("Kept by programs")
        < text.index("git-annex")
    )
    assert "where copies of annexed content are" in text
    assert "/ada/branched/commits/feature/x" in browser.page.links
    assert "v1" in browser.go("/ada/branched/tags").text
    for branch in ("git-annex", "synced/main"):
        with pytest.raises(BadName, match="default branch"):
            hub.opened.hub.repositories.change(hub.person("ada"), made.id, default_branch=branch)


def test_commits_are_paged_per_branch_and_per_path(hub: HubInside, browser: Browser) -> None:
    history = History()
    for n in range(A_PAGE + 20):
        history.commit(f"number {n}", {"deep/a b.txt" if n % 10 == 0 else "other": f"{n}"})
    pushed(hub, "long", history.commit("elsewhere", {"x": b"1"}, branch="side"))
    text = browser.go("/ada/long/commits").text
    assert f"number {A_PAGE + 19}" in text
    assert "number 19\n" not in text
    older = next(link for link in browser.page.links if "?from=" in link)
    assert "number 0" in browser.go(older).text
    assert "elsewhere" in browser.go("/ada/long/commits/side").text
    text = browser.go("/ada/long/commits/main/deep/a%20b.txt").text
    assert "number 30" in text
    assert "number 31" not in text
    assert "No commit changed this" in browser.go("/ada/long/commits/main/gone").text
    browser.go("/ada/long/commits/nowhere", 404)
    browser.go("/ada/long/commits?from=99999999999999")


def test_an_empty_repository_says_what_to_do(hub: HubInside, browser: Browser) -> None:
    hub.repository(hub.person("ada"), "empty", Visibility.PUBLIC)
    assert "datalad push --to hub" in browser.go("/ada/empty/commits").text
    assert "No branches yet" in browser.go("/ada/empty/branches").text


def test_a_commit_shows_annexed_changes_as_size_and_key(hub: HubInside, browser: Browser) -> None:
    history = History().commit(
        "first", {"data/x.dat": annexed(OLD, deep=1), "notes.txt": "one\n<b>two</b>\n"}
    )
    info = {
        "cmd": "make {outputs}",
        "inputs": ["notes.txt", "data/*.csv"],
        "outputs": ["data/x.dat"],
        "exit": 0,
    }
    message = runrecords.build_message(
        "grow it", runrecords.to_json({**info, "extra_info": {"image": "a.sif"}})
    )
    history.commit(message, {"data/x.dat": annexed(NEW, deep=1), "notes.txt": "one\n<i>2</i>\n"})
    made, sha = pushed(hub, "grown", history)
    with hub.opened.hub.contents.receive(hub.person("ada"), made.id, NEW, length=7) as coming:
        coming.write(b"x" * 7)
        assert coming.finish()
    browser.go(f"/ada/grown/commit/{sha}")
    text = browser.text
    assert "grow it" in text
    for told in (
        f"5 Bytes,  {OLD}  not here",
        f"7 Bytes,  {NEW}  here",
        "make {outputs}",
        "a.sif",
        "data/*.csv",
    ):
        assert " ".join(told.split()) in " ".join(text.split()), told
    assert "<b>two</b>" in text
    assert b"<b>two" not in browser.answer.body
    assert f"/ada/grown/src/{sha}/notes.txt" in browser.page.links
    first = browser.go(next(link for link in browser.page.links if "/commit/" in link and sha not in link))
    assert "2 files changed" in first.text
    assert "none: the first commit" in first.text


def test_a_changed_subdataset_leads_to_its_commit_for_those_who_may(hub: HubInside, browser: Browser) -> None:
    inside = History().commit("inside", {".datalad/config": '[datalad "dataset"]\n\tid = 5\n'})
    sub, below = pushed(hub, "top-sub-one", inside)
    modules = '[submodule "one"]\n\tpath = sub/one\n\turl = ./sub/one\n\tdatalad-id = 5\n'
    history = History().commit("with a subdataset", {".gitmodules": modules, "sub/one": (DATASET, below)})
    _, sha = pushed(hub, "top", history)
    browser.go(f"/ada/top/commit/{sha}")
    assert f"/ada/top-sub-one/commit/{below}" in browser.page.links
    hub.opened.hub.repositories.change(hub.person("ada"), sub.id, visibility=Visibility.PRIVATE)
    assert not any("top-sub-one" in link for link in browser.go(f"/ada/top/commit/{sha}").page.links)


def test_any_name_and_any_message_is_shown(hub: HubInside, ask: Caller, browser: Browser) -> None:
    history = (
        History()
        .commit("", {"sp ace/ü%?#&.txt": "x\n", "<script>": b"\0"})
        .commit("<script>alert(1)</script>")
    )
    _, sha = pushed(hub, "odd", history)
    browser.go("/ada/odd/commits")
    assert b"<script>alert" not in browser.answer.body
    first = next(link for link in browser.page.links if "/commit/" in link and sha not in link)
    links = [link for link in browser.go(first).page.links if "/src/" in link and link.endswith(".txt")]
    assert ask("GET", links[0].replace("/src/", "/raw/")).body == b"x\n"


@pytest.mark.parametrize("files", [10, 2000])
def test_no_program_is_started_for_a_row(hub: HubInside, browser: Browser, files: int) -> None:
    history = History()
    for n in range(files // 10):
        history.commit(f"{n}", {f"d/{n}-{m}": annexed(OLD, deep=1) for m in range(10)})
    history.commit("all at once", {f"e/{m}": f"{m}\n" for m in range(files)})
    _, sha = pushed(hub, f"wide{files}", history)
    for page, most in ((f"commit/{sha}", 8), ("commits", 5), ("branches", 4), ("tags", 4)):
        with programs_started() as started:
            browser.go(f"/ada/wide{files}/{page}")
        assert len(started) <= most, page


def test_a_file_s_provenance_is_a_list_and_a_drawing(hub: HubInside, browser: Browser) -> None:
    def ran(words: str, source: str) -> str:
        return runrecords.build_message(words, runrecords.to_json({"cmd": f"<{words}>", "inputs": [source]}))

    history = History().commit("brought in", {"raw <b>.csv": "1\n" * 30})
    history.commit("named better").rename("raw <b>.csv", "raw.csv")
    history.commit(ran("clean <i>it</i>", "raw.csv"), {"clean.csv": "2\n"})
    history.commit(ran("plot", "clean.csv"), {"f.svg": "3\n"})
    pushed(hub, "traced", history)
    browser.go("/ada/traced/provenance/main/clean.csv")
    assert all(
        word in browser.text for word in ("clean <i>it</i>", "named better", "raw <b>.csv", "plot", "f.svg")
    )
    assert browser.answer.body.count(b"<rect class=") == 6
    assert b"<i>it" not in browser.answer.body
    for link in [link for link in browser.page.links if link.startswith("/ada/traced/")]:
        browser.go(link)
    assert "does not have this file" in browser.go("/ada/traced/provenance/main/nothing").text
    browser.go("/ada/traced/provenance/main", 404)
