"""The page on deposits does what it says."""

from __future__ import annotations

import os
from pathlib import Path

from page import Prose, Shell, agrees, parse
from stage import set_up

PAGE = Path(__file__).parents[2] / "docs" / "deposits.md"


def test_every_command_of_the_page_on_deposits_prints_what_it_shows(tmp_path: Path) -> None:
    ran = 0
    with set_up(tmp_path, os.environ) as (env, first):
        shell = Shell(tmp_path, env)
        try:
            shell.run(first)
            for part in parse(PAGE.read_text()):
                if isinstance(part, Prose):
                    continue
                outcome = shell.run(part.text)
                assert outcome.exit_code == part.exit_code, (part.text, outcome.printed)
                assert agrees(part.expected, outcome.printed), (part.text, outcome.printed)
                ran += 1
        finally:
            shell.close()
    assert ran == 8
