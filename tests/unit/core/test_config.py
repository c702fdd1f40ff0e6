"""Settings: which source wins, and what a stranger's dataset may not set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.core.config import Config, SettingError, canonical, from_environment, parse_bool
from rookery.core.context import Context
from rookery.core.errors import CommandError
from support.home import Home
from support.programs import Program


@pytest.fixture
def dataset(tmp_path: Path, git: Program) -> Path:
    root = tmp_path / "ds"
    git("init", "-q", root)
    (root / ".datalad").mkdir()
    return root


@pytest.fixture
def read(context: Callable[..., Context], dataset: Path, home: Home) -> Callable[..., Config]:
    def at(
        overrides: tuple[tuple[str, str | None], ...] = (), env: Mapping[str, str] | None = None
    ) -> Config:
        ctx = context(dataset, env={**home.env, **(env or {})}, overrides=overrides)
        return ctx.settings.at(dataset, dataset=dataset)

    return at


def commit(dataset: Path, text: str) -> None:
    (dataset / ".datalad" / "config").write_text(text)


def test_each_source_wins_over_the_one_before(
    read: Callable[..., Config], dataset: Path, git: Program
) -> None:
    key = "datalad.get.example"
    commit(dataset, '[datalad "get"]\n\texample = committed\n')
    seen = [read().get(key)]
    git("config", "--global", key, "global")
    seen.append(read().get(key))
    git("config", "--local", key, "local", cwd=dataset)
    seen.append(read().get(key))
    json = {"DATALAD_CONFIG_OVERRIDES_JSON": f'{{"{key}": "json"}}'}
    seen.append(read(env=json).get(key))
    variable = {**json, "DATALAD_GET_EXAMPLE": "variable"}
    seen.append(read(env=variable).get(key))
    seen.append(read(((key, "command line"),), env=variable).get(key))
    assert seen == ["committed", "global", "local", "json", "variable", "command line"]


def test_one_program_reads_all_sources(
    context: Callable[..., Context], dataset: Path, count_programs: Callable[..., object]
) -> None:
    ctx = context(dataset)
    ctx.settings.at(dataset, dataset=dataset)
    ctx.settings.at(dataset, dataset=dataset)
    assert ctx.runner.started == 1


@pytest.mark.parametrize(
    "text",
    [
        '[core]\n\tfsmonitor = "touch pwned"\n',
        '[core]\n\tsshCommand = "touch pwned"\n',
        '[diff]\n\texternal = "touch pwned"\n',
        '[alias]\n\tstatus = "!touch pwned"\n',
        '[datalad "procedures.evil"]\n\tcall-format = "touch pwned"\n',
        '[datalad "result-hook.evil"]\n\tcall-json = "run {}"\n',
        '[datalad "ssh"]\n\texecutable = "touch pwned"\n',
        '[datalad "locations"]\n\tuser-procedures = /tmp\n',
        '[datalad "clone.url-substitute"]\n\tx = ",^https:,ext::touch pwned,"\n',
    ],
)
def test_a_committed_setting_that_could_make_a_program_run_is_not_heard(
    read: Callable[..., Config], dataset: Path, text: str
) -> None:
    before = set(read().keys())
    commit(dataset, text)
    assert set(read().keys()) == before
    assert not (dataset / "pwned").exists()


def test_a_file_that_the_committed_one_includes_is_not_heard(
    read: Callable[..., Config], dataset: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").write_text('[datalad "get"]\n\texample = smuggled\n')
    commit(dataset, f"[include]\n\tpath = {tmp_path / 'elsewhere'}\n")
    assert read().get("datalad.get.example") is None


def test_a_setting_can_be_unset_for_one_command(
    read: Callable[..., Config], dataset: Path, git: Program
) -> None:
    git("config", "datalad.get.example", "local", cwd=dataset)
    assert read((("datalad.get.example", None),)).get("datalad.get.example") is None


def test_several_values_are_a_tuple(read: Callable[..., Config], dataset: Path, git: Program) -> None:
    git("config", "--add", "datalad.get.example", "one", cwd=dataset)
    git("config", "--add", "datalad.get.example", "two", cwd=dataset)
    config = read()
    assert config.get("datalad.get.example", get_all=True) == ("one", "two")
    assert config.get("datalad.get.example") == "two"


def test_a_broken_file_of_the_user_is_an_error_that_names_it(
    read: Callable[..., Config], dataset: Path
) -> None:
    (dataset / ".git" / "config").write_text("[core\n")
    with pytest.raises(CommandError, match=r"config"):
        read()


@pytest.mark.parametrize("text", ["[datalad", "[include]\n\tpath = config\n"], ids=["syntax", "itself"])
def test_a_broken_committed_file_is_left_out_with_a_warning(
    read: Callable[..., Config], dataset: Path, git: Program, caplog: pytest.LogCaptureFixture, text: str
) -> None:
    commit(dataset, text)
    git("config", "datalad.here", "yes", cwd=dataset)
    with caplog.at_level("WARNING", "rookery"):
        settings = read()
    assert settings.get("datalad.here") == "yes"
    assert any(str(dataset / ".datalad" / "config") in r.getMessage() for r in caplog.records)


def test_a_value_that_cannot_be_understood_names_its_key() -> None:
    config = Config({"local": {"a.flag": ("maybe",), "a.number": ("many",), "a.size": ("2k",)}})
    with pytest.raises(SettingError, match=r"a\.flag"):
        config.getbool("a.flag")
    with pytest.raises(SettingError, match=r"a\.number"):
        config.getint("a.number")
    assert config.getint("a.size") == 2048


def test_broken_json_in_the_environment_is_an_error() -> None:
    with pytest.raises(SettingError, match="DATALAD_CONFIG_OVERRIDES_JSON"):
        from_environment({"DATALAD_CONFIG_OVERRIDES_JSON": "["})


@given(
    st.from_regex(
        r"[A-Za-z][A-Za-z0-9-]{0,5}(\.[a-zA-Z0-9 ./:-]{1,8})?\.[A-Za-z][A-Za-z0-9-]{0,5}", fullmatch=True
    )
)
def test_the_spelling_of_a_key_is_settled_once(key: str) -> None:
    assert canonical(canonical(key)) == canonical(key)
    assert canonical(key).lower() == key.lower()


@pytest.mark.parametrize(
    ("word", "value"), [("yes", True), ("OFF", False), ("", False), ("2", True), ("0", False)]
)
def test_booleans_read_as_git_reads_them(word: str, value: bool) -> None:
    assert parse_bool(word) is value
