"""What each further file costs a command in memory: Python's own count of bytes, the same on every machine.

A number here may fall, and is then lowered; if it has to rise, the change says why.
"""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.inside import Inside
from support.programs import Program
from support.samples import write_tree

pytestmark = pytest.mark.native

# What a program says comes in pieces of up to 64 KiB, which take up to 250 KB here whatever the number of files
# is: so many that both sizes have them.
SIZES = [(1_000, 3_000), pytest.param((20_000, 100_000), marks=pytest.mark.campaign)]

# At most, for each further file, at the moment when it is most.  With very many files most commands need less for each,
# since 10,000 entries are read, or an eighth of all keys told to the log, at a time.  Where programs are listened to,
# the count comes in steps of 36 bytes (72 KB in all), by how much they had said when it was looked: `whereis` had 525,
# 562, 586, 622 and 701, and a limit has to leave room for two such steps.
LIMITS = {
    "save": 1_000,
    "status": 90,
    "status --annex all": 650,
    "whereis": 780,
    "get": 1_000,
    "get of nothing": 700,
    "drop": 1_000,
    "whereis of what is gone": 780,
    "push": 1_000,
    "unlock": 1_000,
}


@pytest.fixture(autouse=True)
def counting() -> Iterator[None]:
    # Python's table of interned texts doubles at some moment, which is a megabyte that no file costs: room for all.
    room = [sys.intern(f"room {number}") for number in range(100_000)]
    tracemalloc.start(1)
    yield
    tracemalloc.stop()
    room.clear()


class Journey:
    """A dataset with so many files on its way; of each step the most memory is noted that it had in use."""

    def __init__(self, root: Path, inside: Inside, git: Program, count: int) -> None:
        self.root, self.inside, self.git, self.count = root, inside, git, count
        self.peaks: dict[str, int] = {}

    def step(self, name: str, *words: str, cwd: str = "ds", code: int = 0) -> None:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        # What is shown would be kept here, by the test; `status` leaves out more the less is shown.
        quiet = () if words[0] == "status" else ("--output-format", "disabled")
        self.inside(*quiet, *words, cwd=self.root / cwd, code=code)
        self.peaks[name] = tracemalloc.get_traced_memory()[1] - before

    def travel(self) -> dict[str, int]:
        ds = self.root / "ds"
        write_tree(ds, {f"some/{n % 50}/file-{n}.dat": f"content {n}" for n in range(self.count)})
        self.step("save", "save", "-m", "all")
        self.step("status", "status")
        self.step("status --annex all", "status", "--annex", "all")
        self.step("whereis", "whereis")
        self.inside("clone", ds, self.root / "clone")
        self.step("get", "get", ".", cwd="clone")
        assert (self.root / "clone/some/0/file-0.dat").exists()
        self.step("get of nothing", "get", ".", cwd="clone")
        self.step("drop", "drop", ".", cwd="clone")
        assert not (self.root / "clone/some/0/file-0.dat").exists()
        (ds / ".git/annex/objects").rename(self.root / "elsewhere")
        self.step("whereis of what is gone", "whereis", code=1)
        (self.root / "elsewhere").rename(ds / ".git/annex/objects")
        self.push(ds)
        self.step("unlock", "unlock", ".")
        assert not (ds / "some/0/file-0.dat").is_symlink()
        return self.peaks

    def push(self, ds: Path) -> None:
        sibling = self.root / "sibling.git"
        self.git("init", "--bare", "-q", sibling)
        self.git("annex", "init", "-q", cwd=sibling)
        self.git("remote", "add", "sibling", sibling, cwd=ds)
        self.step("push", "push", "--to", "sibling")
        assert any((sibling / "annex/objects").glob("*/*/*/*"))


@pytest.mark.timeout(3600)  # the campaign
@pytest.mark.parametrize("sizes", SIZES)
def test_what_a_further_file_costs_in_memory(
    sizes: tuple[int, int], tmp_path: Path, inside: Inside, git: Program, new_dataset: Callable[..., Path]
) -> None:
    peaks = []
    for count in (10, *sizes):  # the first loads all modules
        new_dataset(f"{count}/ds", files={})
        peaks.append(Journey(tmp_path / str(count), inside, git, count).travel())
    _, few, many = peaks
    each = {name: (many[name] - few[name]) // (sizes[1] - sizes[0]) for name in LIMITS}
    over = {name: (each[name], most) for name, most in LIMITS.items() if each[name] > most}
    assert not over, str(each)
