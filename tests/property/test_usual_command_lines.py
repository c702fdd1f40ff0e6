"""Command lines that are read without argparse are read as argparse reads them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rookery.cli.globals import global_parser
from rookery.cli.parser import parse
from rookery.cli.usual import Globals, usual_arguments, usual_globals
from rookery.operations.table import TABLE, load
from rookery.opkit.declare import Operation, Option

VALUES = st.sampled_from(
    [
        "a",
        "b/c",
        "",
        "5",
        "-1",
        "--",
        "-",
        "-x",
        "--nope",
        "a=b",
        "--dataset=x",
        "all",
        "true",
        "yes",
        " ",
        "@f",
    ]
)


def words_for(op: Operation) -> st.SearchStrategy[list[str]]:
    """Give words of which many make sense to a command."""
    looks = [p for p in op.parameters if isinstance(p.look, Option)]
    flags = [flag for p in looks if isinstance(p.look, Option) for flag in p.look.flags]
    choices = [word for p in looks for word in p.choices]
    words = [VALUES, VALUES]
    if flags:
        words += [st.sampled_from(flags)] * 3
    if choices:
        words.append(st.sampled_from(choices))
    return st.lists(st.one_of(*words), max_size=6)


CASES = st.sampled_from(sorted(TABLE)).map(load).flatmap(lambda op: st.tuples(st.just(op), words_for(op)))


@settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CASES)
def test_what_is_read_without_argparse_is_what_argparse_reads(case: tuple[Operation, list[str]]) -> None:
    op, words = case
    usual = usual_arguments(op, words)
    if usual is not None:
        assert usual == parse(op, words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["status"], {}),
        (["save", "-m", "a text", "a", "b", "-r"], {"message": "a text", "path": ["a", "b"], "recursive": True}),
        (["get", "a", "-s", "one", "-s", "two"], {"path": ["a"], "source": "two"}),
        (["create", "place"], {"path": "place"}),
        (["create", "place", "--bare"], None),
        (["save", "-mtext"], None),
        (["save", "--message=text"], None),
        (["save", "--help"], None),
        (["save", "-m"], None),
        (["save", "-J", "2"], None),
        (["save", "--", "-m"], None),
        (["run", "ls", "-l"], None),
        (["whereis", "--nope"], None),
        (["status", "-e", "nonsense"], None),
    ],
)  # fmt: skip
def test_which_command_lines_are_usual(words: list[str], said: dict[str, Any] | None) -> None:
    usual = usual_globals(words)
    assert usual is not None
    assert usual_arguments(load(words[0]), words[1:]) == said


@given(st.lists(st.sampled_from(["status", "-C", "x", "-r", "--", "-f", "json", "--version"]), max_size=5))
def test_without_options_before_the_command_all_are_as_argparse_has_them(words: list[str]) -> None:
    usual = usual_globals(["save", *words])
    assert isinstance(usual, Globals)
    said = vars(global_parser().parse_args(["save", *words]))
    assert usual._asdict() == {k: () if v == [] else v for k, v in said.items()}
    assert usual_globals(["-f", "json", *words]) is None
