"""What shells are told could come next, and the scripts that ask."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.cli.completion import candidates
from rookery.operations.table import TABLE, load
from rookery.opkit.declare import Option
from support.home import Home
from support.inside import Inside
from support.programs import Program


@pytest.fixture
def offered(home: Home, tmp_path: Path) -> Callable[..., list[str]]:
    def ask(*words: str, cwd: Path = tmp_path) -> list[str]:
        return [one.word for one in candidates(words, home.env, cwd)]

    return ask


def test_every_command_is_offered(offered: Callable[..., list[str]]) -> None:
    assert offered("") == sorted(TABLE)
    assert offered("-l", "debug", "-C", "somewhere", "down") == ["download-url"]


def test_options_before_the_command(offered: Callable[..., list[str]]) -> None:
    assert "--on-failure" in offered("--")
    assert offered("--on-failure", "") == ["continue", "ignore", "stop"]
    assert offered("-f", "js") == ["json", "json_pp"]


@pytest.mark.parametrize("command", TABLE)
def test_every_option_of_every_command_is_offered(offered: Callable[..., list[str]], command: str) -> None:
    flags = {f for p in load(command).parameters if isinstance(p.look, Option) for f in p.look.flags}
    assert flags <= set(offered(command, "-"))


def test_words_that_an_option_or_a_place_allows(offered: Callable[..., list[str]]) -> None:
    assert offered("configuration", "") == ["dump", "get", "set", "unset"]
    assert offered("configuration", "--scope", "l") == ["local"]
    assert offered("configuration", "--scope=l") == ["--scope=local"]
    assert offered("configuration", "--scope", "=", "l") == ["--scope=local"]


def test_siblings_are_offered_where_one_is_meant(
    offered: Callable[..., list[str]], git: Program, tiny_dataset: Path
) -> None:
    for name in ("gin", "backup"):
        git("remote", "add", name, "/nowhere", cwd=tiny_dataset)
    assert offered("push", "--to", "", cwd=tiny_dataset) == ["backup", "gin"]
    assert offered("push", "--to", "g", cwd=tiny_dataset / "data") == ["gin"]


def test_paths_are_left_to_the_shell(offered: Callable[..., list[str]], tiny_dataset: Path) -> None:
    assert offered("get", "da", cwd=tiny_dataset) == []
    assert offered("nonsense", "x") == []


def test_the_record_is_datalads(inside: Inside, datalad: Program) -> None:
    ours = inside("-f", "json", "shell-completion").records
    theirs = datalad("-f", "json", "shell-completion").records
    assert [{**r, "content": ""} for r in ours] == [{**r, "content": ""} for r in theirs]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("rookery downl", ["download-url"]),
        ("rookery configuration --scope = l", ["local"]),
        ("rookery configuration --scope =", ["branch", "global", "local"]),
    ],
)
def test_bash_asks_and_is_told(
    cli: Program, home: Home, tmp_path: Path, words: str, wanted: list[str]
) -> None:
    script = tmp_path / "completion"
    script.write_text(cli("shell-completion").stdout)
    count = len(words.split()) - 1
    ask = f". {script}; COMP_WORDS=({words}); COMP_CWORD={count}; _rookery rookery;"
    ask += " printf '%s\\n' \"${COMPREPLY[@]}\""
    bash = Program(["bash", "-c", ask], home.env, tmp_path)
    assert bash().lines == wanted


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_can_read_their_script(cli: Program, home: Home, tmp_path: Path, shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"no {shell} here")
    script = tmp_path / "completion"
    script.write_text(cli("shell-completion", shell).stdout)
    subprocess.run([program, "-n", script], check=True, env=home.env)


def test_fish_asks_and_is_told(cli: Program, home: Home, tmp_path: Path) -> None:
    program = shutil.which("fish")
    if program is None:
        pytest.skip("no fish here")
    script = tmp_path / "completion"
    script.write_text(cli("shell-completion", "fish").stdout)
    fish = Program(
        [program, "-c", f"source {script}; complete -C 'rookery configuration --scope l'"], home.env
    )
    assert fish(cwd=tmp_path).lines[-1].split("\t")[0] == "local"
