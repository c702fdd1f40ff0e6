"""Content from registered URLs: what comes is what the key says, from where git-annex would allow it to come."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from rookery.annex import content
from rookery.annex.outcome import Outcome
from rookery.core.environment import program_environment
from rookery.core.process import Runner
from rookery.git.repo import open_repo
from support.clones import NOW
from support.counting import Started
from support.home import Home
from support.programs import Program
from support.web import WebServer

pytestmark = pytest.mark.native

Count = Callable[[], AbstractContextManager[Started]]


class Shelf:
    """A repository with files whose content is on the web alone."""

    def __init__(self, root: Path, home: Home, git: Program, web: WebServer) -> None:
        self.root, self.web, self.env = root, web, home.env
        self.git = git.at(root)
        root.mkdir()
        self.git("init", "-q")
        self.git("annex", "init", "-q", "shelf")
        self.set("annex.security.allowed-ip-addresses", "127.0.0.1")
        self.keys: dict[str, str] = {}

    def set(self, name: str, value: str) -> None:
        self.git("config", name, value)

    def put(self, name: str, data: bytes, *urls: str, backend: str = "SHA256E") -> str:
        """Add a file, register its URLs (one that has it, if none is named), and drop its content."""
        (self.root / name).write_bytes(data)
        self.git("annex", "add", "-q", f"--backend={backend}", name)
        self.keys[name] = key = self.git("annex", "lookupkey", name).text
        for url in urls or (self.web.put(name, data),):
            self.git("annex", "registerurl", key, url)
        self.git("annex", "drop", "-q", "--force", name)
        return key

    def get(self, **how: str) -> list[Outcome]:
        repo = open_repo(self.root, Runner(program_environment(self.env)))
        self.web.requests.clear()
        return list(content.transfer(repo, "get", self.keys.items(), clock=lambda: NOW, **how))  # type: ignore[arg-type]  # names of remotes only

    def partial(self, name: str, data: bytes) -> None:
        """Let it look as if some bytes had come before."""
        folder = self.root / ".git/annex/tmp"
        folder.mkdir(exist_ok=True)
        (folder / self.keys[name]).write_bytes(data)

    def right(self, name: str) -> bool:
        """Say whether content and log are as they should be after a get."""
        told = self.git("annex", "whereis", name).stdout
        self.git("annex", "fsck", "-q", name)
        return "[here]" in told and (self.root / name).exists()

    def absent(self, name: str) -> bool:
        """Say whether nothing came, and nobody says so."""
        told = self.git("annex", "whereis", name, code=None).stdout
        return "[here]" not in told and not (self.root / name).exists()


@pytest.fixture
def shelf(tmp_path: Path, home: Home, git: Program, web: WebServer) -> Shelf:
    return Shelf(tmp_path / "shelf", home, git, web)


def ours(outcomes: list[Outcome], started: Started) -> bool:
    """Say whether all came, and git-annex was not needed for it."""
    assert [o for o in outcomes if not o.ok or o.note != "from web..."] == []
    return not [argv for argv in started.programs if Path(argv[0]).name == "git-annex"]


def test_many_come_with_one_request_each_and_no_program_more(shelf: Shelf, count_programs: Count) -> None:
    for number in range(6):
        shelf.put(f"{number}.dat", b"content %d" % number)
    with count_programs() as started:
        assert ours(shelf.get(), started)
    assert len(started) < 40
    assert sorted(r.path for r in shelf.web.requests) == sorted(f"/{n}.dat" for n in range(6))
    assert {r.method for r in shelf.web.requests} == {"GET"}
    assert all(shelf.right(name) for name in list(shelf.keys)[::3])


def test_what_has_come_before_is_gone_on_with(shelf: Shelf, count_programs: Count) -> None:
    data = os.urandom(3_000_000)
    shelf.put("large.bin", data)
    shelf.partial("large.bin", data[:2_000_000])
    with count_programs() as started:
        assert ours(shelf.get(), started)
    assert [r.range for r in shelf.web.requests] == ["bytes=2000000-"]
    assert shelf.right("large.bin")


def test_a_cut_is_gone_on_with_at_once(shelf: Shelf, count_programs: Count) -> None:
    shelf.put("large.bin", os.urandom(3_000_000))
    shelf.web.truncate("/large.bin", 1_500_000)
    with count_programs() as started:
        assert ours(shelf.get(), started)
    first, second = (r.range for r in shelf.web.requests)
    assert first is None and second is not None
    assert shelf.right("large.bin")


@pytest.mark.parametrize("ranges", [True, False])
def test_what_was_something_else_before_is_thrown_away(
    shelf: Shelf, count_programs: Count, ranges: bool
) -> None:
    shelf.web.ranges = ranges
    shelf.put("large.bin", os.urandom(3_000_000))
    shelf.partial("large.bin", os.urandom(2_000_000))
    with count_programs() as started:
        assert ours(shelf.get(), started)
    assert len(shelf.web.requests) == (2 if ranges else 1)
    assert shelf.right("large.bin")


@pytest.mark.parametrize("size", [100, 3_000_000])
def test_other_content_is_refused(shelf: Shelf, size: int) -> None:
    shelf.put("a.bin", os.urandom(size))
    shelf.web.corrupt("/a.bin", times=None)
    assert [o.ok for o in shelf.get()] == [False]
    assert shelf.absent("a.bin")


def test_content_of_another_size_is_refused_before_it_comes(shelf: Shelf) -> None:
    shelf.put("a.bin", os.urandom(100))
    shelf.web.put("a.bin", b"x" * 5_000)
    assert [o.ok for o in shelf.get()] == [False]
    assert shelf.absent("a.bin")


def test_a_redirect_is_followed_and_a_second_url_is_tried(shelf: Shelf, count_programs: Count) -> None:
    there = shelf.web.put("there.dat", b"content")
    shelf.put("a.dat", b"content", f"{shelf.web.url}/a-gone", f"{shelf.web.url}/b-moved")
    shelf.web.redirect("/b-moved", there)
    with count_programs() as started:
        assert ours(shelf.get(), started)
    assert [r.path for r in shelf.web.requests] == ["/a-gone", "/b-moved", "/there.dat"]
    assert shelf.right("a.dat")


@pytest.mark.parametrize("allowed", ["", "10.0.0.1", "[127.0.0.1]:1"])
def test_a_server_on_a_private_network_is_asked_only_if_that_is_allowed(shelf: Shelf, allowed: str) -> None:
    shelf.put("a.dat", b"content")
    shelf.set("annex.security.allowed-ip-addresses", allowed)
    assert [o.ok for o in shelf.get()] == [False]
    assert shelf.web.requests == []
    assert shelf.absent("a.dat")


def test_a_redirect_does_not_lead_to_where_it_is_not_allowed(shelf: Shelf) -> None:
    shelf.put("a.dat", b"content", f"{shelf.web.url}/moved")
    port = int(shelf.web.url.rpartition(":")[2])
    shelf.set("annex.security.allowed-ip-addresses", f"[127.0.0.1]:{port}")
    with WebServer(shelf.web.root).running() as other:
        other.put("a.dat", b"content")
        shelf.web.redirect("/moved", f"{other.url}/a.dat")
        assert [o.ok for o in shelf.get()] == [False]
        assert other.requests == []
    assert shelf.absent("a.dat")


def test_a_scheme_that_is_not_allowed_is_left_to_git_annex(shelf: Shelf) -> None:
    shelf.put("a.dat", b"content")
    shelf.set("annex.security.allowed-url-schemes", "https")
    assert [o.ok for o in shelf.get()] == [False]
    assert shelf.web.requests == []


def test_what_nobody_can_check_is_left_to_git_annex(shelf: Shelf) -> None:
    shelf.put("a.dat", b"content", backend="WORM")
    (outcome,) = shelf.get()
    assert outcome.ok
    assert "git-annex" in shelf.web.requests[0].headers["user-agent"]


def test_the_stock_engine_gets_the_same(shelf: Shelf) -> None:
    shelf.put("a.dat", b"content")
    shelf.put("gone.dat", b"gone", f"{shelf.web.url}/gone")
    told = {}
    for engine in ("native", "stock"):
        shelf.set("rookery.engine", engine)
        told[engine] = sorted((o.path, o.ok, o.note if o.ok else "") for o in shelf.get())
        assert shelf.right("a.dat") and shelf.absent("gone.dat")
        shelf.git("annex", "drop", "-q", "a.dat")
    assert told["native"] == told["stock"]
