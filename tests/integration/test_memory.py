"""What each further file costs a command in memory: Python's own count of bytes, the same on every machine.

A number here may fall, and is then lowered; if it has to rise, the change says why.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.inside import Inside
from support.samples import write_tree

pytestmark = pytest.mark.native

FEW, MANY = 400, 1_200

# At most, for each further file, at the moment when it is most.  With very many files `get` needs less for each, since
# it tells the log of an eighth of them at a time.
LIMITS = {
    "save": 1_850,
    "status": 60,
    "status --annex all": 750,
    "whereis": 850,
    "get": 1_250,
    "get of nothing": 750,
    "drop": 1_250,
}


@pytest.fixture(autouse=True)
def counting() -> Iterator[None]:
    tracemalloc.start(1)
    yield
    tracemalloc.stop()


class Journey:
    """A dataset with so many files on its way; of each step the most memory is noted that it had in use."""

    def __init__(self, root: Path, inside: Inside, count: int) -> None:
        self.root, self.inside, self.count = root, inside, count
        self.peaks: dict[str, int] = {}

    def step(self, name: str, *words: str, cwd: str = "ds") -> None:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        self.inside("--report-status", "error", *words, cwd=self.root / cwd)
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
        return self.peaks


def test_what_a_further_file_costs_in_memory(
    tmp_path: Path, inside: Inside, new_dataset: Callable[..., Path]
) -> None:
    peaks = []
    for count in (10, FEW, MANY):  # the first loads all modules
        new_dataset(f"{count}/ds", files={})
        peaks.append(Journey(tmp_path / str(count), inside, count).travel())
    _, few, many = peaks
    each = {name: (many[name] - few[name]) // (MANY - FEW) for name in LIMITS}
    over = {name: (each[name], most) for name, most in LIMITS.items() if each[name] > most}
    assert not over, str(each)
