"""How soon the hub's pages begin to come, with few files and many, a short history and a long one.

Repositories are written beside the hub by `git fast-import`; requests are a stranger's, one after the other, over one
connection. The time is that from the request to the first byte of the answer.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from bench.hub_transfers import run

# Requests of which the median counts, after one that does not.
REQUESTS = 7

IN_A_FOLDER = 1000


class Size(NamedTuple):
    """A repository to look at: so many files in its tree, so many commits behind it."""

    name: str
    files: int
    commits: int


SIZES = (
    Size("10 files", 10, 10),
    Size("10,000 files", 10_000, 10),
    Size("100,000 files", 100_000, 10),
    Size("10,000 commits", 100, 10_000),
)

# By name: addresses below the repository's.
PAGES = {
    "repository": "",
    "folder": "/src/main/d0",
    "file": "/src/main/d0/f00001.dat",
    "commits": "/commits",
    "commits of a file": "/commits/main/d0/f00001.dat",
    "commit": "/commit/main",
    "branches": "/branches",
    "find a file": "/find/main?q=f00001",
    "provenance": "/provenance/main/result.txt",
}
OF_THE_HUB = {"explore": "/", "search": "/?q=result"}


def script(size: Size) -> Iterator[bytes]:
    """Yield what fast-import makes the repository of: annexed files, small changes, and a run at the end."""
    who, when = "Ada <ada@example.org>", 1_700_000_000

    def head(words: str, number: int) -> bytes:
        text = words.encode()
        told = f"commit refs/heads/main\ncommitter {who} {when + 60 * number} +0000\ndata {len(text)}\n"
        return told.encode() + text + b"\n"

    yield head("all files", 0)
    for number in range(size.files):
        digest = hashlib.md5(b"%d" % number, usedforsecurity=False).hexdigest()
        key = f"MD5E-s1000--{digest}.dat"
        link = f"../.git/annex/objects/{digest[:2]}/{digest[2:4]}/{key}/{key}".encode()
        path = f"d{number // IN_A_FOLDER}/f{number:05}.dat"
        yield b"M 120000 inline %b\ndata %d\n%b\n" % (path.encode(), len(link), link)
    for number in range(1, size.commits - 1):
        text = b"%d\n" % number
        yield head(f"note {number}", number)
        yield b"M 100644 inline notes/n%d.txt\ndata %d\n%b\n" % (number % 50, len(text), text)
    record = json.dumps({"cmd": "count", "exit": 0, "inputs": ["d0/f00001.dat", "notes/*"], "pwd": "."})
    marks = ("=== Do not change lines below ===", "^^^ Do not change lines above ^^^")
    yield head(f"[DATALAD RUNCMD] count\n\n{marks[0]}\n{record}\n{marks[1]}\n", size.commits)
    yield b"M 100644 inline result.txt\ndata 2\n1\n\ndone\n"


@contextmanager
def served(root: Path) -> Iterator[str]:
    """Serve a hub with a public repository of each size; give its address when it has read them for the search."""
    data = root / "hub"
    rookery = [sys.executable, "-m", "rookery", "hub"]
    serve = [*rookery, "serve", "--data", str(data), "--http", "127.0.0.1:0"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        http_ = server.stdout.readline().split()[-1]
        add = ["user", "add", "ada", "--data", str(data), "--email", "ada@example.org", "--password-stdin"]
        run(*rookery, *add, cwd=root, stdin="correct horse\n")
        token = run(*rookery, "user", "token", "ada", "--data", str(data), cwd=root).split()[-1]

        def api(method: str, path: str, body: dict[str, object]) -> None:
            told = {"Authorization": f"token {token}", "Content-Type": "application/json"}
            raw = json.dumps(body).encode()
            asked = urllib.request.Request(f"{http_}/api/v1/{path}", raw, told, method=method)
            urllib.request.urlopen(asked).close()

        for number, size in enumerate(SIZES, 1):
            api("POST", "user/repos", {"name": f"r{number}", "private": False})
            fast_import = ["git", "fast-import", "--quiet", "--force", "--done"]
            place = data / "repositories" / f"{number}.git"
            subprocess.run(fast_import, cwd=place, input=b"".join(script(size)), check=True)
            api("PATCH", f"repos/ada/r{number}", {"description": size.name})
        _wait(lambda: "knows all" in run(*rookery, "doctor", "--data", str(data), cwd=root))
        yield http_
        server.terminate()


def _wait(ready: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not ready():
        if time.monotonic() - began > 120:
            raise SystemExit("the hub has not read its repositories for the search in two minutes")
        time.sleep(0.5)


def first_byte(wire: http.client.HTTPConnection, path: str) -> float:
    """Ask for a page; give the seconds until it begins to come."""
    began = time.perf_counter()
    wire.request("GET", path)
    answer = wire.getresponse()
    taken = time.perf_counter() - began
    body = answer.read()
    if answer.status != 200 or b"<h1" not in body:
        raise SystemExit(f"{path} was answered with {answer.status}")
    return taken


def lines(root: Path) -> Iterator[str]:
    """Measure, and yield the table line by line: milliseconds to the first byte, the median."""
    root.mkdir()
    with served(root) as url:
        wire = http.client.HTTPConnection(urlsplit(url).netloc, timeout=120)
        yield "| first byte, ms | " + " | ".join(size.name for size in SIZES) + " |"
        yield "|" + "---|" * (len(SIZES) + 1)
        for name, page in PAGES.items():
            cells = [_median(wire, f"/ada/r{number}{page}") for number in range(1, len(SIZES) + 1)]
            yield f"| {name} | " + " | ".join(cells) + " |"
        for name, page in OF_THE_HUB.items():
            yield f"| {name} | {_median(wire, page)} |" + " |" * (len(SIZES) - 1)
        wire.close()


def _median(wire: http.client.HTTPConnection, path: str) -> str:
    taken = [first_byte(wire, path) for _ in range(REQUESTS + 1)]
    return f"{1000 * statistics.median(taken[1:]):.0f} ({1000 * taken[0]:.0f} at first)"
