"""`create-sibling-gin`, `-gogs` and `-gitea` with both tools: the same requests, records and settings come out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support.comparison import missing_from, normalised
from support.forge import Heard, MockForge
from support.programs import Answer, Program

WHO = "/api/v1/user"  # DataLad asks it even where it needs no answer
SLOW = pytest.mark.campaign  # they differ from the first in a status and a default


class Sides(NamedTuple):
    """The same dataset for both tools, one server that tells them apart by nothing."""

    forge: MockForge
    programs: dict[str, Program]
    places: dict[str, str]

    def run(self, *words: str, code: int | None = 0) -> dict[str, tuple[Answer, list[Any], list[Heard]]]:
        """Run a command with both; give the answer, the records and the requests of each."""
        found = {}
        for side, program in self.programs.items():
            self.forge.heard.clear()
            answer = program("-f", "json", *words, "--api", self.forge.url, code=code)
            records = [
                {key: value for key, value in record.items() if key not in ("request_headers", "hints")}
                for record in answer.records
            ]
            found[side] = answer, normalised(records, self.places), list(self.forge.heard)
        return found

    def settings(self) -> list[list[str]]:
        """Give what both have written about remotes."""
        pattern = r"^(remote|annex\.security)\."
        git = {side: Program(["git"], one.env, one.cwd) for side, one in self.programs.items()}
        return [
            sorted(one("config", "--local", "--get-regexp", pattern, code=None).lines) for one in git.values()
        ]


@pytest.fixture(params=["gin", pytest.param("gogs", marks=SLOW), pytest.param("gitea", marks=SLOW)])
def sides(
    request: pytest.FixtureRequest, cli: Program, datalad: Program, tiny_dataset: Path, tmp_path: Path
) -> Iterator[Sides]:
    with MockForge(request.param).running() as forge:
        places = {forge.url: "<forge>"}
        programs = {}
        for side, program in (("ours", cli), ("theirs", datalad)):
            shutil.copytree(tiny_dataset, tmp_path / side, symlinks=True)
            places[str(tmp_path / side)] = "<ds>"
            programs[side] = program.at(tmp_path / side).having({"DATALAD_CREDENTIAL_FORGE_TOKEN": "s3cret"})
        yield Sides(forge, programs, places)


def test_requests_records_and_settings_are_the_same(sides: Sides) -> None:
    command = f"create-sibling-{sides.forge.kind}"
    common = ("-s", "hub", "--credential", "forge")
    for words, code in (
        ((command, "lab/mine", *common, "--dry-run"), 0),
        ((command, "mine", *common, "--private", "--description", "Penguins"), 0),
        ((command, "mine", *common), 1),
        ((command, "mine", *common, "--existing", "skip"), 0),
        ((command, "lab/mine", *common, "--existing", "reconfigure", "--access-protocol", "ssh"), 0),
    ):
        both = sides.run(*words, code=code)
        (_, ours, asked), (_, theirs, wanted) = both["ours"], both["theirs"]
        assert asked == wanted, words
        assert missing_from(ours, theirs) == [], words
        mine, its = sides.settings()
        assert mine == its, words
    sides.forge.taken.add("mine")
    for existing, code in (("error", 1), ("skip", 1), ("reconfigure", 0)):
        words = (command, "mine", "-s", f"by-{existing}", "--credential", "forge", "--existing", existing)
        both = sides.run(*words, code=code)
        asked, wanted = both["ours"][2], both["theirs"][2]
        assert asked == [one for one in wanted if one.path != WHO or one in asked], existing
        assert missing_from(both["ours"][1], both["theirs"][1]) == [], existing
    mine, its = sides.settings()
    assert mine == its


def test_what_a_server_refuses_is_said(sides: Sides) -> None:
    command = f"create-sibling-{sides.forge.kind}"
    words = (command, "mine", "-s", "hub", "--credential", "forge")
    wrong = {
        side: one.having({"DATALAD_CREDENTIAL_FORGE_TOKEN": "no"}) for side, one in sides.programs.items()
    }
    refused = sides._replace(programs=wrong).run(*words, code=1)
    assert missing_from(refused["ours"][1], refused["theirs"][1]) == []
    sides.forge.broken = 500, b'{"message": "the disk is full"}'
    failed = sides.run(*words, code=1)
    assert missing_from(failed["ours"][1], failed["theirs"][1]) == []
    for status, body in ((500, b""), (418, b"{}"), (201, b"<html>"), (201, b'{"name": "mine"}'), (302, b"")):
        sides.forge.broken = status, body
        ours = sides.programs["ours"]("-f", "json", *words, "--api", sides.forge.url, code=1)
        assert [r["status"] for r in ours.records] == ["error"]
        assert "s3cret" not in ours.stdout + ours.stderr
    assert sides.settings() == [[], []], "nothing was configured for what was not made"
