"""Several things at once, in order."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator

import pytest

from rookery.core.pool import MOST_WAITING, as_they_come, in_order, workers


def twice(item: int) -> Iterator[int]:
    yield item
    yield item * 10


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(at_once: int) -> None:
    expected = [result for item in range(20) for result in (item, item * 10)]
    assert list(in_order(twice, range(20), at_once=at_once)) == expected


def test_items_are_worked_on_at_the_same_time() -> None:
    meeting = threading.Barrier(2, timeout=20)

    def meet(item: int) -> list[int]:
        meeting.wait()
        return [item]

    assert list(in_order(meet, [1, 2], at_once=2)) == [1, 2]


def test_a_single_item_streams_in_the_callers_thread() -> None:
    def where(_item: int) -> Iterator[int]:
        yield threading.get_ident()

    assert list(in_order(where, [1], at_once=4)) == [threading.get_ident()]


def test_a_failure_comes_out_at_its_place_and_nothing_begins_after_it() -> None:
    begun = []

    def work(item: int) -> list[int]:
        begun.append(item)
        if item == 1:
            raise ValueError(item)
        return [item]

    got = []
    with pytest.raises(ValueError, match="1"):
        for result in in_order(work, range(100), at_once=2):
            got.append(result)
    assert got == [0]
    assert len(begun) < 10


def test_items_are_taken_no_faster_than_they_are_done() -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in range(100):
            taken.append(item)
            yield item

    results = in_order(lambda item: [item], items(), at_once=3)
    assert next(results) == 0
    assert len(taken) <= 4
    assert list(results) == list(range(1, 100))


def test_how_many_at_once_is_as_said_or_suits_the_machine() -> None:
    assert workers(7) == workers("7") == 7
    assert workers(0) == 1
    assert 1 < workers(None) <= 16
    assert workers("auto") == workers(None)


def never() -> None:
    raise AssertionError("nobody left")


def test_results_come_as_they_are_made_though_their_item_is_not_done() -> None:
    told = threading.Event()

    def work(item: int) -> Generator[int, None, None]:
        yield item
        assert told.wait(20), "the first results were held back"
        yield item * 10

    got = []
    for outcome in as_they_come(work, [1, 2], at_once=2, stop=never):
        got.append(outcome)
        if {1, 2} <= set(got):
            told.set()
    assert sorted(got) == [1, 2, 10, 20]


def test_no_more_is_made_than_is_read_but_for_a_bounded_number() -> None:
    made = []

    def work(item: int) -> Generator[int, None, None]:
        for _ in range(10_000):
            made.append(item)
            yield item

    results = as_they_come(work, [1, 2], at_once=2, stop=lambda: None)
    next(results)
    results.close()  # type: ignore[attr-defined]  # it is a generator
    assert len(made) <= 2 * MOST_WAITING + 10


def test_one_that_fails_lets_those_under_way_finish_and_begins_nothing() -> None:
    meeting = threading.Barrier(2, timeout=20)
    failing: list[threading.Thread] = []
    begun = []

    def work(item: int) -> Generator[int, None, None]:
        begun.append(item)
        if item == 0:
            failing.append(threading.current_thread())
            meeting.wait()
            raise ValueError(item)
        meeting.wait()
        failing[0].join(20)
        yield item
        yield item * 10

    got = []
    with pytest.raises(ValueError, match="0"):
        for outcome in as_they_come(work, range(100), at_once=2, stop=never):
            got.append(outcome)
    assert got == [1, 10]
    assert sorted(begun) == [0, 1]


def test_who_leaves_early_has_what_is_under_way_stopped_and_waits_for_its_end() -> None:
    stopped = threading.Event()
    ended = []

    def work(item: int) -> Generator[int, None, None]:
        try:
            yield item
            stopped.wait(20)
        finally:
            ended.append(item)

    results = as_they_come(work, range(5), at_once=2, stop=stopped.set)
    next(results)
    results.close()  # type: ignore[attr-defined]  # it is a generator
    assert stopped.is_set()
    assert 1 <= len(ended) <= 2
