"""The pages in a real browser: every page judged by axe-core, the tutorial's walked, hostile ones watched."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, expect

from rookery.hub.domain.access import Visibility
from rookery.hub.web.visit import COOKIE
from support.chromium import PHONE, WIDE, Watched, chromium, program, watched
from support.home import make_home
from support.hubs import PASSWORD, HubServer, serving
from support.planting import Annexed, plant
from support.showcase import PAGES, furnish

# Chromium's own, in which it shows a PDF.
VIEWER = ("chrome-extension://mhjfbmdgcfjbbpaeojofohoefgiehjai/", "chrome://resources/")
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43 + " ada@home"


class Site(NamedTuple):
    """A hub with something to see, a browser, and the cookie of who is signed in."""

    server: HubServer
    browser: Browser
    secrets: dict[str, str]

    def visitor(
        self, name: str = "", *, scripts: bool = True, width: int = WIDE, dark: bool = False
    ) -> Watched:
        """Give a page of somebody's; of a stranger without a name."""
        context = self.browser.new_context(
            base_url=self.server.url,
            java_script_enabled=scripts,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
        )
        context.set_default_timeout(90_000)  # a loaded machine is slow, not wrong
        if name:
            context.add_cookies([{"name": COOKIE, "value": self.secrets[name], "url": self.server.url}])
        return watched(context)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Iterator[Site]:
    if program() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium on this machine; Debian and Ubuntu have it in chromium")
        pytest.skip("no Chromium on this machine; Debian and Ubuntu have it in chromium")
    folder = tmp_path_factory.mktemp("site")
    env = make_home(folder / "home", os.environ).env
    with serving(folder / "hub", env, database=new_database()) as server, chromium() as browser:
        with server.beside() as inside:
            furnish(inside)
            identity = inside.opened.hub.identity
            secrets = {name: identity.begin(inside.person(name)) for name in ("ada", "robin")}
        yield Site(server, browser, secrets)


# A page of each kind; the campaign looks at all, in both schemes, on a phone and on a wide screen.
SOME = (
    "guest-sign-up", "profile", "tokens", "create", "repository", "empty", "file-table", "file-notebook", "settings",
    "collaboration", "commit", "branches", "provenance", "search", "find", "issue", "pull", "hook",
)  # fmt: skip


def wrong_with(site: Site, names: Iterable[str], *, width: int, dark: bool) -> dict[str, list[str]]:
    """Load pages, and give what is wrong with each: for axe-core, for the screen's width, for the browser."""
    wrong: dict[str, list[str]] = {}
    visitors = {who: site.visitor(who, width=width, dark=dark) for who in ("", "ada")}
    for name in names:
        seen = visitors["" if name.startswith("guest-") else "ada"]
        seen.go(PAGES[name])
        found = seen.judged()
        if (more := seen.overflow()) > 0:
            found.append(f"{more} pixels wider than the screen")
        found += [said for said in seen.complaints if "404" not in said or name != "missing"]
        seen.complaints.clear()
        if found:
            wrong[name] = found
        seen.quiet(site.server.url)
    for seen in visitors.values():
        seen.page.context.close()
    return wrong


def report(wrong: dict[str, list[str]]) -> str:
    return "\n".join(f"{name}: {line}" for name, lines in wrong.items() for line in lines)


def test_pages_can_be_used_by_everybody_on_a_phone(site: Site) -> None:
    wrong = wrong_with(site, SOME, width=PHONE, dark=True)
    assert not wrong, report(wrong)


@pytest.mark.campaign
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [PHONE, WIDE])
def test_every_page_can_be_used_by_everybody(site: Site, width: int, dark: bool) -> None:
    wrong = wrong_with(site, PAGES, width=width, dark=dark)
    assert not wrong, report(wrong)


@pytest.mark.parametrize("scripts", [True, False])
def test_the_tutorials_pages_work_with_scripts_and_without(site: Site, scripts: bool) -> None:
    seen = site.visitor(scripts=scripts)
    name = f"ellen{int(scripts)}"
    page = seen.go("/")
    page.get_by_role("link", name="Sign up").click()
    page.get_by_label("Name").fill(name)
    page.get_by_label("E-mail address").fill(f"{name}@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password, once more").fill(PASSWORD)
    page.get_by_role("button", name="Make an account").click()
    page.get_by_label(f"Menu of {name}").click()
    page.get_by_role("link", name="Settings").click()
    page.get_by_role("link", name="SSH keys").click()
    page.get_by_label("Title").fill("laptop")
    page.get_by_label("Key", exact=True).fill(SSH_KEY.replace("A" * 20, "A" * 19 + "BC"[scripts], 1))
    page.get_by_role("button", name="Add key").click()
    expect(page.get_by_text("laptop")).to_be_visible()
    page.get_by_role("link", name="Tokens").click()
    page.get_by_label("Name").fill("datalad")
    page.get_by_role("button", name="Generate token").click()
    assert (page.locator("#token").text_content() or "").startswith("rkh_")
    page.get_by_role("link", name="New repository").click()
    page.get_by_label("Repository name").fill("study")
    page.get_by_role("button", name="Create repository").click()
    expect(
        page.get_by_text(f"datalad siblings add -s hub --url {site.server.url}/{name}/study.git")
    ).to_be_visible()
    assert page.get_by_role("button", name="Copy").count() == (3 if scripts else 0)
    page.get_by_role("link", name="Settings").last.click()
    page.get_by_label("public: everybody").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Collaboration").click()
    page.get_by_label("Name").fill("robin")
    page.get_by_role("button", name="Add collaborator").click()
    expect(page.get_by_role("link", name="robin")).to_be_visible()
    page.get_by_label(f"Menu of {name}").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    seen.quiet(site.server.url)


