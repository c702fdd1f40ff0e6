"""Many small files are saved and moved by several processes: all are well, whoever of them is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.home import Home
from support.programs import Program

pytestmark = [
    pytest.mark.native,
    pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="a single core shares nothing"),
]

FILES = 150

# The command line with rows of 4 files, shared from the first on, and each process but the first, or only that one,
# killed within its call number `dies` of a function.
SCRIPT = """
import os, signal, sys
from rookery.annex.nearby import dropping, placing
from rookery.annex.storing import Storing
from rookery.core import forks, many
forks.FEWEST, many.TOGETHER, many._waits = 8, 4, lambda: 0
first, calls, (who, module, name, dies) = os.getpid(), 0, sys.argv[1].split(":")
module = {"placing": placing, "dropping": dropping, "storing": Storing}[module]
original = getattr(module, name)
def deadly(*args, **named):
    global calls
    calls += (os.getpid() == first) == (who == "caller")
    if calls == int(dies):
        if name == "show":
            original(*args, **named)
        open(os.environ["SEEN"], "a").write("dies\\n")
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*args, **named)
setattr(module, name, deadly)
shared = forks.shared
def noted(work, rows, tell, *, others, at_end):
    open(os.environ["SEEN"], "a").write("shared\\n")
    return shared(work, rows, tell, others=others, at_end=at_end)
forks.shared = noted
sys.argv[1:2] = []
from rookery.cli.main import main
raise SystemExit(main(sys.argv[1:]))
"""

NEVER = "others:placing:show:100000"


class Place:
    """A source with many small files, its clone, and a sibling to push to."""

    def __init__(self, root: Path, home: Home, cli: Program, annex: Program, git: Program) -> None:
        self.root, self.env, self.annex, self.git = root, home.env, annex, git
        cli("create", root / "source", cwd=root)
        for number in range(FILES):
            file = root / f"source/{number % 7}/{number}.dat"
            file.parent.mkdir(exist_ok=True)
            file.write_text(f"content {number}\n")
        cli("save", "-m", "files", cwd=root / "source")
        cli("clone", root / "source", root / "clone", cwd=root)

    def act(self, dies: str, *words: str, cwd: str = "clone") -> None:
        seen = self.root / "seen"
        seen.unlink(missing_ok=True)
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, dies, *words],
            cwd=self.root / cwd,
            env={**self.env, "SEEN": str(seen)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == (-signal.SIGKILL if dies.startswith("caller") else 0), done.stderr
        assert set(seen.read_text().split()) == ({"shared"} if dies == NEVER else {"shared", "dies"})

    def present(self, name: str) -> int:
        return len(self.annex("find", cwd=self.root / name).stdout.splitlines())

    def assert_sound(self, name: str) -> None:
        told = self.annex("fsck", cwd=self.root / name).stdout
        assert "fixing" not in told and "failed" not in told


@pytest.fixture
def place(tmp_path: Path, home: Home, cli: Program, annex: Program, git: Program) -> Place:
    return Place(tmp_path, home, cli, annex, git)


@pytest.mark.parametrize(
    ("coming", "going"),
    [
        (NEVER, NEVER),
        ("others:placing:show:1", "others:dropping:_unlinked:1"),
        ("others:placing:show:9", "others:dropping:_unlinked:10"),
        ("others:placing:_copied:6", "others:dropping:_is_copy:15"),
    ],
)
def test_what_another_process_leaves_undone_is_done(place: Place, coming: str, going: str) -> None:
    place.act(coming, "get", ".")
    assert place.present("clone") == FILES
    place.assert_sound("clone")
    place.act(going, "drop", ".")
    if going == NEVER:
        assert not list(place.root.glob("*/.git/annex/othertmp/*"))
        assert not list(place.root.glob("*/.git/annex/objects/**/*.lck"))
    assert place.present("clone") == 0
    assert place.present("source") == FILES
    place.assert_sound("clone")
    place.assert_sound("source")


@pytest.mark.parametrize("coming", [NEVER, "others:placing:show:7", "others:placing:_copied:3"])
def test_a_push_brings_all(place: Place, coming: str, cli: Program) -> None:
    cli("clone", place.root / "source", place.root / "sibling", cwd=place.root)
    place.git("checkout", "-q", "-b", "other", cwd=place.root / "sibling")
    cli("get", ".", cwd=place.root / "clone")
    cli("siblings", "add", "-s", "friend", "--url", place.root / "sibling", cwd=place.root / "clone")
    place.act(coming, "push", "--to", "friend")
    assert place.present("sibling") == FILES
    place.assert_sound("sibling")
    place.assert_sound("clone")


@pytest.mark.parametrize(
    "dies",
    [
        NEVER,
        "others:storing:_stored:1",
        "others:storing:_link_into_store:7",
        "others:storing:_put_link:4",
        "caller:storing:_put_link:5",
        "caller:storing:_link_into_store:20",
    ],
)
def test_a_save_takes_all_in(place: Place, dies: str) -> None:
    source = place.root / "source"
    for number in range(FILES):  # each content twice, and some of them next to each other
        (source / f"new-{number:03}.dat").write_text(f"new {number // 2}\n")
        (source / f"again-{number:03}.dat").write_text(f"new {number % 9}\n")
    place.act(dies, "save", "-m", "more", cwd="source")
    if dies.startswith("caller"):
        place.act(NEVER, "save", "-m", "more", cwd="source")
    assert not place.git("status", "--porcelain", cwd=source).stdout
    assert place.present("source") == 3 * FILES
    for number in range(FILES):
        assert (source / f"new-{number:03}.dat").read_text() == f"new {number // 2}\n"
        assert (source / f"again-{number:03}.dat").read_text() == f"new {number % 9}\n"
    place.assert_sound("source")


@pytest.mark.parametrize("moment", [5, 9, 30])
def test_after_the_death_of_the_command_it_is_done_by_the_same_command(place: Place, moment: int) -> None:
    place.act(f"caller:placing:show:{moment}", "get", ".")
    place.act(NEVER, "get", ".")
    assert place.present("clone") == FILES
    place.assert_sound("clone")
    place.act(f"caller:dropping:_unlinked:{moment}", "drop", ".")
    place.act(NEVER, "drop", ".")
    assert place.present("clone") == 0
    assert place.present("source") == FILES
    place.assert_sound("source")
    place.assert_sound("clone")
