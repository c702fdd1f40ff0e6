"""A real browser: the machine's own Chromium, driven by playwright.  What a page asks for and complains of is kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Request, sync_playwright

PHONE = 360
WIDE = 1600


def program() -> str | None:
    """Give Chromium's program; None if there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser for the length of the block."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=program(), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Watched(NamedTuple):
    """A page, and what happened on it that nobody saw."""

    page: Page
    requests: list[str]  # those that were made: what a policy refuses is not among them
    complaints: list[str]  # dialogs, errors of scripts, what the policy refused

    def go(self, address: str) -> Page:
        """Load a page of the hub, to its end."""
        self.page.goto(address, wait_until="load")
        return self.page

    def quiet(self, at: str) -> None:
        """Fail if anything was asked of another site, or anything went wrong."""
        elsewhere = [url for url in self.requests if not url.startswith((at, "data:"))]
        assert not elsewhere
        assert not self.complaints

    def judged(self) -> list[str]:
        """Let axe-core judge the page: what it finds, and where."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{one['id']}: {one['help']}: {[node['target'] for node in one['nodes']][:4]}" for one in found
        ]

    def overflow(self) -> int:
        """Say by how many pixels the page is wider than the screen."""
        wide: int = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return wide


def _refused(seen: Watched, request: Request) -> None:
    """Forget a request that the browser did not make, since the page's own policy forbids it."""
    if request.failure == "csp":
        seen.requests.remove(request.url)


def watched(context: BrowserContext) -> Watched:
    """Open a page and watch it."""
    page = context.new_page()
    made = Watched(page, [], [])
    page.on("request", lambda request: made.requests.append(request.url))
    page.on("requestfailed", lambda request: _refused(made, request))
    page.on("pageerror", lambda error: made.complaints.append(f"script failed: {error}"))
    page.on(
        "console",
        lambda said: made.complaints.append(f"{said.type}: {said.text}") if said.type == "error" else None,
    )

    def dismiss(dialog: Dialog) -> None:
        made.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("dialog", dismiss)
    return made
