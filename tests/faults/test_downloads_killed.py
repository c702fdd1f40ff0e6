"""Downloads that are killed at any moment lose nothing, and the same command finishes them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.home import Home
from support.killing import Killing, spread
from support.programs import Program
from support.samples import binary
from support.web import WebServer


class Downloads:
    """A dataset, files on a server, and what came of a command."""

    def __init__(self, ds: Path, web: WebServer, git: Program, annex: Program) -> None:
        self.ds, self._git, self._annex = ds, git, annex
        git("config", "--global", "annex.security.allowed-ip-addresses", "127.0.0.1", cwd=ds)
        (ds / ".gitattributes").write_text("*.txt annex.largefiles=nothing\n* annex.backend=MD5E\n")
        git("add", ".gitattributes", cwd=ds)
        git("commit", "-qm", "texts go to Git", cwd=ds)
        self.contents = {
            "a.dat": binary(500, seed=1),
            "b.txt": b"text\n",
            "big.dat": binary(400_000, seed=2),
            "c.dat": binary(600, seed=3),
        }
        self.urls = [web.put(name, content) for name, content in self.contents.items()]
        rows = [
            {"u": url, "n": f"in/{name}", "who": "me"}
            for name, url in zip(self.contents, self.urls, strict=True)
        ]
        (ds.parent / "table.json").write_text(json.dumps(rows))

    def outcome(self, ds: Path) -> Any:
        """Give what a command has left, without times."""
        found: dict[str, Any] = {"tree": self._git("ls-tree", "-r", "HEAD", cwd=ds).text}
        found["status"] = self._git("status", "--porcelain", cwd=ds).text
        for line in self._annex("whereis", "--json", cwd=ds).lines:
            record = json.loads(line)
            found[record["file"]] = sorted((p["uuid"], tuple(p["urls"])) for p in record["whereis"])
        for line in self._annex("metadata", "--json", cwd=ds).lines:
            record = json.loads(line)
            found[f"metadata of {record['file']}"] = record["fields"].get("who")
        return found

    def is_valid(self, ds: Path) -> None:
        self._git("fsck", "--no-dangling", cwd=ds)
        self._annex("fsck", "--quiet", cwd=ds)


@pytest.fixture
def downloads(new_dataset: Callable[..., Path], web: WebServer, git: Program, annex: Program) -> Downloads:
    return Downloads(new_dataset("original/ds", files={}), web, git, annex)


def survive(downloads: Downloads, words: list[str], most: int, home: Home, tmp_path: Path) -> None:
    killing = Killing(home.env, tmp_path / "steps")
    (tmp_path / "table.json").write_bytes((downloads.ds.parent / "table.json").read_bytes())
    whole = tmp_path / "whole"
    shutil.copytree(downloads.ds, whole, symlinks=True)
    steps = killing.steps(words, whole)
    wanted = downloads.outcome(whole)
    assert {(whole / "in" / name).read_bytes() for name in downloads.contents} == set(
        downloads.contents.values()
    )
    for step in spread(steps, most):
        ds = tmp_path / f"killed-{step}"
        shutil.copytree(downloads.ds, ds, symlinks=True)
        killing.kill(words, ds, step)
        downloads.is_valid(ds)
        said = killing.again(words, ds)
        assert downloads.outcome(ds) == wanted, f"killed at {step} of {steps} and run again\n{said}"
        downloads.is_valid(ds)


ADDURLS = ["addurls", "../table.json", "{u}", "{n}"]


# git-annex puts a file that is none for the annex in its place and stages it before we know; then it is in the way.
OURS_ONLY = pytest.mark.native


@OURS_ONLY
def test_some_deaths_of_addurls(downloads: Downloads, home: Home, tmp_path: Path) -> None:
    survive(downloads, ADDURLS, 5, home, tmp_path)


@OURS_ONLY
@pytest.mark.campaign
@pytest.mark.timeout(3000)
def test_many_deaths_of_addurls(downloads: Downloads, home: Home, tmp_path: Path) -> None:
    survive(downloads, ADDURLS, 40, home, tmp_path)


def test_what_came_whole_before_a_death_is_not_fetched_again(
    downloads: Downloads, cli: Program, home: Home, web: WebServer, tmp_path: Path
) -> None:
    url = downloads.urls[2]
    killing = Killing(home.env, tmp_path / "steps")
    words = ["download-url", url]
    whole = tmp_path / "whole"
    shutil.copytree(downloads.ds, whole, symlinks=True)
    steps = killing.steps(words, whole)
    sizes = set()
    for step in range(1, steps):
        ds = tmp_path / "killed"
        shutil.copytree(downloads.ds, ds, symlinks=True)
        killing.kill(words, ds, step)
        if (ds / "big.dat").exists():
            break
        web.requests.clear()
        if step % 4 == 0 or step > 12:
            cli(*words, cwd=ds)
            assert (ds / "big.dat").read_bytes() == downloads.contents["big.dat"]
            sizes.add(web.asked("/big.dat")[-1].range)
        shutil.rmtree(ds)
    assert "bytes=400000-" in sizes
