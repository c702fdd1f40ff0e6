"""Reading tables of URLs and filling formats: no file, no network."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.steps.fetching.urlrows import (
    Addition,
    Formats,
    additions,
    name_parts,
    settle_collisions,
    split_extensions,
    split_subdatasets,
    url_parts,
)
from rookery.steps.fetching.urltable import Table, TableError, kind_of, parse_table

VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=8)


def nobody(number: int, url: str) -> Mapping[str, str]:
    raise AssertionError(f"asked for {url} ({number})")


def worked_out(table: Table, formats: Formats) -> list[Addition]:
    return additions(table, formats, nobody)[0]


@given(st.lists(st.tuples(VALUES, VALUES), min_size=1))
def test_every_kind_of_file_gives_the_same_rows(pairs: list[tuple[str, str]]) -> None:
    rows = [{"a": one, "b": two} for one, two in pairs]
    for kind, delimiter in (("csv", ","), ("tsv", "\t")):
        out = io.StringIO()
        writer = csv.writer(out, delimiter=delimiter)
        writer.writerows([("a", "b"), *pairs])
        assert parse_table(out.getvalue().encode(), kind).rows == rows  # type: ignore[arg-type]  # both are kinds
    assert parse_table(json.dumps(rows).encode(), "json").rows == rows
    assert parse_table("\n".join(map(json.dumps, rows)).encode(), "jsonl").rows == rows


def test_the_extension_tells_the_kind_unless_it_is_said() -> None:
    assert [kind_of(name, "ext") for name in ("a.json", "a.jsonl", "a.tsv", "a.txt", "-")] == [
        "json",
        "jsonl",
        "tsv",
        "csv",
        "json",
    ]
    assert kind_of("a.json", "csv") == "csv"


@given(VALUES)
def test_an_extension_split_off_can_be_put_back(name: str) -> None:
    root, extension = split_extensions(name)
    assert root + extension in (name, f"{name}.")


def test_extensions_are_split_as_git_annex_does() -> None:
    assert split_extensions("file.tar.gz") == ("file", ".tar.gz")
    assert split_extensions("file.above4chars.ext") == ("file.above4chars", ".ext")
    assert name_parts("a.tar.gz", "_x")["_x_root_py"] == "a.tar"


def test_the_parts_of_a_url_are_numbered() -> None:
    parts = url_parts("http://example.org:80/one/two.sh?x=1")
    assert (parts["_url_hostname"], parts["_url0"], parts["_url1"]) == ("example.org:80", "one", "two.sh")
    assert parts["_url_basename_ext"] == ".sh"


def test_two_slashes_end_the_name_of_a_subdataset() -> None:
    assert split_subdatasets("p1/p2//p3/p4//file") == ("p1/p2/p3/p4/file", ["p1/p2", "p1/p2/p3/p4"])


@pytest.mark.parametrize(
    "name", ["", "/abs", "../up", "a/../b", "a//../b", ".git/x", "a//.GIT/x", "a/", "//a", "a\0b"]
)
def test_no_name_leads_out_of_the_dataset(name: str) -> None:
    with pytest.raises(TableError):
        split_subdatasets(name)


def test_a_repeated_name_is_counted() -> None:
    table = Table(
        [{"u": "http://x/1", "n": "a"}, {"u": "http://x/2", "n": "a"}, {"u": "http://x/3", "n": "b"}]
    )
    assert [one.path for one in worked_out(table, Formats("{u}", "{n}{_repindex}"))] == ["a0", "a1", "b0"]


@pytest.mark.parametrize(
    ("formats", "said"),
    [
        (Formats("{u}", "{x}"), "Unknown placeholder 'x' in file name"),
        (Formats("{x}", "{n}"), "Unknown placeholder 'x' in URL"),
        (Formats("{7}", "{n}"), "Out-of-bounds or unsupported index 7 in URL"),
        (Formats("{u}", "{n}", meta=["a={x}"]), "Unknown placeholder 'x' in metadata"),
        (Formats("{u}", "{n"), "cannot be used"),
        (Formats("{u}", "{n}", meta=["a"]), "field=value"),
        (Formats("{u}", "{n}", key="MD5-s1--abc"), "expected length"),
        (Formats("{u}", "{n}", key="abc"), "does not match"),
        (Formats("{u}", "{n}", exclude_autometa="("), "regular expression"),
        (Formats("a b", "{n}"), "white space"),
    ],
)
def test_a_format_that_does_not_fit_is_told(formats: Formats, said: str) -> None:
    with pytest.raises(TableError, match=said):
        worked_out(Table([{"u": "http://x/1", "n": "a"}], ["u", "n"]), formats)


def test_collisions_are_settled_as_wished() -> None:
    rows = [{"u": f"http://x/{n}", "n": name} for n, name in enumerate("aba")]
    found = worked_out(Table(rows), Formats("{u}", "{n}"))
    assert [one.url[-1] for one in settle_collisions(found, "take-first")] == ["0", "1"]
    assert [one.url[-1] for one in settle_collisions(found, "take-last")] == ["2", "1"]
    for how in ("error", "error-if-different"):
        with pytest.raises(TableError, match="1 file name collided"):
            settle_collisions(found, how)  # type: ignore[arg-type]  # both are ways
    assert len(settle_collisions([*found[:2], found[0]], "error-if-different")) == 2
