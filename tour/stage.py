"""The stage of the pages: two people's homes, a server with pictures, and a hub to publish to if a page wants one."""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

from hub import Access, Hub, add_person, furnish, make_programs, start, stop
from penguins import paint

PICTURES = {
    "chinstrap_01.jpg": ("chinstrap", 1),
    "chinstrap_02.jpg": ("chinstrap", 2),
    "king_01.jpg": ("king", 3),
}

PEOPLE = {"alice": "Alice Adelie", "bob": "Bob Rockhopper"}

# git-annex fetches nothing from addresses of this machine unless it is told that it may.
GITCONFIG = """[user]
\tname = {name}
\temail = {person}@example.org
[init]
\tdefaultBranch = main
[annex "security"]
\tallowed-ip-addresses = 127.0.0.1
[safe]
\tdirectory = *
[advice]
\tdetachedHead = false
"""

# `be PERSON` makes the shell somebody else's; used in comments of the page.
BE = """be() {{ export HOME="{root}/home/$1" GIT_CONFIG_GLOBAL="{root}/home/$1/.gitconfig"; cd "$HOME"; }}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A file server that keeps its log to itself."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def pictures_served(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback while the block lasts; gives the address."""
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _make_homes(root: Path) -> None:
    for person, name in PEOPLE.items():
        home = root / "home" / person
        home.mkdir(parents=True)
        (home / ".gitconfig").write_text(GITCONFIG.format(name=name, person=person))
    for file, (kind, seed) in PICTURES.items():
        paint(root / "pictures" / file, kind=kind, seed=seed)
    downloads = root / "home" / "alice" / "Downloads"
    downloads.mkdir()
    for file in ("chinstrap_01.jpg", "king_01.jpg"):
        (downloads / file).write_bytes((root / "pictures" / file).read_bytes())


def environment(root: Path, user: Mapping[str, str]) -> dict[str, str]:
    """Give the environment of a shell on the stage: nothing of the user's but what programs need to run."""
    kept = {k: v for k, v in user.items() if k in ("LANG", "LC_ALL", "TERM", "TMPDIR", "TZ", "SSL_CERT_FILE")}
    path = (str(root / "bin"), os.path.dirname(sys.executable), user.get("PATH", os.defpath))
    return {
        **kept,
        "HOME": str(root),
        "PATH": os.pathsep.join(path),
        "GIT_CONFIG_NOSYSTEM": "1",
        "BASH_ENV": "",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",  # the machine's own is the user's
    }


@contextlib.contextmanager
def hub_for_all(folder: Path, env: Mapping[str, str], *, keep: bool = False) -> Iterator[Hub]:
    """Run a hub in a folder, with accounts for everybody on the stage; `keep` leaves it running."""
    hub = start(folder / "hub", env)
    try:
        for person in PEOPLE:
            add_person(hub, person, env)
        yield hub
    finally:
        if not keep:
            stop(hub)


@contextlib.contextmanager
def set_up(
    root: Path, user: Mapping[str, str], *, hub: Hub | None = None, access: Access = "http"
) -> Iterator[tuple[dict[str, str], str]]:
    """Build the stage in an empty folder; gives the shell's environment and its first command.

    With a hub, `$HUB` is its address for browsers, `$GIN` what the addresses of its
    repositories begin with, `$ACCESS` how they are reached.
    """
    _make_homes(root)
    make_programs(root / "bin")
    env = environment(root, user)
    for person in PEOPLE:
        furnish(root / "home" / person, access)
    if hub is not None:
        env |= {
            "HUB": hub.url,
            "GIN": hub.address(access),
            "ACCESS": access,
            "ROOKERY_HUB_DATA": str(hub.data),
        }
    with pictures_served(root / "pictures") as address:
        yield {**env, "PENGUINS": address}, BE.format(root=root) + "; be alice"
