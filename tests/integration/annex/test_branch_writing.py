"""Location logs written by us: what git-annex reads there, and what it finds beside its own writing."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.annex import branch, branch_commit, identity
from rookery.annex.branch_writing import NotForUs, record_presence
from rookery.annex.files import index_files
from rookery.annex.nearby.knowledge import told
from rookery.core.environment import program_environment
from rookery.core.errors import CommandError
from rookery.core.process import Runner
from rookery.git.repo import Repo, open_repo
from support.counting import programs_started
from support.home import Home
from support.killing import spread, until_alone
from support.programs import Program

pytestmark = pytest.mark.native

NOW = 1_800_000_000.25
OTHER = "11111111-2222-4333-8444-555555555555"


def key(number: int) -> str:
    return f"MD5E-s{number}--{number:032x}.dat"


def odd_keys() -> list[str]:
    return [
        f"WORM-s1-m2--{name}" for name in ('quo"te', "back\\slash", "per%cent", "co:lon", "ün", "a b", "x_y")
    ]


@pytest.fixture
def many(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """From so many logs on are their trees built by us."""
    monkeypatch.setattr(branch_commit, "MANY", request.param)


# Always, or almost never.
both_ways = pytest.mark.parametrize(
    "many", [1, branch_commit.MANY], ids=["trees of ours", "trees of Git's"], indirect=True
)


@pytest.fixture
def opened(home: Home) -> Callable[[Path], Repo]:
    runner = Runner(program_environment(home.env))
    return lambda path: open_repo(path, runner)


@pytest.fixture
def repo(tiny_dataset: Path, opened: Callable[[Path], Repo]) -> Repo:
    return opened(tiny_dataset)


def here(repo: Repo) -> str:
    uuid = identity.uuid(repo)
    assert uuid is not None
    return uuid


def said_here(annex: Program, repo: Repo, keys: list[str]) -> set[str]:
    """Give the keys that git-annex takes to be here."""
    told = annex(
        "whereis", "--json", "--batch-keys", cwd=repo.root, stdin="".join(f"{k}\n" for k in keys), code=None
    )
    uuid = here(repo)
    return {r["key"] for r in told.records if any(w["uuid"] == uuid for w in r["whereis"])}


def is_sound(git: Program, annex: Program, repo: Repo) -> None:
    git("fsck", "--no-dangling", cwd=repo.root)
    annex("fsck", "--fast", "--quiet", cwd=repo.root)
    assert git("status", "--porcelain", cwd=repo.root).text == ""


@both_ways
@pytest.mark.usefixtures("many")
def test_git_annex_reads_what_was_written_in_one_commit(repo: Repo, git: Program, annex: Program) -> None:
    keys = [*(key(n) for n in range(500)), *odd_keys()]
    before = git("rev-parse", "git-annex", cwd=repo.root).text
    record_presence(repo, ((k, here(repo), True) for k in keys), now=NOW)
    assert git("rev-parse", "git-annex~1", cwd=repo.root).text == before
    tip = git("rev-parse", "git-annex", cwd=repo.root).text
    assert (repo.gitdir / "annex" / "index.lck").read_text() == tip + "\n"
    index = {"GIT_INDEX_FILE": str(repo.gitdir / "annex" / "index")}
    assert (
        git("write-tree", cwd=repo.root, env=index).text
        == git("rev-parse", "git-annex^{tree}", cwd=repo.root).text
    )
    assert said_here(annex, repo, keys) == set(keys)
    assert git("rev-parse", "git-annex", cwd=repo.root).text == tip, (
        "git-annex had to do something to the branch"
    )
    is_sound(git, annex, repo)


def test_the_newest_fact_wins_whatever_the_clock_says(repo: Repo, annex: Program) -> None:
    uuid = here(repo)
    record_presence(repo, [(key(1), uuid, True), (key(2), uuid, True)], now=NOW)
    record_presence(repo, [(key(1), uuid, False)], now=NOW - 1_000_000)
    assert said_here(annex, repo, [key(1), key(2)]) == {key(2)}
    text = branch.logs_of_keys(repo, [key(1)])[key(1)]
    assert text == f"1800000001s 0 {uuid}\n"


def test_what_is_known_is_not_written_again(repo: Repo, git: Program, annex: Program) -> None:
    record_presence(repo, [(key(1), here(repo), True)], now=NOW)
    tip = git("rev-parse", "git-annex", cwd=repo.root).text
    record_presence(repo, [(key(1), here(repo), True)], now=NOW + 9)
    record_presence(repo, [], now=NOW)
    assert git("rev-parse", "git-annex", cwd=repo.root).text == tip


@pytest.mark.parametrize("journal", [True, False])
def test_what_was_said_is_said_again_if_somebody_wrote_meanwhile(
    repo: Repo, annex: Program, journal: bool
) -> None:
    uuid = here(repo)
    said = record_presence(repo, [(key(1), uuid, False), (key(2), uuid, False)], now=NOW)
    with programs_started() as started:
        told(repo, uuid, [key(1), key(2)], present=False, clock=lambda: NOW, said=said)
    assert len(started) == 0
    later = ["-c", "annex.alwayscommit=false"] if journal else []
    annex("setpresentkey", *later, key(1), uuid, "1", cwd=repo.root)
    told(repo, uuid, [key(1), key(2)], present=False, clock=lambda: NOW, said=said)
    assert said_here(annex, repo, [key(1), key(2)]) == set()


@both_ways
@pytest.mark.usefixtures("many")
def test_lines_of_others_and_unknown_lines_stay(repo: Repo, git: Program) -> None:
    name = branch.log_name(key(1))
    line = b"M 100644 inline %s\ndata <<E\n5s 1 %s\nwhat a later version writes\nE\n" % (
        name.encode(),
        OTHER.encode(),
    )
    head = b"commit refs/heads/git-annex\ncommitter a <a@b> 1 +0000\ndata 1\nx\nfrom refs/heads/git-annex^0\n"
    git("fast-import", "--quiet", cwd=repo.root, stdin=head + line)
    record_presence(repo, [(key(1), here(repo), True)], now=NOW)
    lines = git("show", f"git-annex:{name}", cwd=repo.root).lines
    assert sorted(lines) == sorted(
        [f"5s 1 {OTHER}", f"1800000000s 1 {here(repo)}", "what a later version writes"]
    )


@both_ways
@pytest.mark.usefixtures("many")
def test_the_journal_wins_and_is_emptied_of_ours_only(repo: Repo, git: Program, annex: Program) -> None:
    first, second, *_ = (file.key for file in index_files(repo))
    for one in (first, second):
        annex("setpresentkey", "-c", "annex.alwayscommit=false", one, OTHER, "1", cwd=repo.root)
    record_presence(repo, [(first, here(repo), False)], now=NOW)
    journal = {branch.unmangled(p.name) for p in (repo.gitdir / "annex" / "journal").iterdir()}
    assert journal == {branch.log_name(second)}
    lines = git("show", f"git-annex:{branch.log_name(first)}", cwd=repo.root).lines
    assert {line.split()[1:][0] + line.split()[2] for line in lines} == {"1" + OTHER, "0" + here(repo)}
    assert OTHER in annex("whereis", f"--key={second}", cwd=repo.root).text


@both_ways
@pytest.mark.usefixtures("many")
def test_a_fact_that_was_fetched_and_not_merged_is_outdone(
    repo: Repo, opened: Callable[[Path], Repo], git: Program, annex: Program, tmp_path: Path
) -> None:
    git("clone", "-q", repo.root, tmp_path / "clone")
    clone = opened(tmp_path / "clone")
    annex("init", "clone", cwd=clone.root)
    # somebody with a clock far ahead says something of us
    record_presence(repo, [(key(1), here(clone), False), (key(2), here(clone), True)], now=NOW + 1000)
    git("fetch", "-q", "origin", cwd=clone.root)
    record_presence(clone, [(key(1), here(clone), True), (key(2), here(clone), False)], now=NOW)
    assert said_here(annex, clone, [key(1), key(2)]) == {key(1)}
    assert (
        git("merge-base", "--is-ancestor", "origin/git-annex", "git-annex", cwd=clone.root, code=None).code
        == 0
    )


@pytest.mark.parametrize(
    "setting", ["annex.private=true", "annex.pidlock=true", "annex.alwayscommit=false", "annex.alwayscompact=false",
                "annex.tune.objecthash1=true", "remote.x.annex-private=true", "core.sharedRepository=yes",
                "annex.version=5"],
)  # fmt: skip
def test_what_git_annex_would_write_otherwise_is_refused(repo: Repo, git: Program, setting: str) -> None:
    name, _, value = setting.partition("=")
    git("config", name, value, cwd=repo.root)
    tip = git("rev-parse", "git-annex", cwd=repo.root).text
    with pytest.raises(NotForUs):
        record_presence(repo, [(key(1), here(repo), True)], now=NOW)
    assert git("rev-parse", "git-annex", cwd=repo.root).text == tip
    assert not list((repo.gitdir / "annex" / "journal").iterdir())


def test_hooks_of_git_annex_are_left_to_it(repo: Repo) -> None:
    hook = repo.gitdir / "hooks" / "post-update-annex"
    hook.write_text("#!/bin/sh\n")
    hook.chmod(0o755)
    with pytest.raises(NotForUs, match="post-update-annex"):
        record_presence(repo, [(key(1), here(repo), True)], now=NOW)


@both_ways
@pytest.mark.usefixtures("many")
def test_the_number_of_programs_does_not_depend_on_that_of_keys(repo: Repo) -> None:
    counts = []
    for first, end in ((0, 1), (1, 301), (301, 2500)):
        with programs_started() as started:
            record_presence(repo, ((key(n), here(repo), True) for n in range(first, end)), now=NOW)
        counts.append(len(started))
    assert max(counts) <= 13, counts


WRITER = """
import sys
from pathlib import Path
from rookery.annex import branch_commit, identity
from rookery.annex.branch_writing import record_presence
from rookery.core.environment import program_environment
from rookery.core.process import Runner
from rookery.git.repo import open_repo
import os
root, first, count, times, limit, branch_commit.MANY = Path(sys.argv[1]), *map(int, sys.argv[2:])
repo = open_repo(root, Runner(program_environment(os.environ)))
uuid, seen = identity.uuid(repo), 0
def step(event, args):
    global seen
    if event in ("os.rename", "os.remove", "subprocess.Popen") or (
        event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR)
    ):
        seen += 1
        if seen == limit:
            os.kill(os.getpid(), 9)
