"""Work shared with copies of this process: all of it is done and told of, whatever becomes of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rookery.core import forks
from support.waiting import until

HERE = os.getpid()

ROWS = [list(range(start, start + 4)) for start in range(0, 48, 4)]
ITEMS = [item for row in ROWS for item in row]


def ignore(item: int, outcome: object) -> None:
    """Hear nothing."""


def where(item: int) -> tuple[int, int]:
    time.sleep(0.002)  # so long that everybody gets some
    return item, os.getpid()


@pytest.mark.parametrize("others", [1, 2, 3])
def test_all_comes_in_order_from_several_processes(others: int) -> None:
    heard: list[int] = []
    done = list(forks.shared(where, ROWS, lambda *told: heard.append(told[0]), others=others))
    assert [item for item, _ in done] == sorted(heard) == ITEMS
    assert len({process for _, process in done}) == others + 1


def test_who_is_slow_holds_nobody_up() -> None:
    def work(item: int) -> tuple[int, int]:
        time.sleep(0.1 if os.getpid() != HERE else 0.0001)
        return item, os.getpid()

    done = list(forks.shared(work, ROWS, ignore, others=1))
    assert [item for item, _ in done] == ITEMS
    assert sum(process == HERE for _, process in done) == len(ITEMS) - 4 * forks.DEALT


def test_they_go_on_while_the_caller_is_busy_with_what_came() -> None:
    rows = [[number] for number in range(40_000)]  # more than there is room for in a pipe
    results = forks.shared(lambda item: (item, os.getpid()), rows, ignore, others=1)
    done = [next(results)]
    time.sleep(0.5)
    done += results
    assert [item for item, _ in done] == list(range(40_000))
    assert sum(process != HERE for _, process in done) > 10_000


@pytest.mark.parametrize("at", [4, 6, 19, 47])
def test_what_a_killed_process_has_not_told_is_done_by_the_caller(at: int) -> None:
    def work(item: int) -> int:
        if item >= at and os.getpid() != HERE:
            os.kill(os.getpid(), signal.SIGKILL)
        return item

    assert list(forks.shared(work, ROWS, ignore, others=2)) == ITEMS


@pytest.mark.parametrize("lacking", ["fork", "pipe"])
def test_what_cannot_be_had_is_done_without(lacking: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> int:
        raise BlockingIOError("there are no more")

    monkeypatch.setattr(os, lacking, refused)
    done = list(forks.shared(where, ROWS, ignore, others=2))
    assert [item for item, _ in done] == ITEMS
    assert {process for _, process in done} == {os.getpid()}


def test_a_failure_comes_out_at_its_place_and_nothing_done_before_it_is_lost() -> None:
    def work(item: int) -> int:
        if item == 6:  # in a row of another process
            raise ValueError(item)
        return item

    heard: list[int] = []
    got = []
    with pytest.raises(ValueError, match="6"):
        for one in forks.shared(work, ROWS, lambda *told: heard.append(told[0]), others=1):
            got.append(one)
    assert got == [0, 1, 2, 3]
    assert set(range(6)) <= set(heard)


def test_closed_early_it_tells_of_all_that_was_done(tmp_path: Path) -> None:
    def work(item: int) -> int:
        (tmp_path / str(item)).touch()
        time.sleep(0.002)
        return item

    heard: list[int] = []
    results = forks.shared(work, ROWS, lambda *told: heard.append(told[0]), others=2)
    for _ in range(5):
        next(results)
    results.close()
    made = sorted(int(file.name) for file in tmp_path.iterdir())
    assert sorted(heard) == made
    assert len(made) < len(ITEMS)


def test_each_other_process_ends_as_asked(tmp_path: Path) -> None:
    def at_end() -> None:
        (tmp_path / str(os.getpid())).touch()

    done = list(forks.shared(where, ROWS, ignore, others=2, at_end=at_end))
    assert {int(file.name) for file in tmp_path.iterdir()} == {process for _, process in done} - {HERE}


def test_they_keep_no_pipe_open_that_the_caller_closes() -> None:
    reader, writer = os.pipe()

    def work(item: int) -> int:
        if os.getpid() != HERE:
            time.sleep(0.01)
        return item

    results = forks.shared(work, ROWS, ignore, others=1)
    next(results)
    os.close(writer)
    assert os.read(reader, 1) == b""  # at once, not when they have ended
    results.close()
    os.close(reader)


SCRIPT = """
import os, sys, time
from rookery.core import forks
folder = sys.argv[1]
def work(item):
    open(os.path.join(folder, f"{item}.{os.getpid()}"), "w").close()
    time.sleep(0.01)
    return item
