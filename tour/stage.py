"""The stage of the tutorial: two people's homes, a server with pictures, a place to publish to.

Until there is a hub, "gin" is a folder of bare repositories with room for
annexed content, which everybody on the stage can reach.
"""

from __future__ import annotations

import contextlib
import functools
import http.server
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

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


def environment(root: Path, address: str, user: Mapping[str, str]) -> dict[str, str]:
    """Give the environment of a shell on the stage: nothing of the user's but what programs need to run."""
    kept = {k: v for k, v in user.items() if k in ("LANG", "LC_ALL", "TERM", "TMPDIR", "TZ", "SSL_CERT_FILE")}
    return {
        **kept,
        "PATH": os.pathsep.join((os.path.dirname(sys.executable), user.get("PATH", os.defpath))),
        "PENGUINS": address,
        "GIN": str(root / "gin"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "BASH_ENV": "",
    }


@contextlib.contextmanager
def set_up(root: Path, user: Mapping[str, str]) -> Iterator[tuple[dict[str, str], str]]:
    """Build the stage in an empty folder; gives the shell's environment and its first command."""
    _make_homes(root)
    (root / "gin").mkdir()
    with pictures_served(root / "pictures") as address:
        yield environment(root, address, user), BE.format(root=root) + "; be alice"
