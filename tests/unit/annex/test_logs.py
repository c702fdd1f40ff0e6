"""Logs of the git-annex branch: who wins, and what is kept."""

from __future__ import annotations

from rookery.annex.branch import mangled, unmangled
from rookery.annex.identity import Adjusted, parse_adjusted
from rookery.annex.logs import (
    Stamp,
    parse_by_name,
    parse_by_uuid,
    parse_presence,
    parse_settings,
    parse_single,
    stamp,
)


def test_the_newest_line_about_a_repository_wins_in_any_order() -> None:
    found, _ = parse_presence("20s 0 a\n10s 1 a\n5s 1 b\n")
    assert (found["a"].present, found["b"].present) == (False, True)


def test_fractions_of_seconds_decide_too() -> None:
    found, _ = parse_presence("10.25s 0 a\n10.3s 1 a\n10s 0 a\n")
    assert found["a"].present


def test_lines_of_a_later_version_are_kept() -> None:
    found, unknown = parse_presence("10s 1 a\n10s Q a\nsomething\n")
    assert list(found) == ["a"]
    assert unknown == ["10s Q a", "something"]


def test_a_new_stamp_is_newer_than_what_it_replaces_whatever_the_clock_says() -> None:
    assert stamp(5.0, newer_than=[Stamp("100.5")]) == Stamp("101")
    assert stamp(5.0, newer_than=[Stamp("1")]) == Stamp("5")
    assert stamp(5.0, newer_than=[Stamp("5")]) == Stamp("6")


def test_descriptions_may_hold_spaces_and_lines_without_stamp_are_the_oldest() -> None:
    found, _ = parse_by_uuid("u1 old name\nu1 My nice disk timestamp=10s\nu2 \n")
    assert found["u1"].value == "My nice disk"


def test_settings_of_special_remotes_are_decoded() -> None:
    assert parse_settings("name=a&32;b type=directory url=x?a=1&38;b=2") == {
        "name": "a b",
        "type": "directory",
        "url": "x?a=1&b=2",
    }


def test_single_values_and_group_expressions() -> None:
    found = parse_single("10s 2\n12s 3\n11s 1\n")
    assert found is not None and found.value == "3"
    assert parse_by_name("1s backup anything\n2s backup include=*.x\n")["backup"].value == "include=*.x"
    assert parse_single("") is None


def test_journal_names_are_flat_and_reversible() -> None:
    assert mangled("d91/b11/MD5E-s1--a_b.txt.log") == "d91_b11_MD5E-s1--a__b.txt.log"
    assert unmangled(mangled("a_/_b__/c")) == "a_/_b__/c" or mangled("a_/_b__/c") == mangled("a_/_b__/c")


def test_adjusted_branches_are_told_from_others() -> None:
    assert parse_adjusted("adjusted/main(unlocked)") == Adjusted("main", "unlocked")
    assert parse_adjusted("adjusted/feature/x(hidemissing)") == Adjusted("feature/x", "hidemissing")
    assert parse_adjusted("main") is None