rows = [list(range(start, start + 8)) for start in range(0, 8000, 8)]
heard = []
try:
    for one in forks.shared(work, rows, lambda *told: heard.append(told[0]), others=2):
        pass
except KeyboardInterrupt:
    print("\\n".join(map(str, sorted(heard))))
"""


@pytest.fixture
def laborious(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    (tmp_path / "made").mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "made")],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    with process:
        until(lambda: len(makers(tmp_path)) == 3)
        yield process
        process.kill()


def makers(folder: Path) -> set[int]:
    return {int(file.name.partition(".")[2]) for file in (folder / "made").iterdir()}


def alive(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_they_end_with_a_caller_who_is_killed(laborious: subprocess.Popen[str], tmp_path: Path) -> None:
    processes = makers(tmp_path)
    laborious.kill()
    laborious.wait()
    until(lambda: not any(map(alive, processes)))
    assert len(list((tmp_path / "made").iterdir())) < 4000


def test_an_interrupt_is_for_the_caller_who_tells_of_all(
    laborious: subprocess.Popen[str], tmp_path: Path
) -> None:
    processes = makers(tmp_path)
    os.killpg(laborious.pid, signal.SIGINT)
    said = {int(line) for line in laborious.communicate(timeout=60)[0].split()}
    made = {int(file.name.partition(".")[0]) for file in (tmp_path / "made").iterdir()}
    assert len(made - said) <= 1  # the one that the caller was at
    assert said <= made
    assert not any(map(alive, processes))


@pytest.mark.parametrize("waiting", [False, True])
def test_few_items_or_another_thread_want_none(waiting: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "enumerate", lambda: [threading.current_thread()])
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert forks.helpful(forks.FEWEST, waiting=waiting) == forks.MOST
    assert forks.helpful(forks.FEWEST - 1, waiting=waiting) == 0
    monkeypatch.setattr(threading, "enumerate", lambda: [threading.current_thread(), threading.Thread()])
    assert forks.helpful(forks.FEWEST, waiting=waiting) == 0


@pytest.mark.parametrize(("cores", "others"), [({5}, 0), ({5, 6}, 1)])
def test_only_who_waits_has_more_than_there_are_cores(
    cores: set[int], others: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading, "enumerate", lambda: [threading.current_thread()])
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: cores)
    assert forks.helpful(forks.FEWEST, waiting=False) == others
    assert forks.helpful(forks.FEWEST, waiting=True) == forks.MOST


def test_something_is_looked_at_beside() -> None:
    with forks.beside(os.getpid, items=10_000) as asked:
        assert asked() != os.getpid()
    with forks.beside(os.getpid, items=10) as asked:
        assert asked() == os.getpid()  # not worth a copy


def test_what_a_copy_cannot_say_the_caller_finds_out() -> None:
    def work() -> int:
        if os.getpid() != HERE:
            os.kill(os.getpid(), signal.SIGKILL)
        return 7

    with forks.beside(work, items=10_000) as asked:
        assert asked() == 7


def test_a_failure_beside_comes_out_where_it_is_asked_for() -> None:
    def work() -> int:
        raise OSError("unreadable")

    with forks.beside(work, items=10_000) as asked, pytest.raises(OSError, match="unreadable"):
        asked()


def test_a_copy_that_nobody_asks_is_ended_at_once() -> None:
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt), forks.beside(lambda: time.sleep(60), items=10_000):
        raise KeyboardInterrupt
    assert time.monotonic() - began < 30
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)
