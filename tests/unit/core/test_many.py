"""Short work on many things: by the caller, by threads or by other processes, as it has to wait."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence

import pytest

from rookery.core import forks, many
from rookery.core.many import LOOK_AGAIN, TOGETHER, WORTH_A_COPY, Part, each_in_order, in_parts, meanwhile


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forks, "helpful", lambda *_, **__: 0)


def quick(item: int) -> tuple[int, int, int]:
    return item, os.getpid(), threading.get_ident()


def slow(item: int) -> tuple[int, int, int]:
    time.sleep(0.0001)
    return quick(item)


def waiting_rows(monkeypatch: pytest.MonkeyPatch, rows: Callable[[int], bool]) -> None:
    """Let rows by their number seem to wait or not."""
    calls = iter(range(1_000_000))

    def waits() -> int:
        call = next(calls)
        return TOGETHER if call % 2 and rows(call // 2) else 0

    monkeypatch.setattr(many, "_waits", waits)


@pytest.mark.usefixtures("alone")
def test_what_waits_for_nothing_is_done_by_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting_rows(monkeypatch, lambda _: False)
    done = list(each_in_order(quick, range(5 * TOGETHER + 1)))
    assert [item for item, _, _ in done] == list(range(5 * TOGETHER + 1))
    assert {(process, thread) for _, process, thread in done} == {(os.getpid(), threading.get_ident())}


@pytest.mark.usefixtures("alone")
def test_what_waits_is_done_by_threads() -> None:
    heard: list[int] = []
    items = list(range(3 * TOGETHER))
    done = list(each_in_order(slow, items, did=lambda *told: heard.append(told[0])))
    assert [item for item, _, _ in done] == items == sorted(heard)
    assert len({thread for _, _, thread in done}) > 1


@pytest.mark.usefixtures("alone")
def test_threads_end_where_nothing_waits_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting_rows(monkeypatch, lambda row: row == 0)
    done = list(each_in_order(quick, range(2 * TOGETHER + LOOK_AGAIN)))
    me = threading.get_ident()
    assert all(thread != me for _, _, thread in done[TOGETHER : TOGETHER + LOOK_AGAIN])
    assert all(thread == me for _, _, thread in done[TOGETHER + LOOK_AGAIN :])


@pytest.mark.parametrize(("waits", "processes"), [(False, 2), (True, 4)])
def test_many_are_shared_with_processes_more_if_they_wait(
    waits: bool, processes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting_rows(monkeypatch, lambda _: waits)
    monkeypatch.setattr(forks, "helpful", lambda _, waiting: 3 if waiting else 1)
    heard: list[int] = []
    items = list(range(10 * TOGETHER + 3))
    done = list(each_in_order(quick, items, did=lambda *told: heard.append(told[0])))
    assert [item for item, _, _ in done] == items == sorted(heard)
    assert len({process for _, process, _ in done}) == processes


@pytest.mark.usefixtures("alone")
def test_closed_early_it_has_told_of_what_was_done() -> None:
    heard: list[int] = []
    results = each_in_order(quick, range(5 * TOGETHER), did=lambda *told: heard.append(told[0]))
    next(results)
    results.close()
    assert heard == list(range(TOGETHER))


@pytest.mark.usefixtures("alone")
def test_a_failure_tells_of_what_came_before_it() -> None:
    def work(item: int) -> int:
        if item == 3:
            raise ValueError(item)
        return item

    heard: list[int] = []
    with pytest.raises(ValueError, match="3"):
        list(each_in_order(work, range(10), did=lambda *told: heard.append(told[0])))
    assert heard == [0, 1, 2]


@pytest.mark.parametrize("count", [0, 1, WORTH_A_COPY - 1, WORTH_A_COPY, 2 * WORTH_A_COPY + 1])
@pytest.mark.parametrize("cores", [1, 2, 4])
def test_a_long_list_is_looked_at_in_parts_and_comes_in_order(
    count: int, cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))

    def look(part: Sequence[int]) -> list[tuple[int, int]]:
        return [(one, os.getpid()) for one in part]

    done = list(in_parts(look, range(count)))
    assert [one for one, _ in done] == list(range(count))
    assert len({process for _, process in done}) == (cores if count >= WORTH_A_COPY else min(count, 1))


def test_what_fails_in_a_part_comes_out() -> None:
    def fail(part: Sequence[int]) -> list[int]:
        return [1 // (one - WORTH_A_COPY) for one in part]

    with pytest.raises(ZeroDivisionError):
        list(in_parts(fail, range(WORTH_A_COPY + 1)))


def test_what_the_block_changes_is_not_looked_at_where_there_are_no_copies() -> None:
    there = [1, 2]

    def look(part: Part) -> list[int]:
        return list(part.of(there))

    with meanwhile(look, items=len(there)) as found:
        there.append(3)
        assert found() == [[1, 2]]
