"""Options before the command, variables and result hooks, beside DataLad where it has them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from support.comparison import SideBySide
from support.inside import Inside
from support.programs import Program

CALL = 'configuration {{"action": "set", "spec": "my.hook={type}", "dataset": "{dsarg}"}}'
HOOK = (
    "-c",
    'datalad.result-hook.mark.match-json={"action": "save", "status": ["neq", "notneeded"]}',
    "-c",
    f"datalad.result-hook.mark.call-json={CALL}",
)


@pytest.fixture
def changed(tiny_dataset: Path) -> Path:
    (tiny_dataset / "new.txt").write_text("new\n")
    return tiny_dataset


@pytest.mark.parametrize(
    "line",
    [
        "-f json status",
        "-f json_pp status",
        "-f generic status",
        "-f disabled status",
        "-f {path}:{state} status",
        "-f {nonsense}{state} status",
        "--report-status failure save",
        "--report-type dataset save",
        "--on-failure stop get nowhere.dat data",
        "--on-failure ignore get nowhere.dat data",
        "-c datalad.repo.backend=SHA1 configuration get datalad.repo.backend",
        "-c :user.name configuration get user.name",
    ],
)
def test_what_is_printed_is_what_datalad_prints(
    side_by_side: Callable[[Path], SideBySide], changed: Path, line: str
) -> None:
    ours, theirs = side_by_side(changed).lines(*line.split())
    if line.startswith("-f json"):
        # which keys there are is shown elsewhere; here it is the form
        ours, theirs = ([one[:1] + one[-1:] for one in lines] for lines in (ours, theirs))
        assert set(theirs) <= set(ours)
    else:
        assert ours == theirs


@pytest.mark.parametrize(
    ("variable", "value", "key"),
    [
        ("DATALAD_REPO_BACKEND", "SHA1", "datalad.repo.backend"),
        ("DATALAD_MY_LONG__NAME", "x", "datalad.my.long-name"),
        (
            "DATALAD_CONFIG_OVERRIDES_JSON",
            '{"datalad.credential.a_b.user": "jane"}',
            "datalad.credential.a_b.user",
        ),
    ],
)
def test_variables_mean_what_they_mean_to_datalad(
    inside: Inside,
    datalad: Program,
    tiny_dataset: Path,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
    value: str,
    key: str,
) -> None:
    monkeypatch.setenv(variable, value)
    ours = inside("configuration", "get", key, cwd=tiny_dataset).text
    assert ours == datalad("configuration", "get", key, cwd=tiny_dataset, env={variable: value}).text
    assert ours


@pytest.mark.parametrize(
    ("level", "said"),
    [("debug", True), ("info", False), ("WARNING", False), ("10", True), ("nonsense", False)],
)
def test_the_level_of_the_log_is_an_option_or_a_variable(
    inside: Inside, tiny_dataset: Path, monkeypatch: pytest.MonkeyPatch, level: str, said: bool
) -> None:
    assert ("[DEBUG]" in inside("-l", level, "status", cwd=tiny_dataset).stderr) is said
    monkeypatch.setenv("DATALAD_LOG_LEVEL", level)
    assert ("[DEBUG]" in inside("status", cwd=tiny_dataset).stderr) is said


def test_the_level_of_the_log_is_a_setting_too(inside: Inside, git: Program, tiny_dataset: Path) -> None:
    git("config", "datalad.log.level", "debug", cwd=tiny_dataset)
    assert "[DEBUG]" in inside("status", cwd=tiny_dataset).stderr
    assert "[DEBUG]" not in inside("-l", "info", "status", cwd=tiny_dataset).stderr


def test_a_result_hook_follows_the_results_it_waits_for(inside: Inside, git: Program, changed: Path) -> None:
    inside(*HOOK, "save", cwd=changed)
    assert git("config", "my.hook", cwd=changed).text == "dataset"


def test_a_result_hook_leaves_other_results_alone(inside: Inside, git: Program, tiny_dataset: Path) -> None:
    inside(*HOOK, "save", cwd=tiny_dataset)
    assert git("config", "my.hook", cwd=tiny_dataset, code=1).text == ""


def test_a_result_hook_of_datalads_works_as_it_is(
    side_by_side: Callable[[Path], SideBySide], git: Program, changed: Path
) -> None:
    both = side_by_side(changed)
    both.run(*HOOK, "save", "-d", ".", code=0)
    seen = [git("config", "my.hook", cwd=both.root / side).text for side in ("ours", "theirs")]
    assert seen == ["dataset", "dataset"]


def test_a_hook_that_cannot_be_read_is_an_error_that_names_it(inside: Inside, changed: Path) -> None:
    answer = inside(
        "-c",
        "datalad.result-hook.bad.match-json=[",
        "-c",
        "datalad.result-hook.bad.call-json=x",
        "save",
        cwd=changed,
        code=1,
    )
    assert "'bad'" in answer.stderr


def test_progress_can_be_told_as_json(inside: Inside, tiny_dataset: Path, tmp_path: Path) -> None:
    (tmp_path / "source.dat").write_bytes(b"x" * 5000)
    answer = inside(
        "--progress", "json", "download-url", (tmp_path / "source.dat").as_uri(), cwd=tiny_dataset
    )
    told = [json.loads(line) for line in answer.stderr.splitlines() if line.startswith("{")]
    mine = [line for line in told if line["label"] == "source.dat"]
    assert [line["progress"] for line in mine][:: len(mine) - 1] == ["start", "finish"]
    assert mine[-1]["done"] == mine[-1]["total"] == 5000


@pytest.mark.parametrize(
    "call", ["nonsense {{}}", 'configuration {{"nonsense": 1}}', 'configuration {{"action": "x"}}']
)
def test_a_hook_that_calls_what_cannot_be_called_is_an_error(
    inside: Inside, changed: Path, call: str
) -> None:
    words = ["-c", "datalad.result-hook.bad.match-json={}", "-c", f"datalad.result-hook.bad.call-json={call}"]
    assert "result hook" in inside(*words, "save", cwd=changed, code=1).stderr
