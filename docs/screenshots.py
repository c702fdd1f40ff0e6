"""Take a picture of every page of the hub, light and dark, on a phone and on a wide screen: `./run screenshots`.

A hub with something to see is served for it; Chromium is the machine's own (Debian: chromium).  `--docs` takes
those that stand in the documentation.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from rookery.hub.web.visit import COOKIE
from support.home import make_home
from support.hubs import HubServer, serving
from support.showcase import PAGES, furnish

Scheme = Literal["light", "dark"]

WIDTHS = (360, 1600)
SCHEMES: tuple[Scheme, ...] = ("light", "dark")

DOCS = Path(__file__).resolve().parent / "pictures"
IN_DOCS: dict[str, Scheme] = {"repository": "light", "file-table": "dark"}


def main() -> int:
    """Take the pictures into a folder, `screenshots` unless another one is named."""
    words = sys.argv[1:]
    for_docs = words[:1] == ["--docs"]
    folder = DOCS if for_docs else Path(words[0] if words else "screenshots")
    only = words[1:]
    folder.mkdir(parents=True, exist_ok=True)
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print(
            "./run screenshots: Chromium is needed and was not found (Debian, Ubuntu: chromium)",
            file=sys.stderr,
        )
        return 1
    with tempfile.TemporaryDirectory() as place:
        env = make_home(Path(place) / "home", os.environ).env
        with serving(Path(place) / "hub", env, ssh=True) as server, sync_playwright() as play:
            with server.beside() as inside:
                furnish(inside)
                secret = inside.opened.hub.identity.begin(inside.person("ada"))
            browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            for name, path in PAGES.items():
                if for_docs and name in IN_DOCS:
                    take_for_docs(browser, server, path, folder / f"hub-{name}.png", IN_DOCS[name])
                elif not for_docs and (not only or name in only):
                    take(browser, server, secret, path, folder / name)
            browser.close()
    print(f"Taken: {folder}")
    return 0


def take(browser: Browser, server: HubServer, secret: str, path: str, file: Path) -> None:
    """Take one page in all its forms; names that begin with `guest-` are what strangers see."""
    for scheme in SCHEMES:
        for width in WIDTHS:
            page = browser.new_page(
                viewport={"width": width, "height": 900},
                color_scheme=scheme,
                base_url=server.url,
            )
            if not file.name.startswith("guest-"):
                page.context.add_cookies([{"name": COOKIE, "value": secret, "url": server.url}])
            load(page, path)
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                print(f"{file.name}: {wide} px wide on a screen of {width}", file=sys.stderr)
            page.screenshot(path=f"{file}-{scheme}-{width}.png", full_page=True)
            page.close()


def load(page: Page, path: str) -> None:
    """Load a page, again if the hub was still counting the files of the dataset."""
    page.goto(path)
    while page.get_by_text("files are being counted").count():
        page.wait_for_timeout(500)
        page.reload()


def take_for_docs(browser: Browser, server: HubServer, path: str, file: Path, scheme: Scheme) -> None:
    """Take a page as strangers see it on a laptop, in 128 colours: a few dozen kilobytes."""
    page = browser.new_page(viewport={"width": 1180, "height": 800}, color_scheme=scheme, base_url=server.url)
    load(page, path)
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(128).save(file, optimize=True)
    page.close()


if __name__ == "__main__":
    sys.exit(main())