sys.addaudithook(step)
for at in range(times):
    keys = (f"MD5E-s{n}--{n:032x}.dat" for n in range(first + at * count, first + (at + 1) * count))
    record_presence(repo, ((key, uuid, True) for key in keys), now=1_800_000_000)
print(seen)
"""


def writer(home: Home, repo: Repo, *numbers: int) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", WRITER, str(repo.root), *map(str, numbers), str(branch_commit.MANY)]
    return subprocess.Popen(argv, env=home.env, stdout=subprocess.PIPE, text=True, start_new_session=True)


@pytest.mark.parametrize("many", [1], indirect=True)
@pytest.mark.usefixtures("many")
def test_trees_that_cannot_be_stored_are_told_and_nothing_is_written(
    repo: Repo, git: Program, tmp_path: Path
) -> None:
    broken = tmp_path / "git"
    broken.write_text(f"""#!/bin/sh
test "$1" != index-pack || {{ echo fatal: No space left on device >&2; exit 128; }}
exec {shutil.which("git")} "$@"
""")
    broken.chmod(0o755)
    tip = git("rev-parse", "git-annex", cwd=repo.root).text
    path = f"{tmp_path}:{repo.runner.env['PATH']}"
    with pytest.raises(CommandError, match="No space left"):
        record_presence(repo.with_env(PATH=path), [(key(1), here(repo), True)], now=NOW)
    assert git("rev-parse", "git-annex", cwd=repo.root).text == tip
    record_presence(repo, [(key(1), here(repo), True)], now=NOW)
    git("fsck", "--no-dangling", cwd=repo.root)
    assert branch.locations(repo, [key(1)])[key(1)]


@both_ways
@pytest.mark.usefixtures("many")
def test_two_of_ours_and_git_annex_at_once_lose_no_line(
    home: Home, repo: Repo, git: Program, annex: Program
) -> None:
    first, second = writer(home, repo, 0, 40, 8, 0), writer(home, repo, 1000, 40, 8, 0)
    theirs = [key(5000 + n) for n in range(12)]
    for one in theirs:
        annex("setpresentkey", one, here(repo), "1", cwd=repo.root)
    for one in (first, second):
        assert one.wait(100) == 0
        one.communicate()
    keys = [*theirs, *map(key, range(320)), *map(key, range(1000, 1320))]
    assert said_here(annex, repo, keys) == set(keys)
    is_sound(git, annex, repo)


@both_ways
@pytest.mark.usefixtures("many")
def test_a_death_at_any_point_loses_no_line(
    home: Home, repo: Repo, git: Program, annex: Program, tmp_path: Path
) -> None:
    known, dirty = next(iter(index_files(repo))).key, key(7)
    annex("setpresentkey", "-c", "annex.alwayscommit=false", dirty, OTHER, "1", cwd=repo.root)

    def copied(name: str) -> Repo:
        shutil.copytree(repo.root, tmp_path / name, symlinks=True)
        return open_repo(tmp_path / name, repo.runner)

    whole = writer(home, copied("whole"), 5, 5, 1, 0)
    steps = int(whole.communicate()[0])
    for step in spread(steps, 8):
        one = copied(f"killed-{step}")
        process = writer(home, one, 5, 5, 1, step)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        until_alone(process.pid)
        git("fsck", "--no-dangling", cwd=one.root)
        locations = branch.locations(one, [known, dirty])
        assert any(place.uuid == OTHER for place in locations[dirty])
        assert locations[known]
        again = writer(home, one, 5, 5, 1, 0)
        again.communicate()
        assert again.returncode == 0
        assert said_here(annex, one, [key(n) for n in range(5, 10)]) == {key(n) for n in range(5, 10)}
        assert OTHER in annex("whereis", f"--key={dirty}", cwd=one.root).text
        assert git("status", "--porcelain", cwd=one.root).text == ""
        assert not list((one.gitdir / "annex" / "journal").iterdir())


def test_what_git_annex_has_to_write_down_for_us_is_committed_too(repo: Repo, git: Program) -> None:
    """It is pushed next, and a push of nothing new would leave it where it is."""
    git("config", "rookery.engine", "stock", cwd=repo.root)
    wanted = [key(1), key(2), "WORM-s1-m2--a b"]
    told(repo, OTHER, wanted, present=True, clock=lambda: NOW)
    assert not branch.journal_is_used(repo)
    assert git("grep", "-c", OTHER, "git-annex", "--", "*.log", cwd=repo.root).lines == [
        f"git-annex:{branch.log_name(one)}:1" for one in sorted(wanted, key=branch.log_name)
    ]
