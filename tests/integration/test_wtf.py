"""wtf: the record is DataLad's, and no secret is in it unless it was asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rookery import __version__
from rookery.operations.wtf import SECTIONS
from support.home import Home
from support.inside import Inside
from support.programs import Program

SECRET = "hunter2-5eCr3t"


def infos(answer: Any) -> Any:
    return answer.records[0]["infos"]


def test_sections_and_keys_that_datalad_has_are_the_same(
    inside: Inside, datalad: Program, tiny_dataset: Path
) -> None:
    sections = [word for name in ("dataset", "git-annex", "python", "system") for word in ("-S", name)]
    ours = inside("-f", "json", "wtf", *sections, cwd=tiny_dataset).records[0]
    theirs = datalad("-f", "json", "wtf", *sections, cwd=tiny_dataset).records[0]
    assert {k: v for k, v in ours.items() if k != "infos"} == {
        k: v for k, v in theirs.items() if k != "infos"
    }
    assert ours["infos"].keys() == theirs["infos"].keys()
    for name, section in theirs["infos"].items():
        assert set(section) <= set(ours["infos"][name]), name
    assert ours["infos"]["dataset"] == theirs["infos"]["dataset"]
    assert ours["infos"]["git-annex"]["version"] == theirs["infos"]["git-annex"]["version"]


def test_it_is_markdown_with_all_sections(inside: Inside, tiny_dataset: Path) -> None:
    lines = inside("wtf", "-S", "*", cwd=tiny_dataset).lines
    assert lines[0] == "# WTF"
    assert [line.split()[1] for line in lines if line.startswith("## ")] == sorted(SECTIONS)
    assert f"  - version: {__version__}" in lines


def test_outside_a_dataset(inside: Inside, tmp_path: Path) -> None:
    record = inside("-f", "json", "wtf", "-S", "location", cwd=tmp_path).records[0]
    assert record["type"] == "directory"
    assert record["infos"] == {"location": {"path": str(tmp_path), "type": "directory"}}


@pytest.mark.parametrize("sensitive", [(), ("-s", "some")])
def test_no_secret_is_told(
    inside: Inside,
    git: Program,
    tiny_dataset: Path,
    monkeypatch: pytest.MonkeyPatch,
    sensitive: tuple[str, ...],
) -> None:
    for key in (
        "datalad.credential.my.secret",
        "http.https://example.org.extraheader",
        "remote.gin.annex-token",
        "sendemail.smtppass",
    ):
        git("config", key, SECRET, cwd=tiny_dataset)
    git("config", "remote.gin.url", f"https://robin:{SECRET}@example.org/x", cwd=tiny_dataset)
    for name in ("DATALAD_mycred_token", "GIT_PASSWORD", "ROOKERY_API_KEY"):
        monkeypatch.setenv(name, SECRET)
    monkeypatch.setenv("https_proxy", f"http://robin:{SECRET}@proxy")
    answer = inside("wtf", "-S", "*", *sensitive, cwd=tiny_dataset)
    assert SECRET not in answer.stdout


def test_all_hides_nothing(inside: Inside, tiny_dataset: Path) -> None:
    told = infos(inside("-f", "json", "wtf", "-s", "all", "-S", "configuration", cwd=tiny_dataset))
    assert told["configuration"]["user.name"] == "Robin Rook"


def test_short_and_folded_up(inside: Inside, tmp_path: Path) -> None:
    assert inside("wtf", "--flavor", "short", cwd=tmp_path).lines[1] == f"- rookery: version={__version__}"
    lines = inside("wtf", "-D", "html_details", "-S", "python", cwd=tmp_path).lines
    assert lines[0] == f"<details><summary>Rookery {__version__} WTF (python)</summary>"
    assert lines[-1] == "</details>"


def test_an_unknown_section_is_a_usage_error(inside: Inside, tmp_path: Path) -> None:
    assert "there is no section 'nonsense'" in inside("wtf", "-S", "nonsense", cwd=tmp_path, code=2).stderr


def test_the_clipboard_gets_the_text(inside: Inside, home: Home, tmp_path: Path) -> None:
    copier = home.path / "bin" / "wl-copy"
    copier.parent.mkdir(exist_ok=True)
    copier.write_text(f"#!/bin/sh\ncat > {tmp_path}/copied\n")
    copier.chmod(0o755)
    answer = inside("wtf", "-c", "-S", "python", cwd=tmp_path)
    assert "copied to clipboard" in answer.text
    assert (tmp_path / "copied").read_text().startswith("# WTF\n## python")


def test_without_a_clipboard_it_says_so(
    inside: Inside, home: Home, tmp_path: Path, new_dataset: Callable[..., Path]
) -> None:
    answer = inside("wtf", "-c", "-S", "python", cwd=tmp_path, code=1)
    assert "there is no program to reach the clipboard" in answer.text
