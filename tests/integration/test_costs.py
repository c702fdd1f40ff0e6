"""What a command costs, in programs and opened files: the same for five files as for sixty, and never more than now.

Seconds depend on the machine and the hour; these do not.  A number here may
fall, and is then lowered; if it has to rise, the change says why.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from support import situations
from support.counting import GitTrace, changes_made, files_opened, programs_started
from support.inside import Inside
from support.programs import Program
from support.samples import binary, write_tree
from support.web import WebServer

pytestmark = pytest.mark.native

FEW, MANY = 5, 60

# Git asks git-annex's filter again about small files that are as young as the index; that starts these many more.
YOUNG = 12


# What is small is read and written without a program: so many less for five files.
IN_PROCESS = 6


class Cost(NamedTuple):
    """Programs that Rookery starts, git-annex among them, all `git` below any; files opened, names or modes changed."""

    programs: int
    annexes: int
    gits: int
    opened: int
    changed: int


# Programs that make a dataset.
MAKING = 10

# At most, with any number of files: programs, git-annex among them, and files opened for each file that moves.
LIMITS = {
    "save": (11, 0, 1),
    "status": (2, 0, 0),
    "status --annex all": (2, 0, 0),
    "whereis": (4, 0, 0),
    "save of one": (11, 0, 0),
    "save of nothing": (2, 0, 0),
    "get": (9, 0, 2),
    "get of nothing": (2, 0, 0),
    "drop": (16, 0, 1),
    # One may ask for an ancestor, in place of a push that only looks, which has two more below it.
    "push": (21, 1, 2),
    "push of nothing": (1, 0, 0),
    "push of one": (14, 0, 0),
    # More of our own since its branch is merged by us, and none of git-annex, which started as many itself.
    "update": (12, 0, 0),
    "update of nothing": (7, 0, 0),
}

# At most, for each file that moves: folders and files made, renamed, removed, given other permissions.
# Three folders for each content, which come or go with it; a lock that is moved to both copies and back.
CHANGES = {"save": 8, "get": 6, "drop": 12, "push": 6}

# Transfers at once find the same folder missing, and each tries to make it: as often as there are transfers, at most.
AT_ONCE = 8


class Journey:
    """A dataset with so many files on its way from `save` to `push`; each step is counted."""

    def __init__(self, root: Path, inside: Inside, count: int) -> None:
        self.root, self.inside, self.count = root, inside, count
        self.costs: dict[str, Cost] = {}

    def step(self, name: str, *words: str, cwd: str = "ds") -> list[str]:
        trace = GitTrace(self.root / "trace" / name)
        with pytest.MonkeyPatch.context() as patch, programs_started() as started:
            patch.setenv("GIT_TRACE2_EVENT", trace.env["GIT_TRACE2_EVENT"])
            with files_opened(self.root) as opened, changes_made(self.root) as changed:
                lines = self.inside(*words, cwd=self.root / cwd).lines
        annexes = [argv for argv in started.programs if argv[0] == "git-annex"]
        self.costs[name] = Cost(len(started), len(annexes), len(trace.commands()), len(opened), len(changed))
        return lines

    def travel(self, annex: Program, git: Program) -> dict[str, Cost]:
        ds, bare = self.root / "ds", self.root / "bare"
        write_tree(ds, {f"data/{n}.dat": binary(1000, seed=n) for n in range(self.count)})
        assert self.step("save", "save", "-m", "all")[-1] == "  save (ok: 1)"
        self.step("status", "status")
        self.step("status --annex all", "status", "--annex", "all")
        assert sum(".dat" in line for line in self.step("whereis", "whereis")) == self.count
        write_tree(ds, {"new.dat": binary(1000, seed=1000)})
        self.step("save of one", "save", "-m", "one")
        assert self.step("save of nothing", "save", "-m", "none") == []
        self.inside("clone", ds, self.root / "clone")
        self.step("get", "get", ".", cwd="clone")
        assert (self.root / "clone" / "data" / "0.dat").exists()
        self.step("get of nothing", "get", ".", cwd="clone")
        self.step("drop", "drop", ".", cwd="clone")
        assert not (self.root / "clone" / "data" / "0.dat").exists()
        git("init", "-q", "--bare", bare)
        annex("init", "-q", cwd=bare)
        git("remote", "add", "bare", bare, cwd=ds)
        self.step("push", "push", "--to", "bare")
        self.step("push of nothing", "push", "--to", "bare")
        write_tree(ds, {"newer.dat": binary(1000, seed=1001)})
        # A log that says what one of the same second says, and is packed, would be no file of its own to read.
        time.sleep(1.1)
        self.inside("save", "-m", "newer", cwd=ds)
        self.step("push of one", "push", "--to", "bare")
        assert len([p for p in bare.glob("annex/objects/*/*/*/*.dat") if p.is_file()]) == self.count + 2
        self.step("update", "update", "-s", "origin", "--how", "merge", cwd="clone")
        assert (self.root / "clone" / "newer.dat").is_symlink()
        self.step("update of nothing", "update", "-s", "origin", "--how", "merge", cwd="clone")
        return self.costs


def test_what_commands_cost_does_not_grow_with_the_files(
    tmp_path: Path, inside: Inside, new_dataset: Callable[..., Path], annex: Program, git: Program
) -> None:
    costs = []
    for count in (FEW, MANY):
        new_dataset(f"{count}/ds", files={})
        costs.append(Journey(tmp_path / str(count), inside, count).travel(annex, git))
    few, many = costs
    assert list(few) == list(LIMITS)
    for name, (programs, annexes, opened) in LIMITS.items():
        assert many[name].programs <= programs, f"{name}: {many[name]}"
        assert many[name].annexes <= annexes, f"{name}: {many[name]}"
        assert many[name].programs <= few[name].programs + IN_PROCESS, f"{name}: {few[name]}, {many[name]}"
        assert many[name].gits <= few[name].gits + YOUNG + IN_PROCESS, f"{name}: {few[name]}, {many[name]}"
        assert many[name].opened - few[name].opened <= opened * (MANY - FEW) + IN_PROCESS, (
            f"{name}: {few[name]}, {many[name]}"
        )
    for name, changed in CHANGES.items():
        assert many[name].changed - few[name].changed <= changed * (MANY - FEW) + AT_ONCE, (
            f"{name}: {few[name]}, {many[name]}"
        )


def test_what_a_group_shares_is_no_work_for_git_annex(
    tmp_path: Path, inside: Inside, new_dataset: Callable[..., Path], annex: Program, git: Program
) -> None:
    ds, clone, bare = new_dataset("ds", files={}), tmp_path / "clone", tmp_path / "bare"
    git("init", "-q", "--bare", "--shared=all", bare)
    annex("init", "-q", cwd=bare)
    git("init", "-q", "--shared=group", cwd=ds)
    git("remote", "add", "bare", bare, cwd=ds)
    write_tree(ds, {f"data/{n}.dat": binary(1000, seed=n) for n in range(FEW)})
    inside("clone", ds, clone)
    git("init", "-q", "--shared=0660", cwd=clone)
    steps = (
        ("save", "-m", "all"),
        ("push", "--to", "bare"),
        ("update", "-s", "origin", "--how", "merge"),
        ("get", "."),
        ("drop", "."),
    )
    for words in steps:
        with programs_started() as started:
            inside(*words, cwd=ds if words[0] in ("save", "push") else clone)
        annexes = [argv for argv in started.programs if argv[0] == "git-annex"]
        assert len(annexes) <= (LIMITS[words[0]][1]), (words, annexes)
    assert (ds / "data" / "0.dat").is_symlink()
    assert len([p for p in bare.glob("annex/objects/*/*/*/*.dat") if p.is_file()]) == FEW
    assert not list(clone.glob(".git/annex/objects/*/*/*/*.dat"))


def test_what_a_new_dataset_costs(tmp_path: Path, inside: Inside) -> None:
    with programs_started() as started:
        inside("create", "ds", cwd=tmp_path)
    assert len(started) <= MAKING
    assert [argv for argv in started.programs if argv[0] == "git-annex"] == []


def test_a_file_from_the_web_is_asked_for_once(
    inside: Inside, new_dataset: Callable[..., Path], web: WebServer
) -> None:
    ds = new_dataset("ds", files={})
    urls = [web.put(f"{n}.dat", binary(100, seed=n)) for n in range(9)]
    inside("download-url", *urls, cwd=ds)
    assert sorted((r.method, r.path) for r in web.requests) == [("GET", f"/{n}.dat") for n in range(9)]
    web.requests.clear()
    (ds.parent / "table.csv").write_text(
        "url,name\n" + "".join(f"{url},in/{n}\n" for n, url in enumerate(urls))
    )
    inside("addurls", "-d", ".", "../table.csv", "{url}", "{name}", cwd=ds)
    assert sorted((r.method, r.path) for r in web.requests) == [("GET", f"/{n}.dat") for n in range(9)]


# Programs that each further subdataset adds, at most.
EACH = {"status -r": 1, "save -r": 7, "save -r of nothing": 2}


def test_what_a_further_subdataset_costs(
    tmp_path: Path, inside: Inside, new_dataset: Callable[..., Path]
) -> None:
    costs: dict[int, dict[str, int]] = {}
    for count in (2, 6):
        root = new_dataset(f"{count}", files={})
        for n in range(count):
            situations.make_repository(root / f"sub-{n}", {"file": str(n)})
        inside("save", "-d", ".", cwd=root)
        found = costs[count] = {}
        steps = {
            "status -r": ("status", "-r"),
            "save -r": ("save", "-r"),
            "save -r of nothing": ("save", "-r"),
        }
        for n in range(count):
            (root / f"sub-{n}" / "file").write_text("changed")
        for name, words in steps.items():
            with programs_started() as started:
                said = inside(*words, cwd=root).lines
            found[name] = len(started)
            assert any("sub-0" in line for line in said) is (name != "save -r of nothing"), said
    for name, limit in EACH.items():
        assert costs[6][name] - costs[2][name] <= 4 * limit, f"{name}: {costs}"