def test_a_button_copies_the_commands(site: Site) -> None:
    seen = site.visitor("robin")
    seen.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = seen.go("/robin/empty")
    page.get_by_role("button", name="Copy").first.click()
    expect(page.locator("#told")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert (
        copied
        == f"datalad siblings add -s hub --url {site.server.url}/robin/empty.git\ndatalad push --to hub"
    )


def test_files_are_shown(site: Site) -> None:
    seen = site.visitor()
    page = seen.go("/ada/penguins")
    expect(page.get_by_role("heading", name="Penguins of the Palmer Archipelago")).to_be_visible()
    width = "i => i.complete && i.naturalWidth"
    assert page.get_by_role("img", name="A penguin").evaluate(width) == 320, "its content is in the annex"
    expect(page.get_by_text("1 not here")).to_be_visible()
    page.get_by_role("link", name="data/").click()
    page.get_by_role("link", name="measurements.tsv").click()
    expect(page.get_by_role("columnheader", name="species")).to_be_visible()
    expect(page.get_by_text("laptop of the lab")).to_be_visible()
    seen.go("/ada/penguins/src/main/images/coast.svg")
    assert page.get_by_role("img", name="coast.svg").evaluate(width) > 0
    seen.go("/ada/penguins/src/main/data/call.wav")
    page.wait_for_function("document.querySelector('audio').duration > 0.9")
    seen.go("/ada/penguins/src/main/code/how.ipynb")
    expect(page.get_by_text("344 birds")).to_be_visible()
    assert page.get_by_role("img", name="Output of cell 1").first.evaluate(width) == 1
    seen.go("/ada/penguins/src/main/data/raw.bin")
    expect(page.get_by_text("datalad get 'data/raw.bin'")).to_be_visible()
    seen.quiet(site.server.url)


@pytest.mark.parametrize("scripts", [True, False])
def test_a_pdf_is_loaded_when_somebody_wants_to_see_it(site: Site, scripts: bool) -> None:
    seen = site.visitor(scripts=scripts)
    page = seen.go("/ada/penguins/src/main/data/article.pdf")
    raw = f"{site.server.url}/ada/penguins/raw/main/data/article.pdf"
    assert raw not in seen.requests, "whoever looks at the page has not opened the file"
    page.get_by_role("link", name="Show it here").click()
    expect(page.locator("iframe")).to_be_visible()
    assert any(url.startswith(VIEWER[0]) for url in seen.requests)
    expect(page.get_by_role("link", name="Download article.pdf")).to_have_attribute("download", "")
    answer = page.request.get(raw)
    assert answer.headers["content-type"] == "application/pdf"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert not [said for said in seen.complaints if "policy" in said.lower()]


EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"
ELSEWHERE = "https://elsewhere.example"


def hostile() -> dict[str, bytes | str | Annexed]:
    """Give files that try to act, by every way in which a page shows one."""
    code = {"cell_type": "code", "source": EVIL, "outputs": []}
    html = {
        "output_type": "display_data",
        "data": {"text/html": EVIL, "image/svg+xml": f"<svg onload='{EVIL}'/>"},
    }
    notebook = {"cells": [{"cell_type": "markdown", "source": EVIL}, {**code, "outputs": [html]}]}
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(3)"><script>alert(4)</script>'
        f'<image href="{ELSEWHERE}/a.png"/><style>@import url({ELSEWHERE}/a.css);</style></svg>'
    )
    page = f"<html><body onload=alert(5)>{EVIL}<img src={ELSEWHERE}/b.png></body></html>"
    return {
        "README.md": f"{EVIL}\n\n![x]({ELSEWHERE}/c.png)\n\n<iframe src='raw/page.html'></iframe>\n\n"
        f"<a href='javascript:alert(6)'>press me</a>\n\n[or me](javascript:alert(7))\n\n<b id=told>x</b>\n",
        "notebook.ipynb": json.dumps(notebook),
        "drawing.svg": svg,
        "annexed.svg": Annexed(svg.encode()),
        "page.html": page,
        "annexed.html": Annexed(page.encode()),
        "page.pdf": page,
        "annexed.pdf": Annexed(page.encode()),
        "table.csv": f'name,"{EVIL}"\n"{EVIL}",=cmd\n',
        "data.json": f'{{"a": "{EVIL}"}}',
        f"{EVIL.replace('/', '')}.txt": "its name is the attack",
        "a\u202egnp.txt": "this too",
        "code.py": f"'''{EVIL}'''",
    }


def test_nothing_in_a_hostile_repository_acts(site: Site) -> None:
    files = hostile()
    with site.server.beside() as inside:
        eve = inside.person("eve")
        made = inside.repository(eve, "trap", Visibility.PUBLIC)
        plant(inside, eve, made, files, message=f"{EVIL}\n")
        inside.opened.hub.repositories.change(eve, made.path, description=EVIL)
    seen = site.visitor("robin")
    page = seen.go("/eve/trap")
    for link in page.locator(".readme a").all():
        assert "javascript" not in (link.get_attribute("href") or "")
    addresses = [a.get_attribute("href") or "" for a in page.locator("td a").all()]
    assert len(addresses) == len(files)
    for address in addresses:
        seen.go(address)
        assert page.locator("main script").count() == 0
        if address.endswith(".pdf"):
            page.get_by_role("link", name="Show it here").click()
            page.wait_for_timeout(500)  # nothing is waited for: a dialog would be too much
            continue
        if not address.endswith(("annexed.html", "%AEgnp.txt")):
            seen.page.goto(address.replace("/src/", "/raw/"))
    seen.go("/")
    assert not [said for said in seen.complaints if said.startswith(("dialog", "script failed"))]
    assert not [url for url in seen.requests if not url.startswith((site.server.url, "data:", *VIEWER))]
