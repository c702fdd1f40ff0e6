"""An operation's signature is its command line and its Python function."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest

from rookery.cli.parser import parse, parser_for
from rookery.core.context import Context
from rookery.core.results import result
from rookery.opkit.declare import Many, Positional, Record, bind, operation, option

Mode = Literal["auto", "slow"]


@operation()
def sample(
    ctx: Context,
    path: Annotated[Many, Positional("PATH", help="what")] = None,
    *,
    force: Annotated[bool, option("-f", "--force", help="really")] = False,
    annex: Annotated[bool, option("--no-annex", help="without")] = True,
    mode: Annotated[Mode | None, option("--mode", help="how", const="auto")] = None,
    jobs: Annotated[int | str | None, option("-J", "--jobs", metavar="N", help="many")] = None,
    item: Annotated[Many, option("-i", "--item", metavar="ITEM", help="each", append=True)] = None,
) -> Iterator[Record]:
    """Do a sample thing.

    Always.
    """
    yield result("sample", str(ctx.cwd), seen=(path, force, annex, mode, jobs, item))


@operation()
def command(
    ctx: Context,
    cmd: Annotated[Many, Positional("COMMAND", help="what to run", rest=True)] = None,
    *,
    explicit: Annotated[bool, option("--explicit", help="only outputs")] = False,
) -> Iterator[Record]:
    """Run a thing."""
    yield result("command", str(ctx.cwd), seen=(cmd, explicit))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], {}),
        (["a", "b"], {"path": ["a", "b"]}),
        (["-f", "a", "--no-annex"], {"force": True, "path": ["a"], "annex": False}),
        (["a", "-f", "b"], {"path": ["a", "b"], "force": True}),
        (["--mode"], {"mode": "auto"}),
        (["--mode", "slow"], {"mode": "slow"}),
        (["-J", "4"], {"jobs": 4}),
        (["--jobs", "auto"], {"jobs": "auto"}),
        (["-i", "x", "-i", "y"], {"item": ["x", "y"]}),
        (["--", "-f"], {"path": ["-f"]}),
    ],
)
def test_words_become_arguments(words: list[str], said: dict[str, Any]) -> None:
    assert parse(sample, words) == said


def test_a_command_line_is_taken_as_it_is() -> None:
    assert parse(command, ["--explicit", "ls", "-l", "--explicit"]) == {
        "cmd": ["ls", "-l", "--explicit"],
        "explicit": True,
    }
    assert parse(command, ["--", "-x"]) == {"cmd": ["-x"]}


@pytest.mark.parametrize(("words", "code"), [(["--nonsense"], 1), (["--mode", "wrong"], 2), (["-J"], 2)])
def test_what_cannot_be_read_leaves_with_datalads_codes(words: list[str], code: int) -> None:
    with pytest.raises(SystemExit) as leaving:
        parse(sample, words)
    assert leaving.value.code == code


def test_the_help_says_all_there_is() -> None:
    text = parser_for(sample).format_help()
    for word in ("Do a sample thing.", "Always.", "PATH", "--force", "really", "--mode", "-J N", "-i ITEM"):
        assert word in text


def test_python_arguments_are_matched_and_one_becomes_a_list_of_one() -> None:
    assert bind(sample, ("a",), {"force": True}) == {"path": ["a"], "force": True}
    assert bind(sample, (), {"path": ("a", "b"), "item": "x"}) == {"path": ["a", "b"], "item": ["x"]}


@pytest.mark.parametrize(
    ("places", "named", "complaint"),
    [
        (("a", "b"), {}, "positional"),
        (("a",), {"path": "b"}, "multiple values"),
        ((), {"nonsense": 1}, "unexpected"),
    ],
)
def test_python_arguments_that_do_not_fit_are_type_errors(
    places: tuple[Any, ...], named: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(TypeError, match=complaint):
        bind(sample, places, named)
