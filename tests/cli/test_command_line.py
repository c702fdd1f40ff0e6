"""The command line as a whole: help, settings, exit codes, streams."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from rookery import __version__
from rookery.operations.table import TABLE, load
from rookery.opkit.declare import Option
from support.home import Home
from support.inside import Inside
from support.programs import Program


@pytest.mark.parametrize("command", TABLE)
def test_help_names_every_option(inside: Inside, command: str) -> None:
    text = inside(command, "--help").stdout
    for parameter in load(command).parameters:
        if isinstance(parameter.look, Option):
            assert all(flag in text for flag in parameter.look.flags)


def test_the_help_lists_every_command_with_its_summary(inside: Inside) -> None:
    text = inside("--help").stdout
    assert all(f"{name} " in text and entry.summary in text for name, entry in TABLE.items())


def test_the_version_is_said(cli: Program) -> None:
    assert cli("--version").text == f"rookery {__version__}"


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["status"]])
def test_what_could_not_be_written_was_not_said(home: Home, tiny_dataset: Path, words: list[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no file that takes nothing on this machine")
    argv = [sys.executable, "-m", "rookery", *words]
    for unbuffered in ("", "1"):
        env = {**home.env, "PYTHONUNBUFFERED": unbuffered}
        with open("/dev/full", "w") as full:
            ended = subprocess.run(argv, cwd=tiny_dataset, env=env, stdout=full, stderr=subprocess.PIPE)
        assert ended.returncode == 1
        assert b"No space left" in ended.stderr and b"Traceback" not in ended.stderr


def test_the_console_script_and_the_module_are_the_same(home: Home, tmp_path: Path) -> None:
    script = Program([Path(sys.executable).with_name("rookery")], home.env, tmp_path)
    assert script("--version").text == f"rookery {__version__}"


def test_a_mistyped_command_is_answered_with_the_nearest(inside: Inside) -> None:
    answer = inside("stauts", code=1)
    assert "status" in answer.stderr
    assert answer.stdout == ""


def test_git_annex_is_found_without_an_activated_environment(home: Home, tmp_path: Path) -> None:
    bare = Program([sys.executable, "-m", "rookery"], home.bare_env, tmp_path)
    bare("create", "ds")
    assert (tmp_path / "ds" / ".git" / "annex").is_dir()


def test_a_setting_holds_for_one_command_and_is_not_stored(
    cli: Program, git: Program, tmp_path: Path
) -> None:
    cli("-c", "datalad.repo.backend=SHA256E", "create", "ds")
    assert "SHA256E" in (tmp_path / "ds" / ".gitattributes").read_text()
    assert git("config", "datalad.repo.backend", cwd=tmp_path / "ds", code=1).stdout == ""


def test_the_folder_can_be_named_first(cli: Program, tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    cli("-C", "a", "-C", "b", "create", "ds")
    assert (tmp_path / "a" / "b" / "ds" / ".datalad").is_dir()
    assert "no such folder" in cli("-C", "nowhere", "create", "ds", code=2).stderr


def test_results_go_to_standard_output_and_the_log_to_standard_error(cli: Program, tmp_path: Path) -> None:
    answer = cli("-f", "json", "-l", "debug", "create", "ds")
    assert [json.loads(line)["action"] for line in answer.lines] == ["create"]
    assert "git" in answer.stderr


def test_a_template_shows_what_it_names(cli: Program, tmp_path: Path) -> None:
    assert cli("-f", "{status} {path}", "create", "ds").text == f"ok {tmp_path / 'ds'}"


def test_a_failure_is_exit_code_one_and_can_be_ignored(cli: Program, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    assert cli("create", "full", code=1).stdout.startswith("create(error): ")
    cli("--on-failure", "ignore", "create", "full", code=0)


def test_results_reach_a_pipe_although_bars_are_drawn(home: Home, tmp_path: Path, cli: Program) -> None:
    cli("create", "ds", cwd=tmp_path)
    with open(tmp_path / "ds" / "large.dat", "wb") as large:
        large.truncate(50_000_000)
    terminal, end = pty.openpty()
    said: list[bytes] = []
    reader = threading.Thread(target=drain, args=(terminal, said))
    reader.start()
    argv = [sys.executable, "-m", "rookery", "save"]
    answer = subprocess.run(
        argv,
        cwd=tmp_path / "ds",
        env={**home.env, "TERM": "xterm"},
        stdout=subprocess.PIPE,
        stderr=end,
        check=True,
    )
    os.close(end)
    reader.join()
    os.close(terminal)
    assert b"Saving in ds" in b"".join(said)
    assert answer.stdout.decode().splitlines()[:2] == ["add(ok): large.dat (file)", "save(ok): . (dataset)"]


def drain(terminal: int, said: list[bytes]) -> None:
    try:
        while piece := os.read(terminal, 4096):
            said.append(piece)
    except OSError:
        pass  # how a terminal ends when nobody writes to it any more


def test_a_file_that_cannot_be_read_is_named_without_a_traceback(cli: Program, tmp_path: Path) -> None:
    cli("create", "ds", cwd=tmp_path)
    answer = cli("save", "-F", "nowhere", cwd=tmp_path / "ds", code=1)
    assert answer.stderr == f"[ERROR] No such file or directory: {tmp_path / 'ds' / 'nowhere'}\n"


def test_names_that_are_no_text_go_out_as_they_came_in(home: Home, tmp_path: Path) -> None:
    name = b"latin1-\xe9"
    done = subprocess.run(
        [sys.executable, "-m", "rookery", "create", name],
        cwd=tmp_path,
        env=home.env,
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"create(ok): " + os.fsencode(tmp_path) + b"/" + name + b" (dataset)\n"


def test_a_reader_that_has_seen_enough_is_no_error_to_speak_of(home: Home, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "rookery", "--help"],
        cwd=tmp_path,
        env=home.env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    process.wait()
    assert b"Traceback" not in said
    assert b"Exception ignored" not in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_ends_with_three(home: Home, tmp_path: Path, number: signal.Signals) -> None:
    """A `git` that never answers stands in for a command that takes long."""
    trap = home.path / "bin" / "git"
    trap.parent.mkdir(exist_ok=True)
    trap.write_text("#!/bin/sh\necho reached >&2\nexec sleep 1000\n")
    trap.chmod(0o755)
    fifo = tmp_path / "reached"
    os.mkfifo(fifo)
    trap.write_text(f"#!/bin/sh\necho reached > {fifo}\nexec sleep 1000\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "rookery", "create", "ds"],
        cwd=tmp_path,
        env={**home.env, "PATH": f"{trap.parent}:{home.env['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert fifo.read_text() == "reached\n"
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 3
    assert b"Traceback" not in said
