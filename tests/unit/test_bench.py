"""The bench measures what it says, judges by it, and its page holds to the stored figures."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import accounts, goals, measuring, page, peers, turns
from bench.chart import Line, chart
from bench.goals import Goal, judge
from bench.places import Places, remove
from bench.result import Figures, Measured, Report, read
from bench.scenario import Command, Outcome, Scale, Scenario, State, Unprepared, Wrong, readable, shell
from bench.scenarios import SCENARIOS
from bench.states import by

ONE = Scale(1)


# --- one command --------------------------------------------------------------------------------


def test_a_run_tells_the_exit_code_and_both_outputs(tmp_path: Path) -> None:
    ended = measuring.run(("sh", "-c", "echo out; echo err >&2; exit 3"), tmp_path, limit=60)
    assert (ended.code, ended.stdout, ended.stderr) == (3, "out\n", "err\n")


def test_what_is_left_in_the_background_is_waited_for(tmp_path: Path) -> None:
    code = """
import os, sys
if os.fork():
    os._exit(0)
if os.fork():
    os._exit(0)
sum(range(3_000_000))
open("done", "w").close()
"""
    measured = f"""
from pathlib import Path
from bench import measuring
measuring.adopt_orphans()
print(measuring.run(({sys.executable!r}, "-c", {code!r}), Path.cwd(), limit=60).code, Path("done").exists())
"""
    # in a process of its own: whose orphans come to it stays so until it ends
    found = f"PYTHONPATH={':'.join(sys.path)}"
    ended = measuring.run(("env", found, sys.executable, "-c", measured), tmp_path, limit=60)
    assert ended.stdout == "0 True\n", ended


def test_a_command_that_takes_too_long_is_ended_with_all_below_it(tmp_path: Path) -> None:
    ended = measuring.run(("sh", "-c", "sleep 600 & sleep 600; touch late"), tmp_path, limit=0.3)
    assert ended.code is None
    assert ended.seconds < 300
    assert not (tmp_path / "late").exists()


TRACE = """\
10 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x7f) = 11
10 clone3({flags=CLONE_VM|CLONE_FS|CLONE_THREAD|CLONE_SYSVSEM, exit_signal=0} => {parent_tid=[12]}, 88) = 12
11 vfork( <unfinished ...>
10 clone(child_stack=0x7f, flags=CLONE_VM|CLONE_THREAD <unfinished ...>
11 <... vfork resumed>)                   = 13
10 <... clone resumed>, parent_tid=[14], tls=0x7f) = 14
11 fork()                                  = -1 EAGAIN (Resource temporarily unavailable)
12 clone3({flags=CLONE_VM|CLONE_VFORK, exit_signal=SIGCHLD}, 88 <unfinished ...>
12 <... clone3 resumed>)                   = 15
13 +++ exited with 0 +++
"""


def test_processes_are_counted_and_threads_are_not() -> None:
    assert accounts.count(TRACE.splitlines(keepends=True)) == 4


@pytest.mark.skipif(
    shutil.which("strace") is None and os.environ.get("CI") != "true",  # there, all must be installed
    reason="no strace on this machine; the bench works without",
)
def test_processes_of_a_command_are_seen_with_their_memory(tmp_path: Path) -> None:
    code = """
import subprocess, threading, time
held = b"x" * (64 << 20)
threading.Thread(target=print).start()
for _ in range(20):
    subprocess.run(["sh", "-c", "true; true"])
