"""Starting programs: output, exit codes, conversations, and nothing left running."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from rookery.core.errors import CommandError
from rookery.core.process import Runner, decode, encode

PYTHON = sys.executable


@pytest.fixture
def runner() -> Runner:
    return Runner(os.environ)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_output_and_exit_code_come_back(runner: Runner, tmp_path: Path) -> None:
    done = runner.run(["sh", "-c", "echo out; echo err >&2; exit 3"], cwd=tmp_path, ok=None)
    assert (done.code, done.text, done.stderr) == (3, "out", b"err\n")


def test_an_exit_code_that_was_not_allowed_says_command_code_place_and_words(
    runner: Runner, tmp_path: Path
) -> None:
    with pytest.raises(CommandError) as failure:
        runner.run(["sh", "-c", "echo why >&2; exit 7"], cwd=tmp_path)
    error = failure.value
    assert (error.code, error.exit_code, error.stderr) == (7, 7, "why\n")
    assert (
        str(error)
        == f"CommandError: 'sh -c 'echo why >&2; exit 7'' failed with exitcode 7 under {tmp_path} [why]"
    )


def test_a_program_that_is_not_there_is_named(runner: Runner, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no-such-program") as failure:
        runner.run(["no-such-program"], cwd=tmp_path)
    assert failure.value.code == 127
    assert failure.value.hints


def test_a_folder_that_is_not_there_is_not_taken_for_a_missing_program(
    runner: Runner, tmp_path: Path
) -> None:
    with pytest.raises(FileNotFoundError):
        runner.run(["true"], cwd=tmp_path / "gone")


def test_more_input_and_output_than_a_pipe_holds_flows_both_ways(runner: Runner, tmp_path: Path) -> None:
    lines = [b"%d\n" % n for n in range(100_000)]
    with runner.stream(["cat"], cwd=tmp_path, stdin=iter(lines)) as flow:
        assert list(flow.records()) == [line[:-1] for line in lines]


def test_records_are_cut_at_their_end_wherever_the_pieces_break(runner: Runner, tmp_path: Path) -> None:
    with runner.stream(["printf", r"a\0b\nc\0rest"], cwd=tmp_path) as flow:
        assert list(flow.records(b"\0")) == [b"a", b"b\nc", b"rest"]


def test_a_stream_that_fails_at_its_end_raises_after_its_output(runner: Runner, tmp_path: Path) -> None:
    seen = []
    with (
        pytest.raises(CommandError, match="oops"),
        runner.stream(["sh", "-c", "echo one; echo oops >&2; exit 1"], cwd=tmp_path) as flow,
    ):
        seen += list(flow.records())
    assert seen == [b"one"]


def test_leaving_a_stream_by_an_error_ends_the_program(runner: Runner, tmp_path: Path) -> None:
    pid = 0
    with (
        pytest.raises(KeyError),
        runner.stream(["sh", "-c", "echo $$; exec sleep 1000"], cwd=tmp_path) as flow,
    ):
        pid = int(next(flow.records()))
        raise KeyError
    assert pid
    assert not is_running(pid)


def test_what_a_program_says_of_its_progress_is_handed_on(runner: Runner, tmp_path: Path) -> None:
    said: list[bytes] = []
    with runner.stream(["sh", "-c", "echo 50% >&2"], cwd=tmp_path, on_stderr=said.append):
        pass
    assert b"".join(said) == b"50%\n"


def test_a_conversation_is_one_program_for_many_questions(runner: Runner, tmp_path: Path) -> None:
    with runner.batch(["cat"], cwd=tmp_path) as talk:
        assert [talk.ask(b"%d" % n) for n in range(100)] == [b"%d" % n for n in range(100)]
    assert runner.started == 1


def test_a_conversation_with_a_program_that_ends_early_is_an_error(runner: Runner, tmp_path: Path) -> None:
    with pytest.raises(CommandError), runner.batch(["true"], cwd=tmp_path) as talk:
        talk.ask(b"are you there")


def test_an_answer_may_be_cut_at_any_byte(runner: Runner, tmp_path: Path) -> None:
    with runner.batch(["cat"], cwd=tmp_path) as talk:
        talk.send(b"a\nb\0c\n12345")
        assert (talk.line(b"\0"), talk.line(), talk.read(5)) == (b"a\nb", b"c", b"12345")


def test_variables_are_added_and_taken_away_for_one_runner_only(runner: Runner, tmp_path: Path) -> None:
    other = runner.with_env({"ROOK": "1", "HOME": None})
    ask = [PYTHON, "-c", "import os; print(os.environ.get('ROOK'), 'HOME' in os.environ)"]
    assert other.run(ask, cwd=tmp_path).text == "1 False"
    assert runner.run(ask, cwd=tmp_path).text == "None True"
    assert runner.started == 2, "what a twin starts counts for its origin"


def test_bytes_that_are_no_text_survive_the_way_there_and_back() -> None:
    raw = bytes(range(256))
    assert encode(decode(raw)) == raw
