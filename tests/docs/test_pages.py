"""The pages do what they say: each command of a page is run, in order, and prints what is shown."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

import pytest

from page import Command, Outcome, Prose, Shell, agrees, parse
from stage import set_up

DOCS = Path(__file__).parents[2] / "docs"


def complaint(page: str, command: Command, outcome: Outcome) -> str | None:
    """Say how an outcome differs from the page; None if it does not."""
    place = f"{page}:{command.line}: $ {command.text}"
    if outcome.exit_code != command.exit_code:
        return (
            f"{place}\nexit code {outcome.exit_code}, not {command.exit_code}; it printed:\n{outcome.printed}"
        )
    if agrees(command.expected, outcome.printed):
        return None
    lines = difflib.unified_diff(
        command.expected, outcome.printed.splitlines(), "the page", "the command", lineterm=""
    )
    return "\n".join((place, *lines))


@pytest.mark.parametrize(("page", "commands"), [("tutorial.md", 20), ("deposits.md", 8)])
def test_every_command_prints_what_the_page_shows(page: str, commands: int, tmp_path: Path) -> None:
    ran = 0
    with set_up(tmp_path, os.environ) as (env, first):
        shell = Shell(tmp_path, env)
        try:
            shell.run(first)
            for part in parse((DOCS / page).read_text()):
                if not isinstance(part, Prose):
                    wrong = complaint(page, part, shell.run(part.text))
                    assert wrong is None, wrong
                    ran += 1
        finally:
            shell.close()
    assert ran >= commands


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
