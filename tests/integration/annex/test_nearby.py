"""Content between repositories on this machine: what we do ourselves leaves what git-annex would have left."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from rookery.annex import content
from rookery.annex.files import index_files
from rookery.annex.nearby import content_locks
from rookery.annex.outcome import Outcome
from support.clones import NOW, REPOSITORIES, World, build
from support.counting import Started
from support.deeds import (
    drops,
    drops_some_that_need_two_copies,
    drops_what_an_untrusted_place_has,
    drops_what_is_only_claimed_to_be_elsewhere,
    gets,
    gets_from_the_source,
    gets_what_is_spoilt_or_gone,
    sends,
    sends_by_the_log,
    sends_what_is_there,
)
from support.home import Home
from support.killing import Killing, spread
from support.locking import held
from support.programs import Program

pytestmark = pytest.mark.native

Count = Callable[[], AbstractContextManager[Started]]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("template")


@pytest.fixture
def world(template: Path, home: Home, git: Program, tmp_path: Path) -> World:
    made = World(template / "world", home.env, git)
    if not made.root.exists():
        build(made)
    shutil.copytree(made.root, tmp_path / "world", symlinks=True)
    return made._replace(root=tmp_path / "world")


# --- the same as git-annex ------------------------------------------------------------------------


def sends_to_a_work_tree(world: World) -> list[Outcome]:
    world.annex("clone", "get", "-q", "a.dat")
    return world.send("source", "clone")


def drops_by_force(world: World) -> list[Outcome]:
    return world.act("source", "drop", options=["--force"])


def drops_what_is_required(world: World) -> list[Outcome]:
    world.annex("clone", "get", "-q")
    world.annex("clone", "required", "here", "include=*.sh and (copies=1 or lackingcopies=3)")
    return world.act("clone", "drop")


def drops_what_only_git_annex_knows_to_be_required(world: World) -> list[Outcome]:
    world.annex("clone", "get", "-q")
    world.annex("clone", "metadata", "-q", "a.dat", "-s", "keep=yes")
    world.annex("clone", "required", "here", "metadata=keep=yes")
    return world.act("clone", "drop")


ACTS = [
    gets,
    gets_from_the_source,
    gets_what_is_spoilt_or_gone,
    sends,
    sends_by_the_log,
    sends_what_is_there,
    sends_to_a_work_tree,
    drops,
    drops_some_that_need_two_copies,
    drops_what_is_only_claimed_to_be_elsewhere,
    drops_by_force,
    drops_what_is_required,
    drops_what_only_git_annex_knows_to_be_required,
    drops_what_an_untrusted_place_has,
]

# In these git-annex has to do all of it.
LEFT_TO_GIT_ANNEX = {drops_what_only_git_annex_knows_to_be_required}


def comparable(outcomes: list[Outcome]) -> list[tuple[Any, ...]]:
    return sorted((o.path or "", o.key, o.ok, o.silent, o.note, o.errors) for o in outcomes)


@pytest.mark.parametrize("act", ACTS)
def test_it_is_as_git_annex_would_have_left_it(
    act: Callable[[World], list[Outcome]], world: World, count_programs: Count
) -> None:
    other = world.copy("other")
    for name in REPOSITORIES:
        other.set(name, "rookery.engine", "stock")
    with count_programs() as by_annex:
        theirs = act(other)
    with count_programs() as by_us:
        ours = act(world)
    assert comparable(ours) == comparable(theirs)
    assert world.state() == other.state()
    started = [argv for argv in by_us.programs if argv[0] == "git-annex"]
    assert len(started) <= len([argv for argv in by_annex.programs if argv[0] == "git-annex"])
    assert any("fast-import" in argv for argv in by_us.programs) == (act not in LEFT_TO_GIT_ANNEX)


# --- how many programs, and in whose company ------------------------------------------------------


def many(world: World, number: int) -> None:
    for n in range(number):
        (world.root / "source" / f"many{n}.dat").write_bytes(b"one of many %d" % n)
    world.annex("source", "add", "-q", ".")
    world.git("commit", "-qm", "Many", cwd=world.root / "source")
    world.git("pull", "-q", "origin", "main", cwd=world.root / "clone")
    world.git("fetch", "-q", "origin", cwd=world.root / "clone")


def paths(number: int) -> list[str]:
    return [f"many{n}.dat" for n in range(number)]


def test_the_number_of_programs_does_not_grow_with_the_files(world: World, count_programs: Count) -> None:
    many(world, 120)
    counts = []
    for some in (paths(120)[:36], paths(120)[36:]):  # of up to 32, objects are read in process
        repo = world.repo("clone")
        with count_programs() as started:
            assert all(o.note == "from origin..." for o in world.act("clone", "get", some))
            keys = [f.key for f in index_files(repo) if f.path in some]
            sent = content.transfer_keys(repo, "copy", keys, to_remote="bare", clock=lambda: NOW)
            assert all(o.note == "to bare..." for o in sent)
            assert all(o.ok and not o.silent for o in world.act("clone", "drop", some))
        assert not [argv for argv in started.programs if argv[0] == "git-annex"]
        counts.append(len(started))
    assert counts[1] <= counts[0] + 4 < 60


def test_content_that_somebody_keeps_is_not_dropped(world: World) -> None:
    world.annex("clone", "get", "-q", "a.dat")
    place = world.object("clone", "a.dat")
    with held(lock_of(place), "LOCK_SH"):
        (outcome,) = world.act("clone", "drop", ["a.dat"])
        assert not outcome.ok
    assert place.exists()
    assert "[here]" in world.annex("clone", "whereis", "a.dat")


def test_a_copy_that_is_being_dropped_does_not_count(world: World) -> None:
    world.annex("clone", "get", "-q", "a.dat")
    with held(lock_of(world.object("source", "a.dat")), "LOCK_EX"):
        (outcome,) = world.act("clone", "drop", ["a.dat"])
    assert not outcome.ok
    assert (world.root / "clone/a.dat").exists()


def test_a_copy_that_was_promised_to_be_kept_stays(world: World) -> None:
    world.annex("clone", "get", "-q", "a.dat")
    place = world.object("clone", "a.dat")
    place.with_name(place.name + ".rtm").write_text("99999999999")
    world.act("clone", "drop", ["a.dat"])
    assert place.exists()


def test_git_annex_sees_that_we_keep_a_copy(world: World) -> None:
    world.annex("clone", "get", "-q", "a.dat")
    place = world.object("source", "a.dat")
    with content_locks.kept(str(place)):
        world.annex("source", "drop", "--force", "a.dat", code=1)
        assert place.exists()
    world.annex("source", "drop", "--force", "a.dat")


def lock_of(place: Path) -> Path:
    return place.with_name(f"{place.name}.lck")


@pytest.mark.parametrize("other", ["rookery", "git-annex"])
def test_two_drops_at_once_never_take_the_last_copy(world: World, cli: Program, other: str) -> None:
    many(world, 30)
    world.annex("clone", "get", "-q")
    keys = {f.key: f.path for f in index_files(world.repo("clone"))}
    rookery = [*cli.argv, "drop", "."]
    commands = {
        "clone": rookery,
        "source": rookery if other == "rookery" else ["git", "annex", "drop", "--quiet"],
    }
    running = [
        subprocess.Popen(
            words, cwd=world.root / name, env=cli.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for name, words in commands.items()
    ]
    for process in running:
        assert process.wait(120) in (0, 1)
    lost = [
        path
        for key, path in keys.items()
        if not any(content_locks.object_here(world.repo(name), key) for name in commands)
    ]
    assert not lost
    for name in commands:
        world.annex(name, "fsck", "--quiet", "--numcopies=1")


def test_a_get_beside_drops_never_claims_what_is_not_there(world: World, cli: Program) -> None:
    many(world, 30)
    silent: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    get = subprocess.Popen([*cli.argv, "get", "."], cwd=world.root / "clone", env=cli.env, **silent)
    while get.poll() is None:
        world.annex("clone", "drop", "--quiet", code=None)
    world.annex("clone", "fsck", "--quiet")
    assert claimed(world) == {f.key for f in index_files(world.repo("clone")) if f.present}


def claimed(world: World) -> set[str]:
    """Give the keys that the log of the clone places there."""
    told = map(json.loads, world.annex("clone", "whereis", "--json").splitlines())
    return {one["key"] for one in told if any(place["here"] for place in one["whereis"])}


# --- what a killed one leaves ---------------------------------------------------------------------


def test_what_a_killed_get_brought_is_told_by_the_next_one(world: World) -> None:
    repo = world.repo("clone")
    files = [(f.path, f.key) for f in index_files(repo) if f.path in ("a.dat", "run.sh")]
    pid = os.fork()
    if pid == 0:  # it dies between bringing and telling
        running = content.transfer(repo, "get", files, clock=lambda: NOW)
        next(running)
        os._exit(0)
    os.waitpid(pid, 0)
    assert (world.root / "clone/a.dat").exists()
    assert "[here]" not in world.annex("clone", "whereis", "a.dat")
    world.act("clone", "get", ["run.sh"])
    assert "[here]" in world.annex("clone", "whereis", "a.dat")
    assert not list((world.root / "clone/.git/rookery").iterdir())


def test_a_get_that_is_given_up_tells_what_has_come(world: World) -> None:
    repo = world.repo("clone")
    files = [(f.path, f.key) for f in index_files(repo) if f.path in ("a.dat", "run.sh")]
    running = content.transfer(repo, "get", files, clock=lambda: NOW)
    next(running)
    running.close()  # type: ignore[attr-defined]  # it is a generator
    assert claimed(world) == {f.key for f in index_files(repo) if f.present}


# --- what is left to git-annex --------------------------------------------------------------------


def set_here(key: str, value: str) -> Callable[[World], None]:
    return lambda world: world.set("clone", key, value)


def set_there(key: str, value: str) -> Callable[[World], None]:
    return lambda world: world.set("source", key, value)


def with_a_hook(world: World) -> None:
    hook = world.root / "clone/.git/hooks/freezecontent-annex"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\n")
    hook.chmod(0o755)


def with_another_work_tree(world: World) -> None:
    world.git("worktree", "add", "-q", world.root / "tree", "-b", "other", cwd=world.root / "clone")


def adjusted(world: World) -> None:
    world.annex("clone", "adjust", "-q", "--unlock")


def to_another_place(world: World) -> None:
    world.set("clone", "remote.origin.annex-uuid", "00000000-1111-2222-3333-444444444444")


# --- shared instead of copied ---------------------------------------------------------------------


def links(world: World, name: str) -> list[int]:
    """Count the names that each object of a repository has on the disk."""
    keys = {f.key for f in index_files(world.repo("source"))}
    places = (content_locks.object_here(world.repo(name), key) for key in sorted(keys))
    return [os.stat(place).st_nlink for place in places if place is not None]


def _but_for_the_writable(world: World) -> dict[str, Any]:
    """Leave out the object that may be written to: git-annex shares it, we copy it."""
    state = world.state()
    for name in REPOSITORIES:
        objects = state[f"{name} objects"]
        state[f"{name} objects"] = {path: seen for path, seen in objects.items() if "worm.dat" not in path}
    return state


@pytest.mark.parametrize("who", ["clone", "source"])
@pytest.mark.parametrize("act", [gets_from_the_source, sends_to_a_work_tree])
def test_content_is_linked_where_either_side_wants_it(
    who: str, act: Callable[[World], list[Outcome]], world: World, count_programs: Count
) -> None:
    world.set(who, "annex.hardlink", "true")
    other = world.copy("other")
    for name in REPOSITORIES:
        other.set(name, "rookery.engine", "stock")
    theirs = act(other)
    with count_programs() as started:
        ours = act(world)
    assert any("fast-import" in argv for argv in started.programs)  # it was us
    assert comparable(ours) == comparable(theirs)
    assert _but_for_the_writable(world) == _but_for_the_writable(other)
    assert 2 in links(world, "clone")
    assert world.annex("clone", "fsck", "-q") == ""


@pytest.mark.parametrize("harm", ["content", "mode"])
def test_what_may_not_be_shared_is_not_linked(harm: str, world: World) -> None:
    world.set("clone", "annex.hardlink", "true")
    (key,) = (f.key for f in index_files(world.repo("source")) if f.path == "a.dat")
    place = content_locks.object_here(world.repo("source"), key)
    assert place is not None
    os.chmod(place, 0o644)
    if harm == "content":
        with open(place, "r+b") as file:
            file.write(b"wrong")
        os.chmod(place, 0o444)
    files = [(f.path, f.key) for f in index_files(world.repo("clone")) if f.path == "a.dat"]
    outcomes = list(content.transfer(world.repo("clone"), "get", files, clock=lambda: NOW))
    if harm == "mode":
        assert [o.ok for o in outcomes] == [True]
        assert os.stat(world.root / "clone" / "a.dat").st_nlink == 1
    assert os.stat(place).st_nlink == 1 or harm == "content"  # which git-annex links unread


ODD = {
    "bandwidth limit": set_here("annex.bwlimit", "1MB"),
    "another engine": set_here("rookery.engine", "stock"),
    "no verification": set_here("annex.verify", "false"),
    "freezing": set_here("annex.freezecontent-command", "true"),
    "unknown setting": set_here("annex.something-new", "1"),
    "secure hashes": set_here("annex.securehashesonly", "true"),
    "shared repository, in a word of its own": set_here("core.sharedRepository", "yes"),
    "costs": set_here("remote.bare.annex-cost", "1"),
    "start command": set_here("remote.origin.annex-start-command", "true"),
    "rewritten address": set_here("url./elsewhere/.insteadOf", "../source"),
    "older version there": set_there("annex.version", "8"),
    "pid locks there": set_there("annex.pidlock", "true"),
    "a hook": with_a_hook,
    "two work trees": with_another_work_tree,
    "adjusted branch": adjusted,
    "another uuid": to_another_place,
}


@pytest.mark.parametrize("oddity", ODD)
def test_where_git_annex_may_do_otherwise_it_does_it(
    oddity: str, world: World, count_programs: Count
) -> None:
    ODD[oddity](world)
    repo = world.repo("clone")
    files = [(f.path, f.key) for f in index_files(repo) if f.path == "a.dat"]
    with count_programs() as started:
        list(content.transfer(repo, "get", files, clock=lambda: NOW))
    assert any(argv[:2] == ("git-annex", "get") for argv in started.programs)
    assert not any("fast-import" in argv for argv in started.programs)


def test_no_lock_file_is_left(world: World) -> None:
    world.act("clone", "get")
    world.act("clone", "drop")
    assert not list(world.root.rglob("*.dat.lck"))


def test_locks_of_open_files_are_what_this_system_has() -> None:
    assert content_locks.supported() == hasattr(fcntl, "F_OFD_SETLK")


def leftovers(root: Path) -> Iterator[Path]:
    return (p for p in root.rglob("*") if p.name.startswith(".rookery."))


def test_a_source_that_is_spoilt_leaves_nothing_half(world: World) -> None:
    gets_what_is_spoilt_or_gone(world)
    assert not list(leftovers(world.root / "clone"))


@pytest.mark.parametrize("line", ["get .", "drop .", "push --to bare --data anything"])
def test_claims_are_right_again_after_a_death_and_another_run(
    line: str, world: World, home: Home, tmp_path: Path
) -> None:
    world.annex("clone", "get", "-q")
    if line == "get .":
        world.annex("clone", "drop", "-q")
    words = line.split()
    killing = Killing(home.env, tmp_path / "steps")
    steps = killing.steps(words, world.copy("whole").root / "clone")
    for step in spread(steps, 3):
        killed = world.copy(f"killed-{step}")
        killing.kill(words, killed.root / "clone", step)
        assert_no_claim_is_wrong(killed.copy(f"seen-{step}"))  # git annex fsck mends what it can
        killing.again(words, killed.root / "clone")
        assert claimed(killed) == {f.key for f in index_files(killed.repo("clone")) if f.present}
        if "push" in words:
            assert len(list((killed.root / "bare/annex/objects").rglob("*/*/*/*"))) == 9
        assert_no_claim_is_wrong(killed)


def assert_no_claim_is_wrong(world: World) -> None:
    for name in REPOSITORIES:
        world.annex(name, "fsck", "--quiet", "--all", "--numcopies=1")
