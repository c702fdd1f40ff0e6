"""From records to what a person or a program reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.core.errors import UsageError
from rookery.core.results import result
from rookery.render.choose import renderer_for
from rookery.render.machine import to_json
from rookery.render.words import ansi, generic_line

Summary = Literal["several", "always", "never"]


def shown(
    form: Any, *records: dict[str, Any], summary: Summary = "several", collapse: bool = False
) -> list[str]:
    lines: list[str] = []
    renderer = renderer_for(form, tailored="generic", say=lines.append, summary=summary, collapse=collapse)
    assert renderer is not None
    for record in records:
        renderer.record(record)
    renderer.finish()
    return lines


def test_a_line_says_action_status_path_type_and_message() -> None:
    record = result("get", "/ds/a/b", type="file", refds="/ds", message=("from %s...", "web"))
    assert generic_line(record) == "get(ok): a/b (file) [from web...]"


def test_a_path_without_a_reference_dataset_is_absolute() -> None:
    assert generic_line(result("create", "/ds", type="dataset")) == "create(ok): /ds (dataset)"


def test_the_dataset_itself_is_a_dot() -> None:
    assert generic_line(result("save", "/ds", type="dataset", refds="/ds")) == "save(ok): . (dataset)"


def test_an_error_message_is_not_said_twice() -> None:
    record = result("drop", "/f", "error", message="unsafe; no copy", error_message="no copy")
    assert generic_line(record) == "drop(error): /f [unsafe; no copy]"


def test_hints_stand_below_their_line() -> None:
    record = result("push", "/ds", "error", hints=["fetch first", "or force"])
    assert generic_line(record).splitlines()[1:] == ["Hint: fetch first", "Hint: or force"]


def test_colours_are_put_around_words_only() -> None:
    assert generic_line(result("get", "/f", type="file"), ansi) == (
        "\x1b[1mget\x1b[0m(\x1b[32mok\x1b[0m): /f (\x1b[35mfile\x1b[0m)"
    )


def test_what_was_not_needed_is_counted_and_not_shown() -> None:
    records = [result("get", "/a", "notneeded"), result("get", "/b"), result("copy", "/c")]
    assert shown("generic", *records) == [
        "get(ok): /b",
        "copy(ok): /c",
        "action summary:",
        "  copy (ok: 1)",
        "  get (notneeded: 1, ok: 1)",
    ]


def test_one_record_needs_no_summary_unless_asked() -> None:
    assert shown("generic", result("get", "/b")) == ["get(ok): /b"]
    assert shown("generic", result("get", "/b"), summary="always")[1:] == ["action summary:", "  get (ok: 1)"]
    assert len(shown("generic", result("get", "/b"), result("get", "/c"), summary="never")) == 2


def test_many_similar_lines_collapse_and_failures_never_do() -> None:
    records = [result("get", f"/{n}") for n in range(15)] + [result("get", "/bad", "error")]
    lines = shown("generic", *records, collapse=True)
    assert len([line for line in lines if line.startswith("get(ok)")]) == 10
    assert any("5 similar messages have been suppressed" in line for line in lines)
    assert "get(error): /bad" in lines


def test_json_is_one_object_a_line_with_sorted_keys() -> None:
    record = result(
        "merge", "/ds", message=("Merged %s", "origin/main"), where=Path("/x"), error=KeyError("k")
    )
    (line,) = shown("json", record)
    assert json.loads(line)["message"] == ["Merged %s", "origin/main"]
    assert list(json.loads(line)) == sorted(json.loads(line))
    assert json.loads(line)["where"] == "/x"
    (pretty,) = shown("json_pp", record)
    assert pretty.startswith('{\n  "action"')
    assert json.loads(pretty) == json.loads(line)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text() | st.binary().map(repr), st.lists))
def test_whatever_a_record_holds_is_one_line_of_json(value: Any) -> None:
    line = to_json({"value": value, "name": b"\xff".decode("utf-8", "surrogateescape")})
    assert "\n" not in line
    assert line.isascii()
    assert json.loads(line)["value"] == value


def test_a_template_says_what_it_names_and_na_for_what_is_missing() -> None:
    record = result("get", "/f", metadata={"music:Genre": "choral"})
    assert shown("{action} {path} {nothing} {metadata[music#Genre]}", record) == ["get /f N/A choral"]


def test_disabled_shows_nothing_and_an_unknown_format_is_refused() -> None:
    assert renderer_for("disabled", tailored="generic", say=print) is None
    assert renderer_for(None, tailored="generic", say=print) is None
    with pytest.raises(UsageError, match="nonsense"):
        renderer_for("nonsense", tailored="generic", say=print)


def test_a_function_is_a_renderer() -> None:
    seen: list[dict[str, Any]] = []
    renderer = renderer_for(seen.append, tailored="generic", say=print)
    assert renderer is not None
    renderer.record({"action": "x", "status": "ok"})
    assert seen == [{"action": "x", "status": "ok"}]
