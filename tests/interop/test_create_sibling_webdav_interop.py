"""`create-sibling-webdav` with both tools: the same records, settings and special remotes come out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.comparison import missing_from, normalised
from support.programs import Program
from support.webdav import PASSWORD, USER, WebDav

LOGIN = {"WEBDAV_USERNAME": USER, "WEBDAV_PASSWORD": PASSWORD}
SLOW = pytest.mark.campaign


@pytest.fixture
def sides(
    webdav: WebDav, cli: Program, datalad: Program, keyring_file: Path, tmp_path: Path
) -> Callable[..., Any]:
    """Give a factory: the same dataset twice, and a command run on both, each with its own place on the server."""
    cli(
        "credentials", "set", "nest", "type=user_password", f"user={USER}", f"realm={webdav.url}/", "secret=-",
        stdin=PASSWORD,
    )  # fmt: skip
    places = {"datalad": "rookery", webdav.url: "<server>"}

    def prepare(dataset: Path) -> Callable[..., tuple[list[Any], list[Any]]]:
        for side in ("ours", "theirs"):
            shutil.copytree(dataset, tmp_path / side, symlinks=True)
            places[str(tmp_path / side)] = "<ds>"
            places[f"{webdav.url}/{side}"] = "<place>"
            places[f"{webdav.url}/{side}".replace(":", "%3A")] = "<place>"

        def run(*words: str, code: int = 0) -> tuple[list[Any], list[Any]]:
            answers = [
                program("-f", "json", *words, f"{webdav.url}/{side}", cwd=tmp_path / side, code=code)
                for program, side in ((cli, "ours"), (datalad, "theirs"))
            ]
            assert PASSWORD not in answers[0].stdout + answers[0].stderr
            return normalised(answers[0].records, places), normalised(answers[1].records, places)

        def state(below: str = ".") -> tuple[Any, Any]:
            found = []
            for side in ("ours", "theirs"):
                git = Program(["git"], cli.env, tmp_path / side / below)
                settings = git("config", "--local", "--get-regexp", r"^remote\.", code=None)
                special = git("show", "git-annex:remote.log", code=None).text.partition(" timestamp=")[0]
                found.append(normalised([sorted(settings.lines), special], places))
            return found[0], found[1]

        run.state = state  # type: ignore[attr-defined]  # two functions of one preparation
        return run

    return prepare


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--mode", "filetree", "--credential", "nest", "-s", "dav", "--storage-name", "files"],
        pytest.param(["--mode", "git-only"], marks=SLOW),
        pytest.param(["--mode", "annex-only", "-s", "dav"], marks=SLOW),
        pytest.param(["--mode", "filetree-only", "--storage-name", "files"], marks=SLOW),
    ],
)
def test_the_same_comes_out(sides: Callable[..., Any], tiny_dataset: Path, words: list[str]) -> None:
    run = sides(tiny_dataset)
    ours, theirs = run("create-sibling-webdav", *words)
    assert theirs and not missing_from(ours, theirs)
    assert len(ours) == len(theirs)
    here, there = run.state()
    assert here == there


def test_again_and_below_the_same_comes_out(
    sides: Callable[..., Any], new_dataset: Callable[..., Path], datalad: Program
) -> None:
    top = new_dataset("top")
    datalad("create", "-d", top, "sub", cwd=top)
    run = sides(top)
    for words in ([], ["--existing", "skip"], ["--existing", "reconfigure"]):
        ours, theirs = run("create-sibling-webdav", "-r", "-s", "dav", *words)
        for record in theirs:
            record["refds"] = "<ds>"  # DataLad's records of a subdataset's Git remote name the subdataset
        assert len(theirs) == 4 and not missing_from(ours, theirs)
        assert len(ours) == len(theirs)
    for below in (".", "sub"):
        here, there = run.state(below)
        assert here == there
    ours, theirs = run("create-sibling-webdav", "-r", "-s", "dav", code=1)
    assert len(ours) == len(theirs) == 4
    assert {r["status"] for r in (*ours, *theirs)} == {"error"}