time.sleep(1)  # looked at often enough, however busy the machine is
"""
    found = accounts.account((sys.executable, "-c", code), tmp_path, limit=60)
    assert found is not None
    assert found.processes == 21
    assert found.memory is not None
    assert 64 << 20 < found.memory < 160 << 20


def test_nothing_is_said_of_a_command_that_fails_under_observation(tmp_path: Path) -> None:
    assert accounts.account(("false",), tmp_path, limit=60) is None


# --- start states ---------------------------------------------------------------------------------


def test_a_state_is_made_once_and_comes_back_after_each_writing(tmp_path: Path) -> None:
    first = State("first", by("mkdir ds; echo made >>made; echo 1 >ds/file", "."))
    second = State("second", by("echo made-too >>../made; echo 2 >>file"), first)
    places = Places(tmp_path)
    for _ in range(3):
        place = places.lay(second, ONE)
        assert (place / "ds" / "file").read_text() == "1\n2\n"
        (place / "ds" / "file").write_text("spoilt")
        places.written(second)
    assert (place / "made").read_text() == "made\nmade-too\n"
    assert (places.lay(first, ONE) / "ds" / "file").read_text() == "1\n"
    places.forget(ONE)
    assert not list((tmp_path / "kept").iterdir())


def test_what_is_only_read_is_not_laid_anew(tmp_path: Path) -> None:
    state = State("state", by("mkdir ds", "."))
    places = Places(tmp_path)
    (places.lay(state, ONE) / "mark").touch()
    assert (places.lay(state, ONE) / "mark").exists()
    assert not (places.lay(state, Scale(2)) / "mark").exists()


def test_write_protected_folders_are_removed(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").touch()
    (tmp_path / "a" / "b").chmod(0o555)
    remove(tmp_path / "a")
    assert not (tmp_path / "a").exists()


# --- turns ----------------------------------------------------------------------------------------

START = State("start", by("mkdir ds", "."))


def made(outcome: Outcome) -> None:
    if not (outcome.place / "ds" / "made").exists():
        raise Wrong("it is not there")


def scenario(**lines: str) -> Scenario:
    found = {peer: Command(shell(line), START, made) for peer, line in lines.items()}
    return Scenario("files", "save", "make a file", found)


def test_a_peer_that_does_nothing_is_not_quick_but_wrong(tmp_path: Path) -> None:
    measured = turns.measure(
        scenario(rookery="touch made", datalad="true", git="exit 4"),
        ONE, ("rookery", "datalad", "git", "dvc"), Places(tmp_path), repeat=2, budget=60,
    )  # fmt: skip
    honest, idle, failed = measured.peers
    assert len(honest.seconds) == len(honest.cpu) == 2
    assert honest.median is not None
    assert (idle.median, idle.wrong) == (None, "it is not there")
    assert failed.median is None
    assert "failed with 4" in str(failed.wrong)


def test_a_peer_over_its_time_is_stopped_and_others_go_on(tmp_path: Path) -> None:
    measured = turns.measure(
        scenario(rookery="touch made", datalad="sleep 600"),
        ONE, ("rookery", "datalad"), Places(tmp_path), repeat=2, budget=0.5,
    )  # fmt: skip
    slow = measured.of("datalad")
    assert slow is not None
    assert (slow.over, slow.median) == (0.5, None)


def test_a_peer_gets_no_run_that_would_go_over_its_time() -> None:
    assert turns.may_go_on(Figures("git", ""), 1)
    assert turns.may_go_on(Figures("git", "", seconds=[2, 3]), 8)
    assert not turns.may_go_on(Figures("git", "", seconds=[2, 3]), 7)


def test_a_start_that_cannot_be_made_stops_its_peer_alone(tmp_path: Path) -> None:
    broken = Command(shell("true"), State("broken", by("exit 1", ".")), made)
    both = Scenario("files", "save", "x", {"git": broken} | dict(scenario(rookery="touch made").commands))
    measured = turns.measure(both, ONE, ("git", "rookery"), Places(tmp_path), repeat=1, budget=60)
    assert "start could not be made" in str(measured.peers[0].wrong)
    assert measured.peers[1].wrong is None
    with pytest.raises(Unprepared):
        Places(tmp_path / "again").lay(broken.start, ONE)


# --- scenarios and goals ----------------------------------------------------------------------------


def test_scenarios_name_known_peers_and_goals_known_scenarios() -> None:
    for name, one in SCENARIOS.items():
        assert one.name == name
        assert set(one.commands) <= set(peers.PEERS)
        assert "rookery" in one.commands
    for goal in goals.GOALS:
        assert {"rookery", goal.peer or "rookery"} <= set(SCENARIOS[goal.scenario].commands), goal
        assert bool(goal.peer) == (goal.seconds is None and goal.than is None), goal
        assert sum(value is not None for value in (goal.faster, goal.most, goal.seconds)) == 1
    names = {id(c.start): c.start for s in SCENARIOS.values() for c in s.commands.values()}.values()
    assert len({state.name for state in names}) == len(names), "two states share a name"


UNMEASURED = "the peer was not measured"


def measured_as(ours: Figures, theirs: Figures) -> list[Measured]:
    return [Measured("get", 10, 1024, 0.0, [ours, theirs])]


@pytest.mark.parametrize(
    ("goal", "theirs", "reached", "found"),
    [
        (Goal("get", Scale(10), "git", faster=3), Figures("git", "", [7.0]), True, "3.5x faster"),
        (Goal("get", Scale(10), "git", faster=4), Figures("git", "", [7.0]), False, "3.5x faster"),
        (Goal("get", Scale(10), "git", faster=3), Figures("git", "", over=8), True, "over 4.0x faster"),
        (Goal("get", Scale(10), "git", faster=5), Figures("git", "", over=8), None, "over 4.0x faster"),
        (Goal("get", Scale(10), "git", most=1.5), Figures("git", "", [1.6]), True, "1.25x"),
        (Goal("get", Scale(10), "git", most=1.1), Figures("git", "", [1.6]), False, "1.25x"),
        (Goal("get", Scale(10), "git", most=1), Figures("git", "", [1.6], wrong="x"), None, UNMEASURED),
        (Goal("get", Scale(10), seconds=2), Figures("git", ""), True, "2.0 s"),
        (Goal("get", Scale(10), seconds=1), Figures("git", ""), False, "2.0 s"),
        (Goal("get", Scale(99), seconds=1), Figures("git", ""), None, "not measured"),
    ],
)  # fmt: skip
def test_a_goal_is_reached_missed_or_not_shown(
    goal: Goal, theirs: Figures, reached: bool | None, found: str
) -> None:
    verdict = judge(goal, measured_as(Figures("rookery", "", [1.0, 2.0, 9.0]), theirs))
    assert (verdict.reached, verdict.found) == (reached, found)


@pytest.mark.parametrize(("seconds", "reached"), [(10.9, True), (11.1, False)])
def test_growth_is_judged_by_the_time_for_each_file(seconds: float, reached: bool) -> None:
    goal = Goal("get", Scale(100), most=1.1, than=Scale(10))
    few, many = (
        Measured("get", count, 1024, 0.0, [Figures("rookery", "", [time])])
        for count, time in ((10, 1.0), (100, seconds))
    )
    assert judge(goal, [few, many]).reached is reached
    assert judge(goal, [many]).reached is None


def test_rookery_failing_is_a_goal_missed() -> None:
    goal = Goal("get", Scale(10), "git", faster=1)
    for ours in (Figures("rookery", "", [1.0], wrong="lost"), Figures("rookery", "", over=5)):
        assert judge(goal, measured_as(ours, Figures("git", "", [9.0]))).reached is False


def test_by_how_much_a_goal_is_missed_is_said() -> None:
    theirs = Figures("git", "", [8.0])
    ours = Figures("rookery", "", [2.0])
    for goal, said in (
        (Goal("get", Scale(10), "git", faster=8), " by 2.00x"),
        (Goal("get", Scale(10), seconds=1), " by 2.00x"),
        (Goal("get", Scale(10), "git", most=0.125), " by 2.00x"),
    ):
        assert page.by(judge(goal, measured_as(ours, theirs))) == said


# --- what is kept, and the page -----------------------------------------------------------------------

times = st.lists(st.floats(0, 1e5), max_size=4)
figures = st.builds(
    Figures, st.sampled_from(list(peers.PEERS)), st.text(), times, times,
    st.none() | st.integers(0), st.none() | st.integers(0), st.none() | st.floats(0, 1e5), st.none() | st.text(),
)  # fmt: skip
reports = st.builds(
    Report,
    began=st.just("2026-01-01T00:00:00+00:00"),
    machine=st.dictionaries(st.text(), st.text() | st.integers() | st.none()),
    versions=st.dictionaries(st.text(), st.text()),
    repeat=st.integers(1),
    budget=st.floats(0, 1e6),
    measured=st.lists(
        st.builds(
            Measured, st.sampled_from(list(SCENARIOS)), st.integers(1), st.integers(0), st.floats(0, 99),
            st.lists(figures, max_size=3),
        ),
        max_size=3,
    ),
)  # fmt: skip


@given(report=reports)
def test_a_report_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, report: Report) -> None:
    path = tmp_path_factory.mktemp("report") / "report.json"
    report.write(path)
    assert read(path) == report


def test_a_report_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text('{"format": 0}')
    with pytest.raises(ValueError, match="not of format 1"):
        read(tmp_path / "x.json")


@given(
    st.lists(
        st.builds(
            Line, st.text(min_size=1).filter(str.isprintable),
            st.dictionaries(st.sampled_from(list(peers.PEERS)), st.floats(1e-4, 1e5), min_size=1),
        ),
        min_size=1, max_size=5,
    )
)  # fmt: skip
def test_a_chart_is_one_block_of_well_formed_markup_within_its_frame(lines: list[Line]) -> None:
    drawn = chart("Times & more", lines)
    assert "\n\n" not in drawn
    root = ElementTree.fromstring(drawn)
    width = float(root.attrib["viewBox"].split()[2])
    places = [float(at) for at in re.findall(r"translate\(([\d.]+) ", drawn)]
    assert all(0 <= at <= width for at in places)
    marks = len(re.findall("<title>", drawn)) - 1
    assert marks == sum(len(line.seconds) for line in lines)


def test_a_scenario_measured_twice_counts_as_measured_last() -> None:
    def report(began: str, load: float) -> Report:
        return Report(began, {}, {}, 1, 1, [Measured("get", 1000, 1024, load, [])])

    newer, older = report("2026-02-01T00:00:00+00:00", 2), report("2026-01-01T00:00:00+00:00", 1)
    assert [m.load for _, m in page.newest([newer, older])] == [2]


@pytest.mark.parametrize(("load", "warned"), [(2.5, False), (3.5, True)])
def test_a_busy_machine_is_said_on_the_page(load: float, warned: bool) -> None:
    machine = {"processor": "x", "cores": 2, "file system": "x", "system": "x", "python": "3"}
    measured = Measured("get", 10, 1024, load, [Figures("rookery", "", [1.0])])
    page_text = page.text([Report("2026-01-01T00:00:00+00:00", machine, {}, 1, 1, [measured])])
    assert ("was busy" in page_text) is warned


def test_the_page_is_that_of_the_stored_figures() -> None:
    assert page.PAGE.read_text() == page.text(page.stored()), "write it anew: ./run bench page"


def test_sizes_are_said_as_they_are() -> None:
    assert [readable(n) for n in (100, 1024, 1000, 10**9, 1 << 30, 3_000_000)] == [
        "100 B", "1 KiB", "1 KB", "1 GB", "1 GiB", "3 MB",
    ]  # fmt: skip
