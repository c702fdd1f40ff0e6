"""configuration: what holds, where it is written, and what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.core.registry import known
from support.inside import Inside
from support.programs import Program

SOURCE = Path(__file__).parents[2] / "src" / "rookery"


@pytest.fixture
def ds(new_dataset: Callable[..., Path]) -> Path:
    return new_dataset("ds", files={})


def test_set_writes_into_this_clone_and_get_says_the_bare_value(
    inside: Inside, git: Program, ds: Path
) -> None:
    assert inside("configuration", "set", "my.one=1", "my.two=a=b c", cwd=ds).lines == [
        "set_configuration(ok): . [my.one=1]",
        "set_configuration(ok): . [my.two=a=b c]",
    ]
    assert inside("configuration", "get", "my.one", "my.two", cwd=ds).lines == ["1", "a=b c"]
    assert git("config", "--local", "my.two", cwd=ds).text == "a=b c"


def test_what_is_not_set_is_an_empty_line_or_its_default(inside: Inside, ds: Path) -> None:
    assert inside("configuration", "get", "no.such", "datalad.repo.backend", cwd=ds).lines == ["", "MD5E"]
    record = inside("-f", "json", "configuration", "get", "no.such", cwd=ds).records[0]
    assert record["value"] is None


def test_branch_scope_is_the_committed_file_uncommitted(inside: Inside, git: Program, ds: Path) -> None:
    inside("configuration", "set", "--scope", "branch", "datalad.my.key=x", cwd=ds)
    assert git("status", "--porcelain", cwd=ds).text == " M .datalad/config"
    assert inside("configuration", "get", "datalad.my.key", cwd=ds).text == "x"
    assert inside("configuration", "get", "--scope", "local", "datalad.my.key", cwd=ds).text == ""


def test_a_setting_that_is_not_heard_from_there_is_written_with_a_warning(inside: Inside, ds: Path) -> None:
    answer = inside("configuration", "set", "--scope", "branch", "core.sshcommand=evil", cwd=ds)
    assert "core.sshcommand is not heard from a committed configuration" in answer.stderr


def test_set_replaces_all_values(inside: Inside, git: Program, ds: Path) -> None:
    for value in ("1", "2"):
        git("config", "--add", "my.list", value, cwd=ds)
    assert inside("configuration", "get", "my.list", cwd=ds).text == "2"
    inside("configuration", "set", "my.list=3", cwd=ds)
    assert git("config", "--get-all", "my.list", cwd=ds).text == "3"


def test_global_needs_no_dataset(inside: Inside, tmp_path: Path) -> None:
    inside("configuration", "set", "--scope", "global", "my.one=1", cwd=tmp_path)
    assert "my.one=1" in inside("configuration", cwd=tmp_path).lines
    inside("configuration", "unset", "--scope", "global", "my.one", cwd=tmp_path)
    assert "my.one=1" not in inside("configuration", cwd=tmp_path).lines


def test_unset_of_nothing_is_an_error(inside: Inside, ds: Path) -> None:
    answer = inside("configuration", "unset", "my.one", cwd=ds, code=1)
    assert answer.lines[0].startswith(
        "unset_configuration(error): . [configuration 'my.one' does not exist ("
    )


def test_recursion_names_the_dataset_of_each_value(inside: Inside, datalad: Program, ds: Path) -> None:
    datalad("create", "-d", ".", "sub", cwd=ds)
    inside("configuration", "set", "-r", "my.one=1", cwd=ds)
    assert inside("configuration", "get", "-r", "my.one", cwd=ds).lines == ["<ds>:1", "<ds>/sub:1"]
    assert inside("configuration", "get", "-r", "my.one", cwd=ds / "sub").lines == ["<ds>:1"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["set", "my.one"], 1),
        (["set", "one=1"], 1),
        (["dump", "--scope", "local"], 1),
        (["get", "one"], 1),
        (["frobnicate"], 2),
    ],
)
def test_bad_requests(inside: Inside, ds: Path, words: list[str], code: int) -> None:
    inside("configuration", *words, cwd=ds, code=code)


def test_dump_says_what_known_settings_are_for(inside: Inside, ds: Path) -> None:
    lines = inside("configuration", cwd=ds).lines
    assert "# the key backend of new datasets" in lines
    assert "datalad.repo.backend=MD5E" in lines
    assert any(re.fullmatch(r"annex\.uuid=[0-9a-f-]{36}", line) for line in lines)


def test_every_setting_that_the_code_asks_for_is_known() -> None:
    asked = set()
    for file in SOURCE.rglob("*.py"):
        asked |= set(
            re.findall(r"""\.get(?:bool|int|float)?\(\s*f?"(datalad\.[a-z][^"{]*)""", file.read_text())
        )
    assert "datalad.downloaders.retry" in asked
    assert [key for key in asked if known(key) is None] == []
