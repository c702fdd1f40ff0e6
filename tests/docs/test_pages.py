"""The pages do what they say: each command of a page is run, in order, and prints what is shown."""

from __future__ import annotations

import difflib
import os
import signal
import socket
from collections.abc import Iterable
from contextlib import suppress
from itertools import groupby
from pathlib import Path

import pytest

from hub import Access
from page import Command, Outcome, Prose, Shell, agrees, parse
from stage import environment, hub_for_all, set_up

DOCS = Path(__file__).parents[2] / "docs"


def settled(lines: Iterable[str]) -> tuple[str, ...]:
    """Put lines on files that come and go in order: over several connections they are said as they end."""
    runs = groupby(lines, key=lambda line: line.startswith(("copy(ok)", "get(ok)")))
    return tuple(line for files, run in runs for line in (sorted(run) if files else run))


def complaint(page: str, command: Command, outcome: Outcome) -> str | None:
    """Say how an outcome differs from the page; None if it does not."""
    place = f"{page}:{command.line}: $ {command.text}"
    if outcome.exit_code != command.exit_code:
        return (
            f"{place}\nexit code {outcome.exit_code}, not {command.exit_code}; it printed:\n{outcome.printed}"
        )
    if agrees(settled(command.expected), "\n".join(settled(outcome.printed.splitlines()))):
        return None
    lines = difflib.unified_diff(
        command.expected, outcome.printed.splitlines(), "the page", "the command", lineterm=""
    )
    return "\n".join((place, *lines))


def play(page: str, env: dict[str, str], first: str, folder: Path) -> int:
    """Run the commands of a page in order; give how many there were.  Fails at the first that differs."""
    ran = 0
    shell = Shell(folder, env)
    try:
        shell.run(first)
        for part in parse((DOCS / page).read_text()):
            if not isinstance(part, Prose):
                wrong = complaint(page, part, shell.run(part.text))
                assert wrong is None, wrong
                ran += 1
    finally:
        shell.close()
    return ran


def test_every_command_of_deposits_prints_what_the_page_shows(tmp_path: Path) -> None:
    with set_up(tmp_path, os.environ) as (env, first):
        assert play("deposits.md", env, first, tmp_path) >= 8


@pytest.mark.parametrize("access", ["http", pytest.param("ssh", marks=pytest.mark.campaign)])
def test_the_tutorial_prints_what_the_page_shows_on_a_hub(access: Access, tmp_path: Path) -> None:
    stage = tmp_path / "stage"
    stage.mkdir()
    with hub_for_all(tmp_path, environment(tmp_path, os.environ)) as hub:
        with set_up(stage, os.environ, hub=hub, access=access) as (env, first):
            assert play("tutorial.md", env, first, stage) >= 20


def test_a_hub_of_ones_own_as_the_page_shows(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    home = tmp_path / "home" / "alice"
    with set_up(tmp_path, os.environ) as (env, first):
        # the invitation, which the page has people make with a browser, needs the data
        hub = {"HUB": f"http://{address}", "ADDRESS": address, "ROOKERY_HUB_SSH": ""}
        try:
            told = {"ROOKERY_HUB_DATA": str(home / "rookery-hub")}
            assert play("your-own-hub.md", env | hub | told, first, tmp_path) >= 15
        finally:
            with suppress(FileNotFoundError, ProcessLookupError):
                os.kill(int((home / "hub.pid").read_text()), signal.SIGTERM)


def test_a_page_is_taken_apart_in_order() -> None:
    page = "Text.\n\n<!-- exit: 1 -->\n```console\n$ false\n$ cat <<E\n> a\n> E\na\n```\n<!-- run: true -->\nMore."
    prose, false, cat, hidden, more = parse(page)
    assert prose == Prose("Text.\n")
    assert false == Command(5, "false", (), 1)
    assert cat == Command(6, "cat <<E\na\nE", ("a",), 1)
    assert isinstance(hidden, Command)
    assert (hidden.text, hidden.hidden) == ("true", True)
    assert more == Prose("More.")


def test_dots_stand_for_what_differs() -> None:
    assert agrees(("save(ok): ... (dataset)", "..."), "save(ok): /tmp/x (dataset)\none\ntwo\n")
    assert agrees(("...", "last"), "last")
    assert not agrees(("save(ok): . (dataset)",), "save(ok): . (dataset)\nmore\n")
