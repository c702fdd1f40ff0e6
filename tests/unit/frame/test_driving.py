"""The execution loop: records stream, failures end as asked, hooks follow, filters shape what is given back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rookery.core.config import Config, SettingError
from rookery.core.errors import IncompleteResultsError
from rookery.core.results import result
from rookery.opkit.drive import drive
from rookery.opkit.hooks import configured, runner_of

Records = list[dict[str, Any]]


class Recorder:
    """A renderer that remembers."""

    def __init__(self) -> None:
        self.seen: Records = []
        self.finished = 0

    def record(self, record: dict[str, Any]) -> None:
        self.seen.append(record)

    def finish(self) -> None:
        self.finished += 1


def some(*statuses: Any) -> Iterator[dict[str, Any]]:
    for number, status in enumerate(statuses):
        yield result("test", f"/{number}", status)


def test_a_record_is_shown_before_the_next_is_made() -> None:
    renderer = Recorder()
    made: list[int] = []

    def slow() -> Iterator[dict[str, Any]]:
        for number in range(3):
            made.append(number)
            yield result("test", f"/{number}")

    for position, _ in enumerate(drive(slow(), on_failure="continue", renderer=renderer)):
        assert len(made) == len(renderer.seen) == position + 1


def test_continue_gives_everything_and_raises_at_the_end() -> None:
    got: Records = []
    with pytest.raises(IncompleteResultsError) as failure:
        got.extend(drive(some("error", "ok", "impossible"), on_failure="continue"))
    assert [r["status"] for r in got] == ["error", "ok", "impossible"]
    assert [r["path"] for r in failure.value.failed] == ["/0", "/2"]


def test_stop_does_no_more_after_the_first_failure() -> None:
    closed: list[bool] = []

    def records() -> Iterator[dict[str, Any]]:
        try:
            yield from some("ok", "error", "ok")
        finally:
            closed.append(True)

    renderer = Recorder()
    got: Records = []
    with pytest.raises(IncompleteResultsError):
        got.extend(drive(records(), on_failure="stop", renderer=renderer))
    assert [r["status"] for r in got] == ["ok", "error"]
    assert closed == [True]
    assert renderer.finished == 1


def test_ignore_never_raises() -> None:
    assert len(list(drive(some("error", "error"), on_failure="ignore"))) == 2


def test_a_filter_shapes_what_is_given_back_not_what_is_shown_or_fails() -> None:
    renderer = Recorder()
    got: Records = []
    with pytest.raises(IncompleteResultsError):
        got.extend(
            drive(
                some("ok", "error"),
                on_failure="continue",
                renderer=renderer,
                keep=lambda r: r["status"] == "ok",
            )
        )
    assert [r["status"] for r in got] == ["ok"]
    assert [r["status"] for r in renderer.seen] == ["ok", "error"]


def test_an_exception_of_the_operation_passes_and_nothing_is_summed_up() -> None:
    def broken() -> Iterator[dict[str, Any]]:
        yield result("test", "/0")
        raise KeyError("broken")

    renderer = Recorder()
    with pytest.raises(KeyError):
        list(drive(broken(), on_failure="continue", renderer=renderer))
    assert renderer.finished == 0


@pytest.fixture
def hook() -> Callable[[str, str], Config]:
    def make(match: str, call: str) -> Config:
        prefix = "datalad.result-hook.example"
        return Config({"local": {f"{prefix}.match-json": (match,), f"{prefix}.call-json": (call,)}})

    return make


def test_a_hook_follows_a_matching_record_with_its_values_filled_in(
    hook: Callable[[str, str], Config],
) -> None:
    calls: list[tuple[str, dict[str, Any]]] = []

    def call(command: str, arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
        calls.append((command, arguments))
        yield result("hooked", "/h")

    config = hook(
        '{"action": "test", "path": ["in", ["/1"]]}', 'unlock {"path": "{path}", "dataset": "{dsarg}"}'
    )
    got = list(
        drive(some("ok", "ok"), on_failure="continue", hooks=runner_of(configured(config), "/ds", call))
    )
    assert [r["action"] for r in got] == ["test", "test", "hooked"]
    assert calls == [("unlock", {"path": "/1", "dataset": "/ds"})]


def test_a_hook_that_cannot_be_read_names_itself(hook: Callable[[str, str], Config]) -> None:
    with pytest.raises(SettingError, match="example"):
        configured(hook("{", "get {}"))
