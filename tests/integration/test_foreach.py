"""`foreach-dataset`: which datasets, in what order, and where the output goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.programs import Program

Make = Callable[..., Path]


@pytest.fixture
def family(cli: Program, new_dataset: Make) -> Path:
    """A dataset with two below it, and one below the first of these."""
    top = new_dataset("top", files={})
    cli("create", "-d", top, top / "a", cwd=top)
    cli("create", "-d", top / "a", top / "a" / "deep", cwd=top)
    cli("create", "-d", top, top / "b", cwd=top)
    cli("save", "-r", "-d", top, cwd=top)
    return top


def places(family: Path, told: list[dict[str, object]]) -> list[str]:
    return [str(Path(str(r["path"])).relative_to(family)) for r in told]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], [".", "a", "b"]),
        (["-r"], [".", "a", "a/deep", "b"]),
        (["-r", "-s"], ["a", "a/deep", "b"]),
        (["-r", "--bottomup"], ["a/deep", "a", "b", "."]),
        (["-r", "--contains", "a/deep"], ["a", "a/deep"]),
        (["-r", "-R", "1"], [".", "a", "b"]),
    ],
)
def test_the_datasets_are_chosen_as_asked(
    cli: Program, family: Path, words: list[str], expected: list[str]
) -> None:
    told = cli("-f", "json", "foreach-dataset", *words, "true", cwd=family).records
    assert places(family, told) == expected


def test_output_goes_through_is_captured_or_is_prefixed(cli: Program, family: Path) -> None:
    through = cli("foreach-dataset", "pwd", cwd=family)
    assert through.lines[:2] == [str(family), f"foreach-dataset(ok): {family} (dataset)"]
    captured = cli("-f", "json", "foreach-dataset", "--o-s", "capture", "echo out; echo err >&2", cwd=family)
    assert [(r["stdout"], r["stderr"]) for r in captured.records] == [("out\n", "err\n")] * 3
    prefixed = cli("foreach-dataset", "-r", "--o-s", "relpath", "echo out; echo err >&2", cwd=family)
    assert prefixed.lines == ["out", "a/out", "a/deep/out", "b/out"]
    assert prefixed.stderr.splitlines() == ["err", "a/err", "a/deep/err", "b/err"]


def test_placeholders_tell_of_the_dataset(cli: Program, family: Path) -> None:
    words = ["echo", "{ds.path}", "{refds.path}", "{pwd}", "{dspath}", "{ds}", "{{x}}"]
    told = cli("-f", "json", "foreach-dataset", "-s", "--o-s", "capture", *words, cwd=family).records
    a = family / "a"
    assert told[0]["stdout"].split() == [str(a), str(family), str(family), str(a), f"Dataset({a})", "{x}"]
    unknown = cli("foreach-dataset", "{nix}", cwd=family, code=1)
    assert unknown.lines[0] == (
        f"foreach-dataset(impossible): {family} (dataset) [command has an unrecognized placeholder: 'nix']"
    )


def test_a_failure_is_told_and_the_others_go_on(cli: Program, family: Path) -> None:
    answer = cli("foreach-dataset", "-r", "test $(basename $PWD) != a || exit 4", cwd=family, code=4)
    assert [line.partition(":")[0] for line in answer.lines] == [
        "foreach-dataset(ok)",
        "foreach-dataset(error)",
        "foreach-dataset(ok)",
        "foreach-dataset(ok)",
    ]


def test_python_code_sees_the_datasets(cli: Program, family: Path) -> None:
    told = cli("-f", "json", "foreach-dataset", "--cmd-type", "eval", "ds.path", cwd=family).records
    assert [r["result"] for r in told] == [str(family), str(family / "a"), str(family / "b")]
    words = ["--cmd-type", "exec", "--o-s", "capture", "import os; print(os.getcwd() == ds.path)"]
    told = cli("-f", "json", "foreach-dataset", *words, cwd=family).records
    assert {r["stdout"] for r in told} == {"True\n"}
    answer = cli("foreach-dataset", "--cmd-type", "eval", "1/0", cwd=family, code=1)
    assert "division by zero" in answer.lines[0]


def test_a_function_can_be_run_from_python(family: Path) -> None:
    from rookery import api

    told = api.foreach_dataset(
        lambda ds, refds, **_: (ds.path, refds.path),
        dataset=str(family),
        subdatasets_only=True,
        result_renderer="disabled",
    )
    assert [r["result"] for r in told] == [(str(family / x), str(family)) for x in ("a", "b")]


def test_a_dataset_that_is_not_installed_is_impossible(cli: Program, family: Path, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    cli("clone", family, clone)
    answer = cli("foreach-dataset", "--state", "any", "true", cwd=clone, code=1)
    assert answer.lines[1] == f"foreach-dataset(impossible): {clone / 'a'} (dataset) [not installed]"


@pytest.mark.parametrize("direction", [[], ["--bottomup"]])
def test_in_parallel_parents_and_children_keep_their_order(
    cli: Program, family: Path, tmp_path: Path, direction: list[str]
) -> None:
    log = tmp_path / "log"
    command = f"echo {{dspath}} >> {log}"
    cli("foreach-dataset", "-r", "-J", "4", *direction, command, cwd=family)
    order = [Path(line) for line in log.read_text().splitlines()]
    assert len(order) == 4
    if direction:
        order.reverse()
    for place in order:
        assert all(order.index(above) < order.index(place) for above in place.parents if above in order)


def test_without_a_command_the_usage_is_shown(cli: Program, family: Path) -> None:
    cli("foreach-dataset", cwd=family, code=2)
